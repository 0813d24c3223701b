"""Neutral types for telemetry: the span, the log event, the trace.

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
sequences and mappings of these. Nothing else is assumed of them."""

NOTHING: Attributes = MappingProxyType({})


def _make_empty() -> Attributes:
    # dataclasses before Python 3.12 reject an unhashable default as a mutable one.
    return NOTHING


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event on a span."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=_make_empty)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A link from a span to another, by ids as in `SpanRecord`."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=_make_empty)


@dataclass(slots=True)
class SpanRecord:
    """One ended span, wherever it came from.

    It is never changed; it is not frozen only because a frozen class of so many fields
    takes four times as long to make, and every span becomes one. So with `SpanStart`.

    Args:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        parent_id: as `span_id`; None for a root.
        parent_is_remote: whether the parent is known to be in another process.
        kind: "internal", "server", "client", "producer" or "consumer".
        start_ns: start, ns since the epoch (UTC).
        end_ns: end, ns since the epoch (UTC).
        status: "unset", "ok" or "error".
        status_message: the status description; None if there is none.
        scope_name: name of the instrumentation scope; "" if unknown.
        resource: attributes of the resource that emitted the span.
        dropped_attributes: how many attributes the SDK's limits evicted.
        is_annotated: whether `annotate()` in this process set attributes on it.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes = field(default_factory=_make_empty)
    kind: str = "internal"
    status: str = "unset"
    status_message: str | None = None
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    scope_name: str = ""
    scope_version: str = ""
    resource: Attributes = field(default_factory=_make_empty)
    parent_is_remote: bool = False
    dropped_attributes: int = 0
    is_annotated: bool = False


@dataclass(slots=True)
class SpanStart:
    """A span that has started; ids as in `SpanRecord`.

    Args:
        parent_id: None for a root.
        parent_is_remote: whether the parent is known to be in another process.
        attributes: those it was started with, if they were read.
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    parent_is_remote: bool = False
    name: str = ""
    attributes: Attributes = field(default_factory=_make_empty)
    scope_name: str = ""


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
    attributes: Attributes = field(default_factory=_make_empty)
    body: Any = None
    severity: int = 0
    scope_name: str = ""
    resource: Attributes = field(default_factory=_make_empty)


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans that become one task.

    Args:
        trace_id: the OpenTelemetry trace id.
        root_id: span id of the root; of the earliest span where no root was seen.
        records: the spans, each once, in start order, parents before children.
        logs: log events of these spans, in time order.
        complete: False if it was emitted before its root and children had ended,
            or if spans are known to be missing.
        part: 0 for the first task of a root, n for its n-th late part.
        between: what ran in the same trace before this run and is part of none; only
            where a trace has several (`Config.task_per` "agent").
        is_task: False for what ran after the last of them.
        since_s: when the first of its spans was received, by the assembler's clock, or
            before.
    """

    trace_id: str
    root_id: str
    records: tuple[SpanRecord, ...]
    logs: tuple[LogEvent, ...] = ()
    complete: bool = True
    part: int = 0
    between: tuple[SpanRecord, ...] = ()
    is_task: bool = True
    since_s: float = field(default=0.0, compare=False)

    @property
    def key(self) -> str:
        """The idempotency key: the same for every delivery of this task."""
        key = f"{self.trace_id}-{self.root_id}"
        return f"{key}-{self.part}" if self.part else key


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as one span reports it.

    Args:
        type: exception class, API error type or status; "error" if none is known.
        code: a status or vendor code, as text.
        handled: an exception was recorded but the span did not end in error.
        wrapper: type of the exception in which the span passed this one on.
    """

    type: str
    message: str
    stack_trace: str | None = None
    code: str | None = None
    handled: bool = False
    wrapper: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A judgement of a run or of a step, by a person or a program.

    Args:
        name: what was judged ("Relevance").
        score: a number, or whether it passed; None if there is only a label.
        label: the score in words ("not_relevant").
        explanation: the reason.
        response_id: the provider's id of the response that was judged.
        error: why there is no result ("timeout"); None if the evaluation succeeded.
    """

    name: str
    score: float | bool | None = None
    label: str | None = None
    explanation: str | None = None
    response_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt of a prompt store, as a span names it.

    Args:
        source: where its names come from: `prompt_studio` is Infinium's store, others are
            the vocabulary ("langfuse", "mlflow").
        name: its name in the store; None if there is only a version.
        version: a number, or the store's own word for one (a commit).
        id: its id in the store.
        variables: names of the variables that were filled in; None if unknown.
        fetched_at: when it was fetched, ISO 8601.
    """

    source: str
    name: str | None = None
    version: int | str | None = None
    id: str | None = None
    variables: tuple[str, ...] | None = None
    fetched_at: str | None = None


@dataclass(slots=True)
class Usage:
    """Token counts of one span; None is unknown, never zero.

    Never changed; not frozen for the reason of `NormalizedSpan`.

    Args:
        input: all input tokens, cached ones included.
        cache_read: the part of `input` that was read from a cache.
        cache_write: the part of `input` that was written to a cache.
        output: all output tokens, reasoning included.
        reasoning: the part of `output` spent on reasoning.
        total: as reported; larger than both together if the rest is unexplained.
        parts: further parts with prices of their own, by genai-prices' names
            (`input_audio_tokens`, `cache_write_1h_tokens`, `web_searches`).
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    parts: Attributes = field(default_factory=_make_empty)


@dataclass(slots=True)
class NormalizedSpan:
    """What one span contains, whatever convention it follows; None if it is missing.

    It is never changed; it is not frozen only because a frozen class of so many fields
    takes twice as long to make, and one is made of each span.

    Content (`input`, `output`, `arguments`, `result`) is kept as recorded on the span
    and decoded only where a preview needs it.

    Args:
        kind: llm, embedding, rerank, retrieval, tool, agent, workflow, planning,
            handoff, guardrail, evaluator, memory, mcp, http, db; "" if unknown.
        fallback_kind: the kind if a call lies below, where `kind` is only inferred.
        maybe_call: a model call in a trace that has no other.
        unconfirmed: `kind` rests on a word alone, and holds only in a trace that shows
            a model's or an agent's work elsewhere.
        operation: the operation's name ("chat", "execute_tool").
        usage: its token counts. On anything but a model call they sum over others.
        model: the model that responded.
        model_requested: the model that was requested.
        latency_ms: only if the span's own times do not show it.
        ttft_ms: time to the first chunk.
        input: message list in any dialect's shape, or a text.
        tags: the run's tags, as the application sets them.
        metadata: what else it sets for the run (`tenant`, `release`), by name.
        weak: which facts are only derived (a tool's name from its span's): what another
            span of the same work reports explicitly wins.
        cancelled: true if the work was cancelled, which is not a failure.
        evaluations: judgements that the span contains, not always about itself.
        prompts: the prompts of a store that the span names, the outermost first.
        dropped: a placeholder that represents no work.
        replayed: served from a cache: a call, but free.
        utility: a side call (title, quota check) that is never the run's answer.
        expected: what the run was to deliver, if a framework reports it.
        extra: further facts for the step's metadata, by their OpenTelemetry names.
        problems: what could not be read, one sentence each.
        dialects: the dialects that were read, in the order of precedence.
    """

    kind: str = ""
    fallback_kind: str | None = None
    maybe_call: bool = False
    unconfirmed: bool = False
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
    tags: tuple[str, ...] = ()
    metadata: Attributes = field(default_factory=_make_empty)
    http_status: int | None = None
    retry_count: int | None = None
    expected: Attributes = field(default_factory=_make_empty)
    failure: Failure | None = None
    cancelled: bool | None = None
    evaluations: tuple[Evaluation, ...] = ()
    prompts: tuple[StoredPrompt, ...] = ()
    weak: tuple[str, ...] = ()
    dropped: bool = False
    replayed: bool = False
    utility: bool = False
    extra: Attributes = field(default_factory=_make_empty)
    problems: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()


def __getattr__(name: str) -> object:
    """Resolve names from before 0.1: `Reading` is now `NormalizedSpan`."""
    if name == "Reading":
        return NormalizedSpan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
