"""What stands inside a span's events and objects, as attributes of the span."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure
from infinium_otel.dialects._key_words import is_of_another
from infinium_otel.dialects._token_keys import find_count
from infinium_otel.dialects._words import MAX_KEY
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.records import SpanRecord

MAX_EVENTS = 20
MAX_OBJECT = 50_000
MAX_MEMBERS = 50
MAX_LEVELS = 3
MAX_ADDED = 200
"""Members of one object that are read; a call is described by a few dozen."""


def list_event_attributes(record: SpanRecord) -> dict[str, Any]:
    """The attributes of a span's events below the events' names.

    A key that two events have is none: they report different things.
    """
    added: dict[str, Any] = {}
    repeated: set[str] = set()
    for event in record.events[:MAX_EVENTS]:
        if event.name == "exception" or event.name.startswith("gen_ai."):
            continue
        for key, value in event.attributes.items():
            path = key if key.startswith(event.name) else f"{event.name}.{key}"
            if path in added:
                repeated.add(path)
            added[path] = value
    return {key: value for key, value in added.items() if key not in repeated}


_BRACKETS = re.compile(r"\[(\d{1,4})\]")
_UNDERSCORES = re.compile(r"_(\d{1,4})_(?=(?:message_)?(?:role|content|text)$)")


def list_dotted(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The keys that write a list's index otherwise, each as the conventions write it.

    `prompts[0].role` and `prompts_0_role` are `prompts.0.role`.
    """
    dotted = (
        (key, _UNDERSCORES.sub(r".\1.", _BRACKETS.sub(r".\1", key)))
        for key in keys
        if len(key) <= MAX_KEY
    )
    return tuple((key, found) for key, found in dotted if found != key)


_MARKS = ("oken", '"messages"', '"prompt')
_COUNTS = re.compile(r'"(?:prompt|completion|input|output)_?[tT]okens"')


def list_members(
    attributes: Mapping[str, Any], known: frozenset[str]
) -> dict[str, Any]:
    """The members of those objects that describe a call: a model and more, or its usage."""
    added: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, str):
            if (
                value[:1] == "{"
                and len(value) <= MAX_OBJECT
                and _describes_call(value)
                and key not in known
                and (key.endswith(".body") or not is_of_another(key))
            ):
                added |= _list_members_of(key, structure(value), value)
        elif isinstance(value, MAPPING) and key not in known:
            members = dict(islice(_flatten(key, value, 0), MAX_ADDED))
            if any(map(_names_call, members)):
                added.update(members)
    return added


def _list_members_of(key: str, found: Any, value: str) -> dict[str, Any]:
    """The members of the object that is the JSON *value*, unless it is a message."""
    if not isinstance(found, MAPPING) or "role" in found:
        return {}
    path = key.removeprefix("http.")
    whole = {path: value} if path != key else {}
    return whole | dict(islice(_flatten(path, found, 0), MAX_ADDED))


def _names_call(path: str) -> bool:
    """Whether a member is a model's name or a count of tokens."""
    return find_count(path) is not None or path.endswith((".model", ".model_name"))


def _describes_call(value: str) -> bool:
    if '"model' in value and any(mark in value for mark in _MARKS):
        return True
    return _COUNTS.search(value) is not None


def _flatten(
    key: str, value: Mapping[str, Any], level: int
) -> Iterator[tuple[str, Any]]:
    for name in list(value)[:MAX_MEMBERS]:
        member = value[name]
        path = f"{key}.{name}"
        if isinstance(member, MAPPING) and level < MAX_LEVELS:
            yield from _flatten(path, member, level + 1)
        else:
            yield path, member
