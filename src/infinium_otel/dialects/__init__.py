"""Reads what one span says, whatever instrumentation wrote it.

Each dialect is one file and one row in `DIALECTS`. A span can speak several at once
(a framework's words beside the convention's): the order of the rows decides, fact by
fact. Another distribution adds one of its own with what is exported here; see the guide
"Add a dialect".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

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
from infinium_otel.dialects._dialect import FACTS, Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put
from infinium_otel.dialects._hints import (
    CONTENT_SWITCHES,
    ContentSwitch,
    content_hint,
)
from infinium_otel.dialects._plainwords import plain_content
from infinium_otel.dialects._reading import CALLS, reading_of
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
from infinium_otel.dialects.litellm import LITELLM
from infinium_otel.dialects.livekit import LIVEKIT
from infinium_otel.dialects.logfire import LOGFIRE
from infinium_otel.dialects.mastra import MASTRA
from infinium_otel.dialects.mcp import MCP
from infinium_otel.dialects.mlflow import MLFLOW
from infinium_otel.dialects.openai_agents import OPENAI_AGENTS
from infinium_otel.dialects.openinference import OPENINFERENCE
from infinium_otel.dialects.openlit import OPENLIT
from infinium_otel.dialects.semantic_kernel import SEMANTIC_KERNEL
from infinium_otel.dialects.strands import STRANDS
from infinium_otel.dialects.traceloop import TRACELOOP
from infinium_otel.dialects.transport import TRANSPORT
from infinium_otel.dialects.vercel import VERCEL
from infinium_otel.dialects.weave import WEAVE

if TYPE_CHECKING:
    from infinium_otel.records import Reading, SpanRecord

__all__ = [
    "CALLS",
    "CONTENT_SWITCHES",
    "DIALECTS",
    "FACTS",
    "Coercion",
    "ContentSwitch",
    "Dialect",
    "Facts",
    "Row",
    "amount",
    "any_of",
    "as_tool",
    "content_hint",
    "count",
    "data",
    "dig",
    "first",
    "flag",
    "indexed",
    "member",
    "number",
    "one_of",
    "put",
    "read",
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
    TRANSPORT,
)
"""Every dialect, the one that decides first."""

MAX_PROBLEMS = 20
MAX_KNOWN = 10_000
"""Keys remembered; hostile telemetry has no end of them."""


def read(record: SpanRecord, readers: tuple[Dialect, ...] = ()) -> Reading:
    """What *record* says.

    Args:
        readers: dialects from elsewhere, asked after the built-in ones.

    Returns:
        A reading for any input: what cannot be understood is absent and noted in its
        `problems`.
    """
    problems: list[str] = []
    names: list[str] = []
    merged: Facts = {}
    for dialect in _spoken(record, readers):
        facts = _facts(dialect, record, problems)
        if facts:
            if not dialect.common:
                names.append(dialect.name)
            merged = {**facts, **merged} if merged else facts
    if "kind" not in merged and "weak_kind" not in merged:
        merged = {**plain_content(record), **merged}
    return reading_of(record, merged, problems[:MAX_PROBLEMS], tuple(names))


def _facts(dialect: Dialect, record: SpanRecord, problems: list[str]) -> Facts:
    """A dialect's facts; a reader that fails is a problem noted, not an error."""
    try:
        return dialect.facts(record, problems)
    except Exception as error:  # noqa: BLE001 - attributes are hostile, readers may be foreign
        problems.append(f"{dialect.name}: {type(error).__name__} while reading")
        return {}


def _spoken(record: SpanRecord, readers: tuple[Dialect, ...]) -> tuple[Dialect, ...]:
    """The dialects *record* may speak, in order, by the keys and scope it has."""
    index = _index(readers)
    spoken = index.of_scope(record.scope_name)
    known = index.known
    for key in record.attributes:
        spoken |= known[key] if key in known else index.of_key(key)
    for event in record.events:
        spoken |= index.of_key(event.name)
    return _chosen(readers, spoken)


class _Index:
    """Which dialects a key's first segment, and a scope, may stand for, as bits."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._dialects = tuple((1 << n, d) for n, d in enumerate(dialects))
        self._by_segment: dict[str, int] = {}
        self._by_scope: dict[str, int] = {}
        self.known: dict[str, int] = {}
        for bit, dialect in self._dialects:
            for segment in dialect.speaks:
                self._by_segment[segment] = self._by_segment.get(segment, 0) | bit
            for scope in dialect.scopes:
                self._by_scope[scope] = self._by_scope.get(scope, 0) | bit

    def of_scope(self, scope: str) -> int:
        """The dialects of a scope, by its name or the beginning up to a dot."""
        found = self._by_scope.get(scope.partition(".")[0], 0)
        return found | self._by_scope.get(scope, 0)

    def of_key(self, key: str) -> int:
        """The dialects of a key, which is known from then on."""
        bits = self._by_segment.get(key.partition(".")[0], 0)
        if len(self.known) < MAX_KNOWN:
            self.known[key] = bits
        return bits

    def dialects(self, bits: int) -> tuple[Dialect, ...]:
        """Those that *bits* stand for, in order."""
        return tuple(d for bit, d in self._dialects if bits & bit)


@lru_cache(maxsize=16)
def _index(readers: tuple[Dialect, ...]) -> _Index:
    return _Index((*DIALECTS, *readers))


@lru_cache(maxsize=1024)
def _chosen(readers: tuple[Dialect, ...], bits: int) -> tuple[Dialect, ...]:
    return _index(readers).dialects(bits)  # few combinations ever occur
