"""Fields of an OTLP/JSON object: of the right type, or a problem is noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._values import UNREADABLE, read_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.otlp._decoded import Decoded

Json = dict[str, Any]


def read_number(wire: Json, key: str, decoded: Decoded) -> int:
    """A number; 0 if it is absent, negative or not a number."""
    if key not in wire:
        return 0
    try:
        number = read_integer(wire[key])
    except UNREADABLE:
        number = -1
    if number < 0:
        decoded.note(f"{key} is not a valid number; read as 0")
        return 0
    return number


def read_text(wire: Json, key: str, decoded: Decoded) -> str:
    """A text; empty if it is absent or not a text."""
    text = wire.get(key, "")
    if type(text) is str:
        return text
    if text is not None:
        decoded.note(f"{key} is not a text; skipped")
    return ""


def read_enum(
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
        decoded.note(f"{key} has an unknown value; read as {words[0]}")
    return words[0]


def read_list(wire: Json, key: str, decoded: Decoded) -> list[Any]:
    """A list; empty if it is absent or not a list."""
    items = wire.get(key)
    if type(items) is list:
        return items
    if items is not None:
        decoded.note(f"{key} is not a list; skipped")
    return []


def read_objects(wire: Json, key: str, decoded: Decoded) -> Iterator[Json]:
    """The objects of a list."""
    for item in read_list(wire, key, decoded):
        if type(item) is dict:
            yield item
        else:
            decoded.note(f"an item of {key} is not an object; skipped")


def read_object(wire: Json, key: str, decoded: Decoded) -> Json:
    """An object; empty if it is absent or not an object."""
    item = wire.get(key)
    if type(item) is dict:
        return item
    if item is not None:
        decoded.note(f"{key} is not an object; skipped")
    return {}


def to_camel_case(wire: Json, *expected: str) -> Json:
    """*wire*, with snake_case names converted if it has none of the *expected* ones."""
    if any(name in wire for name in expected):
        return wire
    return _convert_names(wire)


def _convert_names(wire: Json) -> Json:
    """*wire* with all names in camelCase. Attribute keys are values, so they stay.

    Without recursion: what no reader looks at may be nested to any depth.
    """
    top: list[Any] = [wire]
    copies: list[Any] = [top]
    while copies:
        copy = copies.pop()
        for place, item in [*(copy.items() if type(copy) is dict else enumerate(copy))]:
            if type(item) is dict:
                copy[place] = {_convert_name(name): item[name] for name in item}
            elif type(item) is list:
                copy[place] = [*item]
            else:
                continue
            copies.append(copy[place])
    converted: Json = top[0]
    return converted


def _convert_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
