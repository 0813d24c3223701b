"""OTLP/JSON's scalars, ids and attribute values to Python's.

A value that cannot be read raises one of `UNREADABLE`; the caller skips it.
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


def read_integer(value: Any) -> int:
    """A 64-bit integer, written as text, as a number or as a whole float."""
    if type(value) is str or (type(value) is float and value.is_integer()):
        value = int(value)
    if type(value) is not int or not -(1 << 63) <= value < 1 << 64:
        raise TypeError("not a 64-bit integer")
    return value


def read_id(value: Any, pattern: re.Pattern[str]) -> str | None:
    """An id as lower-case hex digits; None if it is absent, all zero or malformed."""
    if type(value) is not str or not value:
        return None
    text = value if pattern.fullmatch(value) else _to_hex(value)
    return text if pattern.fullmatch(text) and text.strip("0") else None


def _to_hex(text: str) -> str:
    """Upper-case hex, or the base64 of a protobuf library's own JSON, as hex."""
    if not text.endswith("="):
        return text.lower()
    try:
        return b64decode(text, validate=True).hex()
    except ValueError:
        return ""


def read_value(wire: Any, depth: int = 0) -> Any:
    """The value of an AnyValue; None for an empty one."""
    for kind, content in wire.items():
        if kind in _KINDS:
            if depth > MAX_DEPTH:
                raise ValueError("nested too deep")
            return _KINDS[kind](content, depth)
    if wire:
        raise ValueError("an unknown kind of value")
    return None


def read_pairs(wire: Any, depth: int = 0) -> dict[str, Any]:
    """The pairs of a KeyValueList; the last of equal keys wins."""
    found = {}
    for pair in wire:
        found[_read_text(pair["key"])] = read_value(pair.get("value") or {}, depth)
    return found


def _read_text(value: Any, _depth: int = 0) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value


def _read_bool(value: Any, _depth: int) -> bool:
    if type(value) is not bool:
        raise TypeError("neither true nor false")
    return value


def _read_int(value: Any, _depth: int) -> int:
    number = read_integer(value)
    if number >= 1 << 63:
        raise ValueError("not a signed 64-bit integer")
    return number


def _read_float(value: Any, _depth: int) -> float:
    if type(value) is bool:
        raise TypeError("not a number")
    return float(value)


def _read_bytes(value: Any, _depth: int) -> bytes:
    text = _read_text(value).translate(_URL_SAFE).rstrip("=")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def _read_array(value: Any, depth: int) -> tuple[Any, ...]:
    return tuple(read_value(item, depth + 1) for item in value.get("values") or ())


def _read_mapping(value: Any, depth: int) -> dict[str, Any]:
    return read_pairs(value.get("values") or (), depth + 1)


_URL_SAFE = str.maketrans("-_", "+/")

_KINDS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": _read_text,
    "intValue": _read_int,
    "boolValue": _read_bool,
    "doubleValue": _read_float,
    "arrayValue": _read_array,
    "kvlistValue": _read_mapping,
    "bytesValue": _read_bytes,
    "string_value": _read_text,
    "int_value": _read_int,
    "bool_value": _read_bool,
    "double_value": _read_float,
    "array_value": _read_array,
    "kvlist_value": _read_mapping,
    "bytes_value": _read_bytes,
}
