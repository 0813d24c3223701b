"""OTLP/JSON's scalars, ids and attribute values to Python's.

Whatever cannot be read raises one of `UNREADABLE`; the caller leaves it out.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._decoded import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)

TRACE_ID = re.compile(r"[0-9a-f]{32}")
SPAN_ID = re.compile(r"[0-9a-f]{16}")


def integer(value: Any) -> int:
    """A 64-bit integer, written as text, as a number or as a whole float."""
    if type(value) is str or (type(value) is float and value.is_integer()):
        value = int(value)
    if type(value) is not int or not -(1 << 63) <= value < 1 << 64:
        raise TypeError("not a 64-bit integer")
    return value


def identifier(value: Any, pattern: re.Pattern[str]) -> str | None:
    """An id as lower-case hex digits; None if it is absent, all zero or malformed."""
    if type(value) is not str or not value:
        return None
    text = value if pattern.fullmatch(value) else _hex(value)
    return text if pattern.fullmatch(text) and text.strip("0") else None


def _hex(text: str) -> str:
    """Upper-case hex, or the base64 of a protobuf library's own JSON, as hex."""
    if not text.endswith("="):
        return text.lower()
    try:
        return b64decode(text, validate=True).hex()
    except ValueError:
        return ""


def value_of(wire: Any, depth: int = 0) -> Any:
    """The value of an AnyValue; None for an empty one."""
    for kind, content in wire.items():
        if kind in _KINDS:
            if depth > MAX_DEPTH:
                raise ValueError("nested too deep")
            return _KINDS[kind](content, depth)
    if wire:
        raise ValueError("a kind of value that is not known")
    return None


def pairs_of(wire: Any, depth: int = 0) -> dict[str, Any]:
    """The pairs of a KeyValueList; the last of equal keys wins."""
    found = {}
    for pair in wire:
        found[_text(pair["key"])] = value_of(pair.get("value") or {}, depth)
    return found


def _text(value: Any, _depth: int = 0) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value


def _flag(value: Any, _depth: int) -> bool:
    if type(value) is not bool:
        raise TypeError("neither true nor false")
    return value


def _whole(value: Any, _depth: int) -> int:
    number = integer(value)
    if number >= 1 << 63:
        raise ValueError("not a signed 64-bit integer")
    return number


def _real(value: Any, _depth: int) -> float:
    if type(value) is bool:
        raise TypeError("not a number")
    return float(value)


def _octets(value: Any, _depth: int) -> bytes:
    text = _text(value).translate(_URL_SAFE).rstrip("=")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def _array(value: Any, depth: int) -> tuple[Any, ...]:
    return tuple(value_of(item, depth + 1) for item in value.get("values") or ())


def _mapping(value: Any, depth: int) -> dict[str, Any]:
    return pairs_of(value.get("values") or (), depth + 1)


_URL_SAFE = str.maketrans("-_", "+/")

_KINDS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": _text,
    "intValue": _whole,
    "boolValue": _flag,
    "doubleValue": _real,
    "arrayValue": _array,
    "kvlistValue": _mapping,
    "bytesValue": _octets,
    "string_value": _text,
    "int_value": _whole,
    "bool_value": _flag,
    "double_value": _real,
    "array_value": _array,
    "kvlist_value": _mapping,
    "bytes_value": _octets,
}
