"""Any Python value to one that JSON can represent, without ever raising."""

from __future__ import annotations

import base64
import math
import operator
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST_INT = 2**63 - 1
"""Beyond 64 bits many JSON readers fail or round; such a number becomes a text."""

MAX_DEPTH = 48
MAX_NODES = 100_000
MAX_FLAT = 100
MAX_REPR_LENGTH = 10_000
TOO_DEEP = "(nested too deeply)"
TOO_MANY = "(too many values)"
CYCLE = "(refers to itself)"


def text(value: str) -> str:
    """*value* without lone surrogates, which UTF-8 cannot encode.

    Surrogates that make a pair become their character, a lone one U+FFFD.
    """
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        units = value.encode("utf-16-le", "surrogatepass")
        return units.decode("utf-16-le", "replace")
    return value


def plain(value: Any) -> Any:
    """*value* as JSON can represent it: dicts with text keys, lists, texts, numbers.

    Numbers that JSON cannot represent (NaN, infinities, beyond 64 bits) become texts,
    times ISO 8601, bytes UTF-8 or base64, sets sorted lists, dataclasses dicts, and
    anything else its `str`. Cycles, great depth and many values are cut.
    """
    if type(value) is dict and (flat := _convert_flat(value)) is not None:
        return flat
    simple = _SIMPLE.get(type(value))
    return simple(value) if simple else _Walk().visit(value, 0)


def _convert_flat(value: dict[Any, Any]) -> dict[str, Any] | None:
    """A dict of plain values and lists of texts, as most metadata is; None otherwise.

    Metadata is most of what is encoded on the hot path, so this pays.
    """
    if len(value) > MAX_FLAT:
        return None
    result: dict[str, Any] = {}
    for name, item in value.items():
        if type(name) is not str:
            return None
        key = name if name.isascii() else text(name)
        kind = type(item)
        if kind is str:
            result[key] = item if item.isascii() else text(item)
        elif (simple := _SIMPLE.get(kind)) is not None:
            result[key] = simple(item)
        elif kind is list and len(item) <= MAX_FLAT and _are_texts(item):
            result[key] = [text(each) for each in item]
        else:
            return None
    return result


def _are_texts(items: list[Any]) -> bool:
    return all(type(item) is str for item in items)


def _convert_int(value: int) -> int | str:
    if -LARGEST_INT <= value <= LARGEST_INT:
        return value
    return hex(value)


def _convert_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _keep(value: Any) -> Any:
    return value


_SIMPLE: dict[type[Any], Callable[[Any], Any]] = {
    str: text,
    int: _convert_int,
    float: _convert_float,
    bool: _keep,
    type(None): _keep,
}


class _Walk:
    """One walk through a value, which knows its path and the number of values so far."""

    def __init__(self) -> None:
        self.path: set[int] = set()
        self.nodes = 0

    def visit(self, value: Any, depth: int) -> Any:
        simple = _SIMPLE.get(type(value))
        if simple:
            return simple(value)
        try:
            leaf = _convert_leaf(value)
            return self._visit_container(value, depth) if leaf is None else leaf
        except Exception:  # noqa: BLE001 - a third party's class may do anything
            return describe(value)

    def _visit_container(self, value: Any, depth: int) -> Any:
        if id(value) in self.path:
            return CYCLE
        if depth >= MAX_DEPTH:
            return TOO_DEEP
        self.path.add(id(value))
        try:
            return self._visit_members(value, depth + 1)
        finally:
            self.path.discard(id(value))

    def _visit_members(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._visit_pairs(value.items(), depth)
        if is_dataclass(value):
            pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
            return self._visit_pairs(pairs, depth)
        if isinstance(value, (set, frozenset)):
            return sorted(self._visit_items(value, depth), key=repr)
        return self._visit_items(value, depth)

    def _visit_pairs(
        self, pairs: Iterable[tuple[Any, Any]], depth: int
    ) -> dict[str, Any]:
        result = {}
        for name, item in pairs:
            self.nodes += 1
            if self.nodes > MAX_NODES:
                break
            result[to_key(name)] = self.visit(item, depth)
        return result

    def _visit_items(self, items: Iterable[Any], depth: int) -> list[Any]:
        result = []
        for item in items:
            self.nodes += 1
            if self.nodes > MAX_NODES:
                result.append(TOO_MANY)
                break
            result.append(self.visit(item, depth))
        return result


def to_key(name: Any) -> str:
    """A mapping's key as a JSON key."""
    if isinstance(name, str):
        return text(str.__str__(name))
    if name is None or isinstance(name, bool):
        return {None: "null", True: "true", False: "false"}[name]
    return str(leaf) if (leaf := _convert_leaf(name)) is not None else describe(name)


def _convert_leaf(value: Any) -> Any:
    """The JSON of a value without parts; None for a container."""
    for kinds, leaf in _LEAVES:
        if isinstance(value, kinds):
            return leaf(value)
    if isinstance(value, _CONTAINERS) or _is_record(value):
        return None
    return (
        _convert_index(value) if hasattr(type(value), "__index__") else describe(value)
    )


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _decode_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _convert_index(value: Any) -> Any:
    """The number of an integer that is not an `int`, such as numpy's."""
    try:
        return _convert_int(operator.index(value))
    except Exception:  # noqa: BLE001 - a third party's class
        return describe(value)


def describe(value: Any) -> str:
    """The `str` of any object, bounded; its class if that raises."""
    try:
        return text(str(value)[:MAX_REPR_LENGTH])
    except Exception:  # noqa: BLE001 - a third party's __str__ may raise anything
        return f"<{type(value).__name__}>"


_CONTAINERS = (Mapping, list, tuple, set, frozenset)

_LEAVES: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Enum, lambda value: plain(value.value)),
    (str, lambda value: text(str.__str__(value))),
    (int, lambda value: _convert_int(int(value))),
    (float, lambda value: _convert_float(float(value))),
    ((date, time), lambda value: value.isoformat()),
    ((bytes, bytearray, memoryview), lambda value: _decode_bytes(bytes(value))),
)
"""Kinds without parts, the narrower first: an Enum may also be a text or a number."""
