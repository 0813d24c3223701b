"""Typed getters: an attribute of the wrong type is an absent one.

A coercion takes any value and gives the one of its type, or None. `first` and its kin
make the rows of a dialect's table from a coercion and the keys where a fact may stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infinium_otel.jsontext import MAPPING, decode

Coercion = Callable[[Any], Any]

LARGEST = 2**53
"""Beyond it a float no longer tells two counts apart; no real count is that large."""

PLACEHOLDERS = frozenset(
    {
        "",
        "{}",
        "[]",
        "N/A",
        "None",
        "null",
        "unknown",
        "_OTHER",
        "(merged tools)",
        "<REDACTED>",
        "[REDACTED]",
        "__REDACTED__",
        "<elided>",
        "<not serializable>",
    }
)
"""What instrumentations write where they have nothing to say (dialects trap T21)."""


def text(value: Any) -> str | None:
    """A text that says something; JSON quotes around it are taken off."""
    if not isinstance(value, str):
        return None
    if value[:1] == '"' and value[-1:] == '"':
        unquoted = decode(value, 1)
        value = unquoted if isinstance(unquoted, str) else value
    value = value.strip()
    return None if value in PLACEHOLDERS else value


def word(value: Any) -> str | None:
    """A text in lower case, for looking up in a vocabulary."""
    found = text(value)
    return None if found is None else found.lower()


def number(value: Any) -> float | None:
    """A finite number, also where it came as text."""
    if type(value) is float:  # nearly all are what they should be
        return value if math.isfinite(value) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip().strip('"')
    if not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int | None:
    """A count within reason: whole, not negative, at most 2**53."""
    found = value if type(value) is int else number(value)
    if found is None or not 0 <= found <= LARGEST:
        return None
    return int(found)


def amount(value: Any) -> float | None:
    """A number that is not negative: a price, a duration."""
    found = number(value)
    return None if found is None or found < 0 else found


def flag(value: Any) -> bool | None:
    """True or false, also as the texts that instrumentations write."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(word(value) or "")


def texts(value: Any) -> tuple[str, ...] | None:
    """A list of texts: a sequence, JSON, or one text with commas."""
    value = decode(value)
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return None
    found = tuple(t for t in map(text, value) if t)
    return found or None


def data(value: Any) -> Any:
    """Whatever it is, unless it is a placeholder; read later, where it is needed."""
    if isinstance(value, str):
        return None if value in PLACEHOLDERS or _is_address(value) else value
    return value if value or value in (0, False) else None


_ADDRESS = re.compile(r"<[\w. ]+ at 0x[0-9a-fA-F]+>")


def _is_address(value: str) -> bool:
    """Whether only the object's place in memory was written, not what it holds."""
    return value[:1] == "<" and _ADDRESS.fullmatch(value) is not None


def structure(value: Any) -> Any:
    """An object or list, from itself or from JSON text."""
    found = decode(value)
    return found if isinstance(found, (*MAPPING, list, tuple)) and found else None


TYPED = frozenset({text, number, count, amount, flag, texts})
"""Coercions whose refusal is worth a note: the value had the wrong type."""


def one_of(words: Mapping[str, str]) -> Coercion:
    """The word of ours that a vocabulary's word stands for."""

    def coerce(value: Any) -> str | None:
        return words.get(word(value) or "")

    return coerce


def any_of(words: str) -> Coercion:
    """True for one of *words*, also as the member of an enumeration."""
    known = frozenset(words.split())

    def coerce(value: Any) -> bool | None:
        return (word(value) or "").rpartition(".")[2] in known or None

    return coerce


SMALL = 20_000
"""A text up to this long is kept for the next row that reads a member of it."""


def _object(value: Any) -> Any:
    if type(value) is str and len(value) <= SMALL:
        return _parsed(value)
    return structure(value)


@lru_cache(maxsize=8)
def _parsed(value: str) -> Any:
    """The structure in a text that several rows look into; not to be changed."""
    return structure(value)


MAX_TOKENS = (
    "max_tokens max_completion_tokens max_output_tokens maxTokens maxOutputTokens "
    "max_tokens_to_sample"
)
"""The names that request parameters give the limit of the answer's length."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object, by the first of *names* that it has."""

    names: tuple[str, ...]
    coerce: Coercion

    def __call__(self, value: Any) -> Any:
        """The member as its coercion reads it; None where there is none."""
        found = _object(value)
        if not isinstance(found, MAPPING):
            return None
        told = (self.coerce(found[name]) for name in self.names if name in found)
        return next((value for value in told if value is not None), None)


def member(names: str, coerce: Coercion) -> Coercion:
    """A member of a JSON object, by the first of *names* that it has."""
    return Member(tuple(names.split()), coerce)


def times(factor: float) -> Coercion:
    """An amount in another unit: `times(1000)` makes milliseconds of seconds."""

    def coerce(value: Any) -> float | None:
        found = amount(value)
        return None if found is None else found * factor

    return coerce


_CURRENT_AGENT = re.compile(r"""current_agent_name['"]?\s?[=:]\s?['"]([^'"]{1,200})""")


def current_agent(value: Any) -> str | None:
    """The agent that LlamaIndex's workflow says is at work, in what its steps pass on."""
    if not isinstance(value, str) or "current_agent_name" not in value:
        return None
    match = _CURRENT_AGENT.search(value)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Row:
    """Where one fact may stand: each key with its coercion, the preferred first."""

    places: tuple[tuple[str, Coercion], ...]

    def __or__(self, other: Row) -> Row:
        """This row's places, then *other*'s."""
        return Row(self.places + other.places)


def first(coerce: Coercion, *keys: str) -> Row:
    """The first of *keys* that holds a value of the wanted type."""
    return Row(tuple((key, coerce) for key in keys))


def indexed(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]] | None:
    """The objects of a flattened list, `prefix.0.role`, `prefix.0.content`, ...

    Indices may start anywhere and have holes. Nested lists nest:
    `prefix.0.tool_calls.1.name` becomes `[{"tool_calls": [{"name": ...}]}]`.

    Returns:
        None where no attribute has the prefix.
    """
    start = prefix + "."
    keys = [key for key in attributes if key.startswith(start)]
    if not keys:
        return None
    tree = _Branch()
    for key in keys:
        _plant(tree, key[len(start) :].split(".", DEEPEST), attributes[key])
    found = _pruned(tree)
    return found if isinstance(found, list) else None


class _Branch(dict[str, Any]):
    """What keys unfold to, to be told from an object that is a value."""


DEEPEST = 30
"""Levels that a key unfolds to; the conventions have up to eight."""


def _plant(tree: _Branch, path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        branch = tree.get(part)
        if type(branch) is not _Branch:
            branch = tree[part] = _Branch()
        tree = branch
    tree.setdefault(path[-1], value)


def _pruned(tree: Any) -> Any:
    """*tree* with each branch whose keys are all numbers made a list in their order."""
    if type(tree) is not _Branch:
        return tree
    if tree and all(map(str.isdecimal, tree)):
        return [_pruned(tree[key]) for key in sorted(tree, key=_by_number)]
    return {key: _pruned(value) for key, value in tree.items()}


def _by_number(digits: str) -> tuple[int, str]:
    return len(digits), digits  # `int` refuses thousands of digits
