"""What an application says about a run: tenant, release, environment, its own keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure, text, texts
from infinium_otel.dialects._key_words import find_facts
from infinium_otel.dialects._words import MAX_CACHED_KEYS
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import KeyShape

MAX_ENTRIES = 20
MAX_NAME = 60
MAX_TEXT = 200
MAX_OBJECT = 20_000

_SESSION = "session.id"
"""Where a second id of the conversation stands, such as a platform's own."""
_NAMED = ("tenant", "release", "environment")
OF_RUN = (*_NAMED, "conversation_id")
"""The facts of which `put_metadata` reads the candidates."""
_BELOW = re.compile(r"(?:.*[.])?(?:metadata|association\.properties)\.([^.].*)")
_OBJECT = re.compile(r"(?:.*[.])?metadata")
_FRAMEWORKS = tuple(
    "ls_ lc_ langgraph_ langchain_ checkpoint_ _ gen_ai. user_api_key requester_ "
    "spend_".split()
)
"""Prefixes of what frameworks and gateways add to an application's metadata."""
_IDS = {"conversation_id": text, "user_id": text, "tags": texts, "agent_name": text}


def put_metadata(facts: Facts, attributes: Mapping[str, Any], shape: KeyShape) -> None:
    """Add the fact `metadata`, and the ids and tags that stand in it."""
    metadata: dict[str, Any] = {}
    for fact in _NAMED:
        for _, key in shape.candidates.get(fact, ()):
            _add(metadata, fact, attributes[key])
    _add_sessions(metadata, facts, attributes, shape)
    for key, name in shape.metadata:
        value = attributes[key]
        if name:
            _add(metadata, name, value)
            continue
        for inner, member in _iter_members(value):
            if "." in inner:
                continue  # an attribute that an instrumentation moved here
            _add(metadata, inner, member)
            _put_id(facts, inner, member)
    if metadata:
        facts["metadata"] = {**metadata, **facts.get("metadata", {})}


def _add_sessions(
    metadata: dict[str, Any],
    facts: Facts,
    attributes: Mapping[str, Any],
    shape: KeyShape,
) -> None:
    """Add the ids of sessions and conversations beside the fact's."""
    own = facts.get("conversation_id")
    for _, key in shape.candidates.get("conversation_id", ()):
        if attributes[key] != own:
            taken = _SESSION in metadata or _SESSION in facts.get("metadata", {})
            _add(metadata, key if taken else _SESSION, attributes[key])
    for key in shape.sessions:
        if attributes[key] != own:
            _add(metadata, _SESSION, attributes[key])


def _put_id(facts: Facts, name: str, value: Any) -> None:
    for fact, _ in find_facts(name):
        if fact in _IDS:
            found = _IDS[fact](value)
            own = "weak_agent_name" if fact == "agent_name" else fact
            if found is not None and facts.get(own) is None:
                facts[own] = found


def _iter_members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str) and len(value) > MAX_OBJECT:
        return
    found = structure(value)
    if isinstance(found, MAPPING):
        for name in list(found)[:MAX_ENTRIES]:
            yield str(name), found[name]


@cache_names(maxsize=MAX_CACHED_KEYS)
def find_metadata_name(key: str) -> str | None:
    """The name of one entry of metadata; "" for an object of all; None for other keys."""
    if _OBJECT.fullmatch(key):
        return ""
    match = _BELOW.fullmatch(key)
    return match[1] if match else None


def _add(metadata: dict[str, Any], name: str, value: Any) -> None:
    """Add one short value; frameworks' own and long ones are left out."""
    if name.startswith(_FRAMEWORKS) or len(name) > MAX_NAME or name in metadata:
        return
    if isinstance(value, (list, tuple)):
        value = ", ".join(texts(value) or ())
    elif isinstance(value, str):
        value = None if value[:1] in "{[" else text(value)
    elif not isinstance(value, (bool, int, float)):
        return
    is_short = not isinstance(value, str) or 0 < len(value) <= MAX_TEXT
    if value is not None and is_short and len(metadata) < MAX_ENTRIES:
        metadata[name] = value
