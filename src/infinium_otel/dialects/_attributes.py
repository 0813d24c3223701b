"""Typed getters: an attribute of the wrong type counts as absent.

A coercion takes any value and returns it as its type, or None. `first` and its kin
make the rows of a dialect's table from a coercion and the keys to read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infinium_otel.dialects._shape import find_shape
from infinium_otel.dialects.lenient_json import MAPPING, loads

Coercion = Callable[[Any], Any]

LARGEST = 2**53
"""Beyond it a float cannot represent every integer; no real count is that large."""

PLACEHOLDERS = frozenset(
    {
        "",
        "{}",
        "[]",
        "N/A",
        "None",
        "null",
        "undefined",
        "unknown",
        "_OTHER",
        "(merged tools)",
        "<REDACTED>",
        "[REDACTED]",
        "__REDACTED__",
        "<elided>",
        "<not serializable>",
        "non-serializable result",
        "non-serializable",
        "not serializable",
        "[unserializable]",
    }
)
"""What instrumentations write for a missing value (docs/reference/traps.md T21)."""


_REMARK = re.compile(
    r"<(?:not?|none|null|empty|missing|omitted|redacted|elided|hidden|removed"
    r"|un[a-z]{2,12})(?:[ _-][a-z _-]{0,40})?>",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether a text stands for a missing value: `N/A`, `<not specified>`."""
    return value in PLACEHOLDERS or (
        value[:1] == "<" and _REMARK.fullmatch(value) is not None
    )


def text(value: Any) -> str | None:
    """A text that is not a placeholder, without JSON quotes around it."""
    if not isinstance(value, str):
        return None
    if value[:1] == '"' and value[-1:] == '"':
        unquoted = loads(value, 1)
        value = unquoted if isinstance(unquoted, str) else value
    found: str = value.strip()
    if found in PLACEHOLDERS or (found[:1] == "<" and _REMARK.fullmatch(found)):
        return None  # as `is_placeholder`, without the call: most values come here
    return found


def word(value: Any) -> str | None:
    """A text in lower case, for looking up in a vocabulary."""
    if type(value) is str and len(value) <= MAX_WORD:
        return _to_word(value)
    found = text(value)
    return None if found is None else found.lower()


MAX_WORD = 64


@lru_cache(maxsize=1024)
def _to_word(value: str) -> str | None:
    found = text(value)  # cached, as words recur
    return None if found is None else found.lower()


def number(value: Any) -> float | None:
    """A finite number, also from its text."""
    if type(value) is float:  # the usual case, first
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


_PRICE = re.compile(
    r"(?:USD|US\$|\$)?\s?(\d{1,12}(?:\.\d{1,18})?(?:e-?\d{1,3})?)\s?(?:USD|\$)?",
    re.IGNORECASE,
)
"""An amount of US dollars as text; any other currency is unknown."""


def money(value: Any) -> float | None:
    """US dollars, also as text with the currency: "0.0015USD"."""
    if isinstance(value, str):
        match = _PRICE.fullmatch(value.strip())
        value = match[1] if match else None
    return amount(value)


def flag(value: Any) -> bool | None:
    """True or false, also as the texts that instrumentations write."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get(word(value) or "")


_FLAGS = {"true": True, "false": False}


def texts(value: Any) -> tuple[str, ...] | None:
    """A list of texts: a sequence, JSON, or one text with commas."""
    value = loads(value)
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return None
    found = tuple(t for t in map(text, value) if t)
    return found or None


def data(value: Any) -> Any:
    """Any value that is not a placeholder; it is decoded later, where it is needed."""
    if isinstance(value, str):
        if value[:1] == "<" and (is_placeholder(value) or _is_memory_address(value)):
            return None
        return None if value in PLACEHOLDERS else value
    return value if value or value in (0, False) else None


_MEMORY_ADDRESS = re.compile(r"<[\w. ]+ at 0x[0-9a-fA-F]+>")


def _is_memory_address(value: str) -> bool:
    """Whether a value is Python's default repr, which has no content of the object."""
    return _MEMORY_ADDRESS.fullmatch(value) is not None


def structure(value: Any) -> Any:
    """An object or list, from itself or from JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] not in _OPENERS:
        return None  # no JSON: most texts
    found = loads(value)
    return found if isinstance(found, _STRUCTURES) and found else None


_OPENERS = frozenset('{["')
_STRUCTURES = (*MAPPING, list, tuple)


TYPED = frozenset({text, number, count, amount, money, flag, texts})
"""Coercions that report a problem if the value has the wrong type."""


def one_of(words: Mapping[str, str]) -> Coercion:
    """Our word for a vocabulary's word, which may be in any case."""

    def coerce(value: Any) -> str | None:
        return words.get(word(value) or "")

    return coerce


def any_of(words: str) -> Coercion:
    """True for one of *words*, also as the member of an enumeration."""
    known = frozenset(words.split())

    def coerce(value: Any) -> bool | None:
        return (word(value) or "").rpartition(".")[2] in known or None

    return coerce


MAX_CACHED = 20_000
"""The longest JSON text that is cached for other rows that read a member of it."""


def _parse_object(value: Any) -> Any:
    if type(value) is str and len(value) <= MAX_CACHED:
        return _parse_cached(value)
    return structure(value)


@lru_cache(maxsize=8)
def _parse_cached(value: str) -> Any:
    """The structure in a text that several rows read; must not be changed."""
    return structure(value)


MAX_TOKENS = (
    "max_tokens max_completion_tokens max_output_tokens maxTokens maxOutputTokens "
    "max_tokens_to_sample"
)
"""The limit of output tokens, by its names in request parameters."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object, by the first of *names* that it has."""

    names: tuple[str, ...]
    coerce: Coercion

    def __call__(self, value: Any) -> Any:
        """The member, coerced; None if there is none."""
        found = _parse_object(value)
        if not isinstance(found, MAPPING):
            return None
        values = (self.coerce(found[name]) for name in self.names if name in found)
        return next((value for value in values if value is not None), None)


def member(names: str, coerce: Coercion) -> Coercion:
    """A member of a JSON object, by the first of *names* that it has."""
    return Member(tuple(names.split()), coerce)


def times(factor: float) -> Coercion:
    """An amount in another unit: `times(1000)` makes milliseconds of seconds."""

    def coerce(value: Any) -> float | None:
        found = amount(value)
        return None if found is None else found * factor

    return coerce


@dataclass(frozen=True, slots=True)
class Row:
    """The attributes of one fact, each with its coercion, the preferred first."""

    places: tuple[tuple[str, Coercion], ...]

    def __or__(self, other: Row) -> Row:
        """This row's places, then *other*'s."""
        return Row(self.places + other.places)


def first(coerce: Coercion, *keys: str) -> Row:
    """The first of *keys* with a value of the coercion's type."""
    return Row(tuple((key, coerce) for key in keys))


def indexed(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]] | None:
    """The objects of a flattened list, `prefix.0.role`, `prefix.0.content`, ...

    Indices may start at any number and have gaps. Lists may be nested:
    `prefix.0.tool_calls.1.name` becomes `[{"tool_calls": [{"name": ...}]}]`.

    Returns:
        None if no attribute has the prefix.
    """
    tree = find_shape(attributes).derive(_build_tree, prefix + ".")
    return _fill(tree, attributes) if type(tree) is list else None


_Tree = Any
"""What the keys of a flattened list make: objects, lists, and at their ends the keys."""


def _build_tree(keys: tuple[str, ...], start: str) -> _Tree:
    """The lists and objects that the keys below *start* make."""
    tree: dict[str, Any] = {}
    for key in keys:
        if key.startswith(start):
            _insert(tree, key[len(start) :].split(".", MAX_LEVELS), key)
    return _to_lists(tree)


MAX_LEVELS = 30
"""Levels a key is split into; the conventions have up to eight."""


def _insert(tree: dict[str, Any], path: Sequence[str], key: str) -> None:
    for part in path[:-1]:
        branch = tree.get(part)
        if type(branch) is not dict:
            branch = tree[part] = {}
        tree = branch
    tree.setdefault(path[-1], key)


def _to_lists(tree: Any) -> _Tree:
    """*tree* with each branch whose keys are all numbers as a list in their order."""
    if type(tree) is str:
        return tree
    if tree and all(map(str.isdecimal, tree)):
        return [_to_lists(tree[key]) for key in sorted(tree, key=_numeric_order)]
    return {key: _to_lists(value) for key, value in tree.items()}


def _fill(tree: Any, attributes: Mapping[str, Any]) -> Any:
    """*tree* with the values of its keys."""
    if type(tree) is list:
        return [
            attributes[each] if type(each) is str else _fill(each, attributes)
            for each in tree
        ]
    return {
        name: attributes[each] if type(each) is str else _fill(each, attributes)
        for name, each in tree.items()
    }


def _numeric_order(digits: str) -> tuple[int, str]:
    return len(digits), digits  # `int` rejects thousands of digits
