"""The spans that a Letta server itself exports, as its records.

They contain the steps, the durations of their parts and the tools, but no tokens: join
them with `list steps` by trace id. The server never exports failed steps.

Source: letta 0.16.8, `letta.agents`, `letta.otel.tracing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.letta.attributes import SCOPE, make_id
from infinium_otel.models.letta.types import (
    Message,
    Step,
    StepLog,
    StepMetrics,
    ToolReturn,
)
from infinium_otel.models.spans import (
    as_int,
    as_number,
    as_text,
    drop_nulls,
    to_iso,
    to_json,
)
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import LogEvent, SpanEvent

STEP = "agent_step"
TOOL = "._execute_tool"
FIRST_TOKEN = "time_to_first_token"  # noqa: S105 - a span's name


def is_native_step(record: SpanRecord | LogEvent) -> bool:
    """Whether a span is a step exported by a Letta server."""
    return (
        record.name == STEP
        and as_text(record.attributes.get("step_id")) is not None
        and record.scope_name != SCOPE
    )


def read_native_logs(
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
    shared = _read_request_attributes(spans)
    steps: list[Step] = []
    metrics: list[StepMetrics] = []
    messages: list[Message] = []
    owners = [span for span in spans if is_native_step(span)]
    for span in owners:
        step = _step(span, spans, shared, newer=newer)
        steps.append(step)
        metrics.append(_metrics(span, step))
        messages += _tools(span, spans, step, owners)
    otel = {"trace_id": spans[0].trace_id}
    return StepLog(tuple(steps), tuple(metrics), tuple(messages), otel=otel)


def _read_request_attributes(spans: list[SpanRecord]) -> dict[str, str | None]:
    """The attributes that the server sets from the request's headers."""
    keys = {
        "organization.id": "organization_id",
        "project.id": "project_id",
        "agent.id": "agent_id",
        "source": "origin",
    }
    return {
        name: next((t for s in spans if (t := as_text(s.attributes.get(key)))), None)
        for key, name in keys.items()
    }


def _step(
    span: SpanRecord, spans: list[SpanRecord], shared: dict[str, Any], *, newer: bool
) -> Step:
    model = _model(span, spans)
    provider = as_text(model.get("llm_config.model_endpoint_type"))
    name = as_text(model.get("llm_config.model"))
    handle = as_text(model.get("llm_config.handle"))
    return Step(
        id=str(span.attributes["step_id"]),
        **shared,
        provider_name=provider,
        model=name,
        model_handle=handle if newer else None,
        model_endpoint=as_text(model.get("llm_config.model_endpoint")),
        context_window_limit=as_int(model.get("llm_config.context_window")),
        trace_id=span.trace_id,
        status=_status(span),
    )


def _status(span: SpanRecord) -> str:
    if span.status == "error":
        return "failed"
    return "success" if span.end_ns > 0 else "pending"


def _model(span: SpanRecord, spans: list[SpanRecord]) -> Any:
    """The attributes of the step's first-token span: it has the model configuration."""
    first_tokens = [s for s in spans if s.name == FIRST_TOKEN]
    before = [s for s in first_tokens if s.start_ns <= max(span.start_ns, span.end_ns)]
    return (before or first_tokens)[-1].attributes if first_tokens else {}


def _metrics(span: SpanRecord, step: Step) -> StepMetrics:
    request_ns = _sum_event_ns(span, "llm_request_ms", "duration_ms")
    tool_ns = _sum_event_ns(span, "tool_execution_completed", "duration_ms")
    wait_ns = _find_wait_ns(span)
    step_ns = _sum_event_ns(span, "step_ms", "duration_ms")
    return StepMetrics(
        id=step.id,
        organization_id=step.organization_id,
        agent_id=step.agent_id,
        project_id=step.project_id,
        step_start_ns=span.start_ns,
        llm_request_start_ns=None if wait_ns is None else span.start_ns + wait_ns,
        llm_request_ns=request_ns,
        tool_execution_ns=tool_ns,
        step_ns=max(0, span.end_ns - span.start_ns) if step_ns is None else step_ns,
    )


def _find_wait_ns(span: SpanRecord) -> int | None:
    """Time from the step's start to the provider's request; None if unknown."""
    name = "request_start_to_provider_request_start_ns"
    events = [event for event in span.events if event.name == name]
    return max(0, events[0].time_ns - span.start_ns) if events else None


def _sum_event_ns(span: SpanRecord, name: str, key: str) -> int | None:
    """The sum of the durations (ms) in the events of one name, in ns; None without any."""
    durations = [
        as_number(e.attributes.get(key)) for e in span.events if e.name == name
    ]
    known = [round(each * 1_000_000) for each in durations if each is not None]
    return sum(known) if known else None


def _tools(
    span: SpanRecord, spans: list[SpanRecord], step: Step, owners: list[SpanRecord]
) -> Iterator[Message]:
    """The tools a step ran, as messages; the step's events name them."""
    runs = [s for s in spans if s.name.endswith(TOOL) and _owner(s, owners) is span]
    done = [e for e in span.events if e.name == "tool_execution_completed"]
    for number_, event in enumerate(done):
        name = as_text(event.attributes.get("tool_name")) or "unknown"
        run = next((r for r in runs if _runs(r, name)), None)
        if run is not None:
            runs.remove(run)
        yield _message(span, step, number_, event, run)


def _owner(run: SpanRecord, owners: list[SpanRecord]) -> SpanRecord | None:
    """The step that a tool's span belongs to: the last that began before it."""
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
    attributes = event.attributes
    call_id = as_text(attributes.get("tool_id"))
    answer = _find_finish(run)
    failed = attributes.get("success") is False
    return Message(
        id=make_id("message", span.trace_id, span.span_id, "tool", place),
        role="tool",
        agent_id=step.agent_id,
        name=as_text(attributes.get("tool_name")) or "unknown",
        tool_call_id=call_id,
        tool_returns=(
            ToolReturn(
                status="error" if failed else "success",
                tool_call_id=call_id,
                stdout=_lines(answer.get("stdout")),
                stderr=_lines(answer.get("stderr")),
                func_response=as_text(answer.get("func_return")),
            ),
        ),
        step_id=step.id,
        created_at=to_iso(event.time_ns),
    )


def _find_finish(run: SpanRecord | None) -> dict[str, Any]:
    """The attributes of a tool run's last `finish_*` event."""
    events = run.events if run else ()
    ended = [e for e in events if e.name.startswith("finish_")]
    return drop_nulls(dict(ended[-1].attributes)) if ended else {}


def _lines(value: Any) -> tuple[str, ...] | None:
    if value in (None, "", "[]"):
        return None
    return (value if isinstance(value, str) else to_json(value),)
