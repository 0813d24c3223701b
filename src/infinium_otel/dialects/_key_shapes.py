"""What the keys of a span show together that no dialect knows, once per shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.dialects._infer_kind import infer_from_protocol
from infinium_otel.dialects._key_words import find_facts, may_hold_text
from infinium_otel.dialects._metadata import OF_RUN, find_metadata_name
from infinium_otel.dialects._token_keys import (
    find_count,
    holds_counts,
    names_prompt,
    names_tokens,
)
from infinium_otel.dialects._words import MAX_KEY, names_ai, split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.dialects._shape import Shape

Candidates = dict[str, tuple[tuple[int, str], ...]]
"""For each fact the keys that may hold it, each with its rank, the best first."""

MAX_KEYS = 2_000
"""Of one span, at most: each costs far more than reading one that is known."""

_FLATTENED = re.compile(r"(.{1,150}?)\.(\d{1,4})\.(?:message\.)?role")
_PARAMETERS = (("params",), ("parameters",), ("settings",), ("config",))
_SIDES = ("input_tokens", "output_tokens")
_CONVERSATION = "gen_ai.conversation.id"
_SESSIONS = frozenset({"session.id", "microsoft.session.id"})


@dataclass(frozen=True, slots=True, eq=False)
class KeyShape:
    """What a set of keys shows.

    Args:
        candidates: the keys that no dialect has a row for, by the facts they may hold.
        metadata: keys of metadata, each with its entry's name; "" for a whole object.
        counts: keys of token counts, or of objects that hold some (None).
        sides: the keys among them that count input or output tokens.
        tokens: whether one of those has a word for tokens, not for usage alone.
        prompts: whether one has a word that only a model's tokens have.
        parameters: keys of objects with a call's parameters.
        messages: the prefixes of flattened messages, by what they are.
        roles: the keys of their roles.
        unknown: keys of no known meaning, in their order.
        histories: keys that may hold a conversation: these, and those of its id.
        protocol: the kind that the keys of a protocol show.
        names_ai: whether a key has a word of models: `llm`, `openai`.
        sessions: keys of a session beside that of a conversation, which it contains.
        describes_run: whether a key may hold metadata of the run or an id of its
            conversation.
    """

    candidates: Candidates
    metadata: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str | None], ...]
    sides: tuple[tuple[str, str], ...]
    tokens: bool
    prompts: bool
    parameters: tuple[str, ...]
    messages: dict[str, str]
    roles: tuple[str, ...]
    unknown: tuple[str, ...]
    histories: tuple[str, ...]
    protocol: str
    names_ai: bool
    sessions: tuple[str, ...]
    describes_run: bool


def find_key_shape(shape: Shape, known: frozenset[str]) -> KeyShape:
    """What the keys of *shape* show.

    Args:
        known: the keys that the span's dialects have rows for.
    """
    return shape.derive(_build_key_shape, known)


def _build_key_shape(keys: tuple[str, ...], known: frozenset[str]) -> KeyShape:
    short = (key for key in keys if len(key) <= MAX_KEY)  # other caches hold keys
    keys = tuple(islice(short, MAX_KEYS))
    own = [key for key in keys if key not in known]
    counts = tuple(
        (key, fact)
        for key in own
        if (fact := find_count(key)) is not None or holds_counts(key)
    )
    sides = tuple(
        (key, fact) for key in keys if (fact := find_count(key)) in _SIDES and fact
    )
    unknown = tuple(key for key in own if not find_facts(key) and may_hold_text(key))
    candidates = _find_candidates(own)
    ids = tuple(key for _, key in candidates.get("conversation_id", ()))
    metadata = tuple(_find_metadata(keys, known))
    sessions = _SESSIONS.intersection(keys) if _CONVERSATION in keys else ()
    roles = [match for match in map(_FLATTENED.fullmatch, keys) if match]
    return KeyShape(
        candidates=candidates,
        metadata=metadata,
        counts=counts,
        sides=sides,
        tokens=any(names_tokens(split_words(key)) for key, _ in sides),
        prompts=any(names_prompt(key) for key, _ in sides),
        parameters=tuple(key for key in own if split_words(key)[-1:] in _PARAMETERS),
        messages=_find_messages([match[1] for match in roles]),
        roles=tuple(match[0] for match in roles),
        unknown=unknown,
        histories=unknown + ids,
        protocol=infer_from_protocol(keys),
        names_ai=any(map(names_ai, keys)),
        sessions=tuple(sorted(sessions)),
        describes_run=bool(metadata or sessions)
        or not candidates.keys().isdisjoint(OF_RUN),
    )


def _find_candidates(keys: list[str]) -> Candidates:
    found: dict[str, list[tuple[int, str]]] = {}
    for key in keys:
        for fact, rank in find_facts(key):
            found.setdefault(fact, []).append((rank, key))
    return {fact: tuple(sorted(places)) for fact, places in found.items()}


def _find_metadata(
    keys: tuple[str, ...], known: frozenset[str]
) -> Iterator[tuple[str, str]]:
    for key in keys:
        name = find_metadata_name(key)
        if name == "" or (name and key not in known and find_count(name) is None):
            yield key, name


def _find_messages(prefixes: list[str]) -> dict[str, str]:
    """The prefixes of flattened messages, by what they are: `llm.prompts.0.role`."""
    found: dict[str, str] = {}
    for prefix in prefixes:
        for fact, _ in find_facts(prefix):
            if fact in ("input", "output"):
                found.setdefault(fact, prefix)
    return found
