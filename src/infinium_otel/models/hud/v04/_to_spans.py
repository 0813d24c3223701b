"""A trace of HUD 0.4 to spans."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, attach_orphans, read_failure, restore_span
from infinium_otel.models.hud.attributes import (
    PROVIDERS,
    SCOPE,
    find_times,
    make_evaluation_events,
    make_trace_id,
    read_subscores,
    to_argument_text,
)
from infinium_otel.models.hud.secrets import remove_secrets
from infinium_otel.models.hud.v04.step_spans import enrich
from infinium_otel.models.spans import (
    as_kind,
    as_status,
    as_text,
    as_time_ns,
    finalize,
    find_earliest_ns,
    json_list,
    json_object,
    make_span_id,
    to_attribute,
    to_json,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.hud import v04


def to_spans(
    trace: v04.Trace, *, start_ns: int = 0, agent_type: str | None = None
) -> list[SpanRecord]:
    """The spans of *trace*: its root first, then its steps in order.

    Args:
        trace: the run.
        start_ns: start of a run whose steps have no times, ns since the epoch.
        agent_type: HUD's agent type ("claude"); it determines the provider.
    """
    times = (t for s in trace.trace for t in (s.start_timestamp, s.end_timestamp))
    start_ns = find_earliest_ns(times, start_ns)
    run_id = next((s.task_run_id for s in trace.trace if s.task_run_id), None)
    trace_id = make_trace_id(run_id, dump(trace))
    root_id = make_span_id(trace_id, "run")
    root = SpanRecord(
        trace_id=trace_id,
        span_id=root_id,
        parent_id=None,
        name="invoke_agent",
        start_ns=start_ns,
        end_ns=start_ns,
        attributes={
            **_run_attributes(trace, agent_type),
            "hud.task_run_id": run_id,
            "hud.job_id": next((s.job_id for s in trace.trace if s.job_id), None),
        },
        scope_name=SCOPE,
    )
    facts = json_object(trace.info.get(FACTS)) or {}
    placed, _ = restore_span(root, facts)
    steps = _steps(trace, placed, start_ns, PROVIDERS.get(agent_type or ""))
    return [
        _finish_root(root, trace, steps, facts),
        *attach_orphans(steps, placed.span_id),
    ]


def _finish_root(
    root: SpanRecord, trace: v04.Trace, steps: list[SpanRecord], facts: dict[str, Any]
) -> SpanRecord:
    root = replace(
        root,
        start_ns=min((step.start_ns for step in steps), default=root.start_ns),
        end_ns=max((step.end_ns for step in steps), default=root.end_ns),
    )
    root = restore_original(root, facts)
    scored = make_evaluation_events(
        trace.reward, read_subscores(trace.info), root.end_ns
    )
    known = {event.name for event in root.events}
    if "gen_ai.evaluation.result" not in known and not _is_default(trace):
        root = replace(root, events=(*root.events, *scored))
    if root.status == "error" or not trace.isError:
        return finalize(root)
    why = as_text(trace.info.get("error")) or ""
    return finalize(root, read_failure(facts.get("failure")) or Failure("error", why))


def _is_default(trace: v04.Trace) -> bool:
    return trace.info.get("reward_source") == "default"


def _run_attributes(trace: v04.Trace, agent_type: str | None) -> dict[str, Any]:
    task = trace.task
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDERS.get(agent_type or ""),
        "gen_ai.input.messages": parts.write_user_message(
            task.prompt if task else None
        ),
        "gen_ai.system_instructions": _instructions(task),
        "gen_ai.output.messages": parts.write_final_message(trace.content),
        "hud.agent.type": agent_type,
        "hud.model": "0.4",
        "hud.trace.reward": None if _is_default(trace) else trace.reward,
        "hud.trace.done": trace.done,
        "hud.trace.error": trace.isError,
        "hud.trace.info": to_json(dump(trace.info)) if trace.info else None,
        "hud.trace.messages": to_json(dump(trace.messages)) if trace.messages else None,
        "hud.trace.other": to_json(dump(trace.other)) if trace.other else None,
        "hud.task": to_json(dump(remove_task_secrets(task))) if task else None,
        "hud.task.id": task.id if task else None,
        **(_outcome_attributes(task) if task else {}),
    }


def _outcome_attributes(task: v04.Task) -> dict[str, Any]:
    """The task's objective and criteria, as Infinium's attributes."""
    graded = task.evaluate_tool
    return {
        "infinium.task.name": task.id,
        "infinium.expected_outcome.task_objective": task.prompt or None,
        "infinium.expected_outcome.acceptance_criteria": None
        if graded is None
        else [to_json(dump(graded))],
    }


def remove_task_secrets(task: v04.Task) -> v04.Task:
    """A task without the credentials of its servers."""
    return replace(task, mcp_config=remove_secrets(dump(task.mcp_config)))


def _instructions(task: v04.Task | None) -> str | None:
    config = task.agent_config if task else None
    instructions = (task.system_prompt if task else None) or (
        config.system_prompt if config else None
    )
    return (
        to_json([parts.text_part(instructions)]) if instructions is not None else None
    )


def _steps(
    trace: v04.Trace, root: SpanRecord, start_ns: int, provider: str | None
) -> list[SpanRecord]:
    found = []
    for order, step in enumerate(trace.trace):
        record = _step(step, order, root, start_ns, provider)
        start_ns = max(start_ns, record.end_ns)
        found.append(record)
    return found


def _dump_record(value: Any) -> Any:
    """The JSON of an `AgentResponse` or `MCPToolResult`; any other value unchanged."""
    return dump(value, nulls=False) if is_dataclass(value) else value


def _step(
    step: v04.TraceStep,
    order: int,
    root: SpanRecord,
    earliest_ns: int,
    provider: str | None,
) -> SpanRecord:
    step = replace(
        step, request=_dump_record(step.request), result=_dump_record(step.result)
    )
    start_ns, end_ns, timed = find_times(
        step.start_timestamp, step.end_timestamp, earliest_ns
    )
    draft = SpanRecord(
        trace_id=root.trace_id,
        span_id=make_span_id(root.trace_id, "run", order),
        parent_id=root.span_id,
        name=f"hud.{step.category}",
        kind=as_kind(step.type) or "internal",
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={"hud.step.order": order, **_step_attributes(step), **timed},
        scope_name=SCOPE,
    )
    facts = json_object(step.other.get(FACTS))
    if facts is None:
        return finalize(*enrich(draft, step, provider))
    original = restore_original(draft, facts)
    if not facts.get("native"):
        return finalize(original)
    enriched, failure = enrich(original, step, provider)
    return finalize(
        replace(enriched, name=original.name),
        None if original.status == "error" else failure,
    )


def _step_attributes(step: v04.TraceStep) -> dict[str, Any]:
    """The attributes that HUD itself writes, and the step's other keys."""
    simple = {k: v for k, v in step.other.items() if k != FACTS and _is_attribute(v)}
    rest = {k: v for k, v in step.other.items() if k not in simple}
    return {
        **simple,
        "hud.step.keys": list(simple) or None,
        "hud.step.other": to_json(dump(rest)) if rest else None,
        "category": step.category,
        "request": to_argument_text(step.request),
        "result": to_argument_text(step.result),
        "hud.task_run_id": step.task_run_id,
        "hud.job_id": step.job_id,
        "span.kind": step.type,
    }


def _is_attribute(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len({type(item) for item in value}) == 1 and all(map(_is_plain, value))
    return _is_plain(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float)) and to_attribute(value) is value


def restore_original(draft: SpanRecord, facts: dict[str, Any]) -> SpanRecord:
    """*draft* with the original span's parent, times, status, events and scope."""
    record, _ = restore_span(draft, facts)
    return replace(
        record,
        status=as_status(facts.get("status")) or record.status,
        status_message=as_text(facts.get("status_message")),
        events=tuple(_event(item) for item in json_list(facts.get("events")) or []),
        scope_name=as_text(facts.get("scope_name")) or record.scope_name,
        scope_version=as_text(facts.get("scope_version")) or "",
        parent_id=record.parent_id if draft.parent_id else None,
    )


def _event(value: Any) -> SpanEvent:
    fields = json_object(value) or {}
    return SpanEvent(
        as_text(fields.get("name")) or "",
        as_time_ns(fields.get("time_ns")) or 0,
        json_object(fields.get("attributes")) or {},
    )
