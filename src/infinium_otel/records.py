"""Our own words for telemetry: the one neutral span, log event, trace and reading.

An in-process `ReadableSpan`, an OTLP request, a file and a Kafka message all become
`SpanRecord`s, so that one mapping serves all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Attributes = Mapping[str, Any]
"""Attribute values as OpenTelemetry allows them: str, bool, int, float, bytes, None,
sequences and mappings of these. Nothing is assumed of them beyond that."""

NOTHING: Attributes = MappingProxyType({})


def _nothing() -> Attributes:
    # Python before 3.12 takes an unhashable default for a mutable one.
    return NOTHING


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event on a span."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A link from a span to another, by ids as in `SpanRecord`."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One ended span, wherever it came from.

    Args:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        parent_id: as `span_id`; None for a root.
        parent_is_remote: True if the parent is known to live in another process.
        kind: "internal", "server", "client", "producer" or "consumer".
        start_ns: start, ns since the epoch (UTC); `end_ns` likewise.
        status: "unset", "ok" or "error".
        status_message: the status description; None if there is none.
        scope_name: name of the instrumentation scope; "" if unknown.
        resource: attributes of the resource that emitted the span.
        dropped_attributes: how many attributes the SDK's limits evicted.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes = field(default_factory=_nothing)
    kind: str = "internal"
    status: str = "unset"
    status_message: str | None = None
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    scope_name: str = ""
    scope_version: str = ""
    resource: Attributes = field(default_factory=_nothing)
    parent_is_remote: bool = False
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One log record that belongs to a span by its ids.

    Args:
        name: the event name ("gen_ai.choice"); "" if the record had none.
        time_ns: when it happened (else when it was observed), ns since the epoch.
        body: the body, as its JSON-like value; None if there was none.
        severity: OpenTelemetry's severity number; 0 if unset.
    """

    trace_id: str
    span_id: str
    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=_nothing)
    body: Any = None
    severity: int = 0
    scope_name: str = ""
    resource: Attributes = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans that become one task.

    Args:
        trace_id: the OpenTelemetry trace id.
        root_id: span id of the root; of the earliest span where no root was seen.
        records: the spans, each once, in start order, parents before children.
        logs: log events of these spans, in time order.
        complete: False if the trace left before its root and children had ended,
            or if spans are known to be missing.
        part: 0 for the first task of a root, n for its n-th late part.
    """

    trace_id: str
    root_id: str
    records: tuple[SpanRecord, ...]
    logs: tuple[LogEvent, ...] = ()
    complete: bool = True
    part: int = 0

    @property
    def key(self) -> str:
        """The idempotency key: the same for every delivery of this task."""
        key = f"{self.trace_id}-{self.root_id}"
        return f"{key}-{self.part}" if self.part else key


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as told by one span.

    Args:
        type: exception class, API error type or status; "error" where nobody said.
        code: a status or vendor code, as text.
        handled: an exception was recorded but the span did not end in error.
    """

    type: str
    message: str
    stack_trace: str | None = None
    code: str | None = None
    handled: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one span; None is unknown, never zero.

    Args:
        input: all input tokens, cached ones included.
        cache_read: the part of `input` that was read from a cache.
        cache_write: the part of `input` that was written to a cache.
        output: all output tokens, reasoning included.
        reasoning: the part of `output` spent on reasoning.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one span says, in our words; None is what it does not say.

    Content (`input`, `output`, `arguments`, `result`) is kept as it stands on the span
    and decoded only where a preview needs it.

    Args:
        kind: llm, embedding, rerank, retrieval, tool, agent, workflow, planning,
            handoff, guardrail, evaluator, memory, mcp, http, db; "" if it says none.
        operation: the operation's own word ("chat", "execute_tool").
        usage: its token counts. On anything but a model call they sum over others.
        model: the model that answered; `model_requested` the one asked for.
        latency_ms: only where the span's own times do not tell it.
        ttft_ms: time to the first chunk.
        input: message list in any dialect's shape, or a text.
        dropped: a placeholder that stands for no work of its own.
        replayed: answered from a cache: a call, but free.
        utility: a side call (title, quota check) that is never the run's answer.
        expected: what the run was asked to deliver, where a framework says so.
        extra: further facts for the step's metadata, by their OpenTelemetry names.
        problems: what could not be understood, one sentence each.
        dialects: who was read, in the order of precedence.
    """

    kind: str = ""
    operation: str | None = None
    model: str | None = None
    model_requested: str | None = None
    provider: str | None = None
    usage: Usage | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    streaming: bool | None = None
    ttft_ms: float | None = None
    latency_ms: float | None = None
    cost_usd: float | None = None
    purpose: str | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    arguments: Any = None
    result: Any = None
    agent_name: str | None = None
    agent_id: str | None = None
    agent_description: str | None = None
    task_name: str | None = None
    label: str | None = None
    input: Any = None
    output: Any = None
    system: Any = None
    conversation_id: str | None = None
    user_id: str | None = None
    http_status: int | None = None
    retry_count: int | None = None
    expected: Attributes = field(default_factory=_nothing)
    failure: Failure | None = None
    dropped: bool = False
    replayed: bool = False
    utility: bool = False
    extra: Attributes = field(default_factory=_nothing)
    problems: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
