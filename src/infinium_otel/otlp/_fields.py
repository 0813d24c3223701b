"""A field of an OTLP/JSON object: of the right type, or a problem noted and absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._values import UNREADABLE, integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.otlp._decoded import Decoded

Json = dict[str, Any]


def number_of(wire: Json, key: str, decoded: Decoded) -> int:
    """A number that is 0 where it is absent, negative or no number."""
    if key not in wire:
        return 0
    try:
        number = integer(wire[key])
    except UNREADABLE:
        number = -1
    if number < 0:
        decoded.note(f"{key} is no number that can be; taken for 0")
        return 0
    return number


def text_of(wire: Json, key: str, decoded: Decoded) -> str:
    """A text that is empty where it is absent or none."""
    text = wire.get(key, "")
    if type(text) is str:
        return text
    if text is not None:
        decoded.note(f"{key} is no text; left out")
    return ""


def word_of(
    wire: Json, key: str, words: tuple[str, ...], prefix: str, decoded: Decoded
) -> str:
    """One of *words*, written as its number or as its name; the first if absent."""
    value = wire.get(key, 0)
    if type(value) is int and 0 <= value < len(words):
        return words[value]
    name = value.removeprefix(prefix).lower() if type(value) is str else ""
    if name in words:
        return name
    if name != "unspecified":
        decoded.note(f"{key} is none of its values; taken for {words[0]}")
    return words[0]


def list_of(wire: Json, key: str, decoded: Decoded) -> list[Any]:
    """A list that is empty where it is absent or none."""
    items = wire.get(key)
    if type(items) is list:
        return items
    if items is not None:
        decoded.note(f"{key} is no list; left out")
    return []


def objects_of(wire: Json, key: str, decoded: Decoded) -> Iterator[Json]:
    """The objects of a list."""
    for item in list_of(wire, key, decoded):
        if type(item) is dict:
            yield item
        else:
            decoded.note(f"an item of {key} is no object; left out")


def object_of(wire: Json, key: str, decoded: Decoded) -> Json:
    """An object that is empty where it is absent or none."""
    item = wire.get(key)
    if type(item) is dict:
        return item
    if item is not None:
        decoded.note(f"{key} is no object; left out")
    return {}


def camelled(wire: Json, *expected: str) -> Json:
    """*wire*; with its snake_case names turned if none of *expected* is in it."""
    if any(name in wire for name in expected):
        return wire
    turned: Json = _camel(wire)
    return turned


def _camel(wire: Any) -> Any:
    """Every name in *wire* in camelCase. Attribute keys are values, so they stay."""
    if isinstance(wire, list):
        return [_camel(item) for item in wire]
    if isinstance(wire, dict):
        return {_camel_name(name): _camel(item) for name, item in wire.items()}
    return wire


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
