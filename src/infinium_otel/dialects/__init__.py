"""Reads the attributes of a span, whatever instrumentation wrote it.

A dialect is what one instrumentation writes: one file here and one row in `DIALECTS`.
A span can have several at once (a framework's attributes beside the convention's): the
order of the rows decides, fact by fact. Another distribution can add its own with what
is exported here; see the guide "Add a dialect".
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING

from infinium_otel.dialects._ai_scopes import MAX_SCOPE, is_ai_scope, split_scope
from infinium_otel.dialects._attributes import (
    Coercion,
    Row,
    amount,
    any_of,
    count,
    data,
    first,
    flag,
    indexed,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
    times,
    word,
)
from infinium_otel.dialects._content_capture import (
    CONTENT_SWITCHES,
    ContentSwitch,
    content_hint,
    find_content_switch,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._fact_table import CALLS, FACT_TABLE, FACTS, Fact
from infinium_otel.dialects._facts import as_tool, dig, put
from infinium_otel.dialects._generic import put_generic_facts
from infinium_otel.dialects._key_words import find_facts
from infinium_otel.dialects._normalize import normalize
from infinium_otel.dialects._providers import find_provider_alias, is_model_family
from infinium_otel.dialects._shape import Shape, begin_reading, end_reading
from infinium_otel.dialects._words import names_ai
from infinium_otel.dialects.agent_framework import AGENT_FRAMEWORK
from infinium_otel.dialects.agentops import AGENTOPS
from infinium_otel.dialects.anthropic import ANTHROPIC
from infinium_otel.dialects.azure import AZURE
from infinium_otel.dialects.braintrust import BRAINTRUST
from infinium_otel.dialects.claude_code import CLAUDE_CODE
from infinium_otel.dialects.codex import CODEX
from infinium_otel.dialects.crewai import CREWAI
from infinium_otel.dialects.genai import GENAI
from infinium_otel.dialects.genkit import GENKIT
from infinium_otel.dialects.google_adk import GOOGLE_ADK
from infinium_otel.dialects.haystack import HAYSTACK
from infinium_otel.dialects.laminar import LAMINAR
from infinium_otel.dialects.langfuse import LANGFUSE
from infinium_otel.dialects.langsmith import LANGSMITH
from infinium_otel.dialects.langwatch import LANGWATCH
from infinium_otel.dialects.litellm import LITELLM
from infinium_otel.dialects.livekit import LIVEKIT
from infinium_otel.dialects.llama_index import LLAMA_INDEX
from infinium_otel.dialects.logfire import LOGFIRE
from infinium_otel.dialects.mastra import MASTRA
from infinium_otel.dialects.mcp import MCP
from infinium_otel.dialects.messages import is_preamble
from infinium_otel.dialects.mlflow import MLFLOW
from infinium_otel.dialects.openai_agents import OPENAI_AGENTS
from infinium_otel.dialects.openinference import OPENINFERENCE
from infinium_otel.dialects.openlit import OPENLIT
from infinium_otel.dialects.promptflow import PROMPTFLOW
from infinium_otel.dialects.semantic_kernel import SEMANTIC_KERNEL
from infinium_otel.dialects.strands import STRANDS
from infinium_otel.dialects.traceloop import TRACELOOP
from infinium_otel.dialects.transport import TRANSPORT
from infinium_otel.dialects.vector_stores import VECTOR_STORES
from infinium_otel.dialects.vercel import VERCEL
from infinium_otel.dialects.weave import WEAVE
from infinium_otel.records.caching import MAX_NAME

if TYPE_CHECKING:
    from infinium_otel.records import NormalizedSpan, SpanRecord

__all__ = [
    "CALLS",
    "CONTENT_SWITCHES",
    "DIALECTS",
    "FACTS",
    "FACT_TABLE",
    "MAX_SCOPE",
    "Coercion",
    "ContentSwitch",
    "Dialect",
    "Fact",
    "Facts",
    "Row",
    "amount",
    "any_of",
    "as_tool",
    "content_hint",
    "count",
    "data",
    "dig",
    "find_content_switch",
    "find_provider_alias",
    "first",
    "flag",
    "indexed",
    "is_ai_scope",
    "is_known_key",
    "is_model_family",
    "member",
    "names_ai",
    "number",
    "one_of",
    "put",
    "read",
    "split_scope",
    "structure",
    "text",
    "texts",
    "times",
    "word",
]

DIALECTS: tuple[Dialect, ...] = (
    LANGSMITH,
    CREWAI,
    LOGFIRE,
    OPENINFERENCE,
    LANGFUSE,
    LANGWATCH,
    PROMPTFLOW,
    LLAMA_INDEX,
    LITELLM,
    AGENTOPS,
    SEMANTIC_KERNEL,
    AZURE,
    AGENT_FRAMEWORK,
    STRANDS,
    OPENAI_AGENTS,
    OPENLIT,
    ANTHROPIC,
    MCP,
    GOOGLE_ADK,
    GENAI,
    TRACELOOP,
    MLFLOW,
    LAMINAR,
    BRAINTRUST,
    VERCEL,
    WEAVE,
    CLAUDE_CODE,
    CODEX,
    HAYSTACK,
    LIVEKIT,
    MASTRA,
    GENKIT,
    VECTOR_STORES,
    TRANSPORT,
)
"""Every dialect; the first that has a fact decides it."""

MAX_PROBLEMS = 20
MAX_CACHED_KEYS = 10_000
"""Attribute keys whose dialects are cached; hostile telemetry has no end of keys."""


def read(record: SpanRecord, readers: tuple[Dialect, ...] = ()) -> NormalizedSpan:
    """Read one span.

    Args:
        readers: dialects of other distributions, which come after the built-in ones.

    Returns:
        A result for any input: a value that cannot be read is absent, and listed in
        `problems`.
    """
    shape = begin_reading(record.attributes)
    try:
        return _read(record, shape, readers)
    finally:
        end_reading()


def _read(
    record: SpanRecord, shape: Shape, readers: tuple[Dialect, ...]
) -> NormalizedSpan:
    problems: list[str] = []
    names: list[str] = []
    merged: Facts = {}
    found: list[Dialect] = []
    for dialect in _select_dialects(record, shape, readers):
        try:
            facts = dialect.facts(record, problems, shape)
        except Exception as error:  # noqa: BLE001 - attributes are hostile, readers may be foreign
            problems.append(f"{dialect.name}: {type(error).__name__} while reading")
            continue
        if facts:
            found.append(dialect)
            if not dialect.common:
                names.append(dialect.name)
            merged = _merge_facts(merged, facts) if merged else facts
    known = _get_keys(tuple(found))
    try:
        put_generic_facts(record, merged, known, shape)
    except Exception as error:  # noqa: BLE001 - attributes are hostile
        problems.append(f"{type(error).__name__} while reading by last words")
    return normalize(record, shape, merged, problems[:MAX_PROBLEMS], tuple(names))


def _merge_facts(merged: Facts, facts: Facts) -> Facts:
    """*merged* with what only *facts* has; a system prompt alone is not an input."""
    result = {**facts, **merged}
    other = facts.get("conversation_id")
    if other is not None and other != result["conversation_id"]:
        result["metadata"] = {"session.id": other, **result.get("metadata", {})}
    if "input" in merged and "input" in facts and is_preamble(merged["input"]):
        result["input"] = facts["input"]
    return result


@lru_cache(maxsize=1024)
def _get_keys(dialects: tuple[Dialect, ...]) -> frozenset[str]:
    """The keys that *dialects* have rows for."""
    return frozenset().union(*(dialect.keys for dialect in dialects))


def _select_dialects(
    record: SpanRecord, shape: Shape, readers: tuple[Dialect, ...]
) -> tuple[Dialect, ...]:
    """The dialects *record* may have, in order, by its scope, its keys and its events."""
    index = _build_index(readers)
    # Not the scope with the keys: a shape is kept, and may have any number of scopes.
    bits = shape.derive(_select_by_keys, readers) | index.find_by_scope(
        record.scope_name
    )
    for event in record.events:
        bits |= index.find_by_key(event.name)
    return _decode_bits(readers, bits)


def _select_by_keys(keys: tuple[str, ...], readers: tuple[Dialect, ...]) -> int:
    return _build_index(readers).find_by_keys(keys)


class _Index:
    """The dialects of each key's first segment and of each scope, as bits."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._dialects = tuple((1 << n, d) for n, d in enumerate(dialects))
        self._by_segment: dict[str, int] = {}
        self._by_scope: dict[str, int] = {}
        self._patterns: list[tuple[re.Pattern[str], int]] = []
        self._found_scopes: dict[str, int] = {}
        for bit, dialect in self._dialects:
            for segment in dialect.key_segments:
                self._by_segment[segment] = self._by_segment.get(segment, 0) | bit
            for scope in dialect.scopes:
                if "*" in scope:
                    self._patterns.append((re.compile(translate(scope)), bit))
                else:
                    self._by_scope[scope] = self._by_scope.get(scope, 0) | bit

    def find_by_scope(self, scope: str) -> int:
        """The dialects of a scope: by its name, its part before the dot, or a pattern."""
        found = self._found_scopes.get(scope)
        if found is None:
            found = self._by_scope.get(scope.partition(".")[0], 0)
            found |= self._by_scope.get(scope, 0)
            for pattern, bit in self._patterns:
                if pattern.match(scope[:MAX_SCOPE]):
                    found |= bit
            if len(scope) <= MAX_NAME and len(self._found_scopes) < MAX_CACHED_KEYS:
                self._found_scopes[scope] = found
        return found

    def find_by_key(self, key: str) -> int:
        """The dialects of a key."""
        return self._by_segment.get(key.partition(".")[0], 0)

    def find_by_keys(self, keys: tuple[str, ...]) -> int:
        """The dialects of any of *keys*."""
        bits = 0
        for key in keys:
            bits |= self.find_by_key(key)
        return bits

    def decode(self, bits: int) -> tuple[Dialect, ...]:
        """The dialects of *bits*, in order."""
        return tuple(d for bit, d in self._dialects if bits & bit)


def is_known_key(key: str) -> bool:
    """Whether a key is of a dialect's vocabulary, or holds a fact in any other."""
    return bool(_build_index(()).find_by_key(key) or find_facts(key))


@lru_cache(maxsize=16)
def _build_index(readers: tuple[Dialect, ...]) -> _Index:
    return _Index((*DIALECTS, *readers))


@lru_cache(maxsize=1024)
def _decode_bits(readers: tuple[Dialect, ...], bits: int) -> tuple[Dialect, ...]:
    return _build_index(readers).decode(bits)  # few combinations ever occur
