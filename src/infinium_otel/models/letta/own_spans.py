"""The spans that a Letta server itself exports, as its records.

They say which steps there were, how long their parts took, and which tools ran, but no
tokens: join with `list steps` by the trace id. Failed steps are never exported.

Source: letta 0.16.8, `letta.agents`, `letta.otel.tracing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.letta.attributes import SCOPE, made_id
from infinium_otel.models.letta.types import (
    Message,
    Step,
    StepLog,
    StepMetrics,
    ToolReturn,
)
from infinium_otel.models.spans import as_json, number, present, text, to_iso, whole
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import LogEvent, SpanEvent

STEP = "agent_step"
TOOL = "._execute_tool"
FIRST_TOKEN = "time_to_first_token"  # noqa: S105 - a span's name


def is_own(record: SpanRecord | LogEvent) -> bool:
    """Whether a span is a step that a Letta server told."""
    return (
        record.name == STEP
        and text(record.attributes.get("step_id")) is not None
        and record.scope_name != SCOPE
    )


def own_logs(
    records: Iterable[SpanRecord | LogEvent], trace_ids: set[str], *, newer: bool
) -> list[StepLog]:
    """One log for each of the traces that hold a server's steps."""
    groups: dict[str, list[SpanRecord]] = {each: [] for each in sorted(trace_ids)}
    for record in records:
        if isinstance(record, SpanRecord) and record.trace_id in groups:
            groups[record.trace_id].append(record)
    return [_log(group, newer=newer) for group in groups.values()]


def _log(spans: list[SpanRecord], *, newer: bool) -> StepLog:
    """The steps of one trace, in time order."""
    spans = sorted(spans, key=lambda span: span.start_ns)
    shared = _shared(spans)
    steps: list[Step] = []
    metrics: list[StepMetrics] = []
    messages: list[Message] = []
    owners = [span for span in spans if is_own(span)]
    for span in owners:
        step = _step(span, spans, shared, newer=newer)
        steps.append(step)
        metrics.append(_metrics(span, step))
        messages += _tools(span, spans, step, owners)
    otel = {"trace_id": spans[0].trace_id}
    return StepLog(tuple(steps), tuple(metrics), tuple(messages), otel=otel)


def _shared(spans: list[SpanRecord]) -> dict[str, str | None]:
    """What the server puts on its request's span, from the request's headers."""
    keys = {
        "organization.id": "organization_id",
        "project.id": "project_id",
        "agent.id": "agent_id",
        "source": "origin",
    }
    return {
        name: next((t for s in spans if (t := text(s.attributes.get(key)))), None)
        for key, name in keys.items()
    }


def _step(
    span: SpanRecord, spans: list[SpanRecord], shared: dict[str, Any], *, newer: bool
) -> Step:
    model = _model(span, spans)
    provider = text(model.get("llm_config.model_endpoint_type"))
    name = text(model.get("llm_config.model"))
    handle = text(model.get("llm_config.handle"))
    return Step(
        id=str(span.attributes["step_id"]),
        **shared,
        provider_name=provider,
        model=name,
        model_handle=handle if newer else None,
        model_endpoint=text(model.get("llm_config.model_endpoint")),
        context_window_limit=whole(model.get("llm_config.context_window")),
        trace_id=span.trace_id,
        status=_status(span),
    )


def _status(span: SpanRecord) -> str:
    if span.status == "error":
        return "failed"
    return "success" if span.end_ns > 0 else "pending"


def _model(span: SpanRecord, spans: list[SpanRecord]) -> Any:
    """The configuration that the trace's first token was measured with."""
    told = [s for s in spans if s.name == FIRST_TOKEN]
    before = [s for s in told if s.start_ns <= max(span.start_ns, span.end_ns)]
    return (before or told)[-1].attributes if told else {}


def _metrics(span: SpanRecord, step: Step) -> StepMetrics:
    asked = _event_ns(span, "llm_request_ms", "duration_ms")
    working = _event_ns(span, "tool_execution_completed", "duration_ms")
    waited = _waited_ns(span)
    length = _event_ns(span, "step_ms", "duration_ms")
    return StepMetrics(
        id=step.id,
        organization_id=step.organization_id,
        agent_id=step.agent_id,
        project_id=step.project_id,
        step_start_ns=span.start_ns,
        llm_request_start_ns=None if waited is None else span.start_ns + waited,
        llm_request_ns=asked,
        tool_execution_ns=working,
        step_ns=max(0, span.end_ns - span.start_ns) if length is None else length,
    )


def _waited_ns(span: SpanRecord) -> int | None:
    """From the step's start to the provider's request."""
    name = "request_start_to_provider_request_start_ns"
    told = [event for event in span.events if event.name == name]
    return max(0, told[0].time_ns - span.start_ns) if told else None


def _event_ns(span: SpanRecord, name: str, key: str) -> int | None:
    """The sum of what the events of one name tell in ms; None if there is none."""
    told = [number(e.attributes.get(key)) for e in span.events if e.name == name]
    known = [round(each * 1_000_000) for each in told if each is not None]
    return sum(known) if known else None


def _tools(
    span: SpanRecord, spans: list[SpanRecord], step: Step, owners: list[SpanRecord]
) -> Iterator[Message]:
    """The tools a step ran, as messages: the step's events name them."""
    runs = [s for s in spans if s.name.endswith(TOOL) and _owner(s, owners) is span]
    done = [e for e in span.events if e.name == "tool_execution_completed"]
    for number_, event in enumerate(done):
        name = text(event.attributes.get("tool_name")) or "unknown"
        run = next((r for r in runs if _runs(r, name)), None)
        if run is not None:
            runs.remove(run)
        yield _message(span, step, number_, event, run)


def _owner(run: SpanRecord, owners: list[SpanRecord]) -> SpanRecord | None:
    """The step that a tool's span falls into: the last that began before it."""
    begun = [owner for owner in owners if owner.start_ns <= run.start_ns]
    return begun[-1] if begun else None


def _runs(run: SpanRecord, name: str) -> bool:
    return any(event.name == f"start_{name}_execution" for event in run.events)


def _message(
    span: SpanRecord,
    step: Step,
    place: int,
    event: SpanEvent,
    run: SpanRecord | None,
) -> Message:
    said = event.attributes
    call_id = text(said.get("tool_id"))
    answer = _finished(run)
    failed = said.get("success") is False
    return Message(
        id=made_id("message", span.trace_id, span.span_id, "tool", place),
        role="tool",
        agent_id=step.agent_id,
        name=text(said.get("tool_name")) or "unknown",
        tool_call_id=call_id,
        tool_returns=(
            ToolReturn(
                status="error" if failed else "success",
                tool_call_id=call_id,
                stdout=_lines(answer.get("stdout")),
                stderr=_lines(answer.get("stderr")),
                func_response=text(answer.get("func_return")),
            ),
        ),
        step_id=step.id,
        created_at=to_iso(event.time_ns),
    )


def _finished(run: SpanRecord | None) -> dict[str, Any]:
    """What the span of a tool's run tells at its end."""
    events = run.events if run else ()
    ended = [e for e in events if e.name.startswith("finish_")]
    return present(dict(ended[-1].attributes)) if ended else {}


def _lines(value: Any) -> tuple[str, ...] | None:
    if value in (None, "", "[]"):
        return None
    return (value if isinstance(value, str) else as_json(value),)
