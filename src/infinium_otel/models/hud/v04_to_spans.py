"""A trace of HUD 0.4 to spans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, adopted, failure_in, restored
from infinium_otel.models.hud.attributes import (
    PROVIDERS,
    SCOPE,
    argument_text,
    evaluations,
    run_trace_id,
    subscores,
    timing,
)
from infinium_otel.models.hud.secrets import without_secrets
from infinium_otel.models.hud.v04_words import enriched
from infinium_otel.models.spans import (
    as_json,
    attribute,
    earliest_ns,
    json_list,
    json_object,
    kind_in,
    settled,
    span_id_of,
    status_in,
    text,
    time_in,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.hud import v04


def trace_to_spans(
    trace: v04.Trace, *, start_ns: int = 0, agent_type: str | None = None
) -> list[SpanRecord]:
    """The spans of *trace*: its root first, then its steps in order.

    Args:
        trace: the run.
        start_ns: where a run begins whose steps have no times.
        agent_type: HUD's word for the agent ("claude"); it tells the provider.
    """
    times = (t for s in trace.trace for t in (s.start_timestamp, s.end_timestamp))
    start_ns = earliest_ns(times, start_ns)
    run_id = next((s.task_run_id for s in trace.trace if s.task_run_id), None)
    trace_id = run_trace_id(run_id, dump(trace))
    root_id = span_id_of(trace_id, "run")
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
    placed, _ = restored(root, facts)
    steps = _steps(trace, placed, start_ns, PROVIDERS.get(agent_type or ""))
    return [_closed(root, trace, steps, facts), *adopted(steps, placed.span_id)]


def _closed(
    root: SpanRecord, trace: v04.Trace, steps: list[SpanRecord], facts: dict[str, Any]
) -> SpanRecord:
    root = replace(
        root,
        start_ns=min((step.start_ns for step in steps), default=root.start_ns),
        end_ns=max((step.end_ns for step in steps), default=root.end_ns),
    )
    root = as_it_was(root, facts)
    scored = evaluations(trace.reward, subscores(trace.info), root.end_ns)
    known = {event.name for event in root.events}
    if "gen_ai.evaluation.result" not in known and not _is_default(trace):
        root = replace(root, events=(*root.events, *scored))
    if root.status == "error" or not trace.isError:
        return settled(root)
    why = text(trace.info.get("error")) or ""
    return settled(root, failure_in(facts.get("failure")) or Failure("error", why))


def _is_default(trace: v04.Trace) -> bool:
    return trace.info.get("reward_source") == "default"


def _run_attributes(trace: v04.Trace, agent_type: str | None) -> dict[str, Any]:
    task = trace.task
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDERS.get(agent_type or ""),
        "gen_ai.input.messages": parts.user_messages(task.prompt if task else None),
        "gen_ai.system_instructions": _instructions(task),
        "gen_ai.output.messages": parts.final_messages(trace.content),
        "hud.agent.type": agent_type,
        "hud.model": "0.4",
        "hud.trace.reward": None if _is_default(trace) else trace.reward,
        "hud.trace.done": trace.done,
        "hud.trace.error": trace.isError,
        "hud.trace.info": as_json(dump(trace.info)) if trace.info else None,
        "hud.trace.messages": as_json(dump(trace.messages)) if trace.messages else None,
        "hud.trace.other": as_json(dump(trace.other)) if trace.other else None,
        "hud.task": as_json(dump(shown_task(task))) if task else None,
        "hud.task.id": task.id if task else None,
        **(_expected(task) if task else {}),
    }


def _expected(task: v04.Task) -> dict[str, Any]:
    """What the run was for, in the words Infinium takes."""
    graded = task.evaluate_tool
    return {
        "infinium.task.name": task.id,
        "infinium.expected_outcome.task_objective": task.prompt or None,
        "infinium.expected_outcome.acceptance_criteria": None
        if graded is None
        else [as_json(dump(graded))],
    }


def shown_task(task: v04.Task) -> v04.Task:
    """A task without the credentials of its servers."""
    return replace(task, mcp_config=without_secrets(dump(task.mcp_config)))


def _instructions(task: v04.Task | None) -> str | None:
    config = task.agent_config if task else None
    said = (task.system_prompt if task else None) or (
        config.system_prompt if config else None
    )
    return as_json([parts.text_part(said)]) if said is not None else None


def _steps(
    trace: v04.Trace, root: SpanRecord, start_ns: int, provider: str | None
) -> list[SpanRecord]:
    found = []
    for order, step in enumerate(trace.trace):
        record = _step(step, order, root, start_ns, provider)
        start_ns = max(start_ns, record.end_ns)
        found.append(record)
    return found


def _step(
    step: v04.TraceStep,
    order: int,
    root: SpanRecord,
    earliest_ns: int,
    provider: str | None,
) -> SpanRecord:
    start_ns, end_ns, timed = timing(
        step.start_timestamp, step.end_timestamp, earliest_ns
    )
    draft = SpanRecord(
        trace_id=root.trace_id,
        span_id=span_id_of(root.trace_id, "run", order),
        parent_id=root.span_id,
        name=f"hud.{step.category}",
        kind=kind_in(step.type) or "internal",
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={"hud.step.order": order, **_native(step), **timed},
        scope_name=SCOPE,
    )
    facts = json_object(step.other.get(FACTS))
    if facts is None:
        return settled(*enriched(draft, step, provider))
    was = as_it_was(draft, facts)
    if not facts.get("native"):
        return settled(was)
    told, failure = enriched(was, step, provider)
    return settled(
        replace(told, name=was.name), None if was.status == "error" else failure
    )


def _native(step: v04.TraceStep) -> dict[str, Any]:
    """The attributes that HUD itself writes, then its extras."""
    simple = {k: v for k, v in step.other.items() if k != FACTS and _is_attribute(v)}
    rest = {k: v for k, v in step.other.items() if k not in simple}
    return {
        **simple,
        "hud.step.keys": list(simple) or None,
        "hud.step.other": as_json(dump(rest)) if rest else None,
        "category": step.category,
        "request": argument_text(step.request),
        "result": argument_text(step.result),
        "hud.task_run_id": step.task_run_id,
        "hud.job_id": step.job_id,
        "span.kind": step.type,
    }


def _is_attribute(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len({type(item) for item in value}) == 1 and all(map(_is_plain, value))
    return _is_plain(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float)) and attribute(value) is value


def as_it_was(draft: SpanRecord, facts: dict[str, Any]) -> SpanRecord:
    """*draft* as the span it came from: its place, times, status and events."""
    record, _ = restored(draft, facts)
    return replace(
        record,
        status=status_in(facts.get("status")) or record.status,
        status_message=text(facts.get("status_message")),
        events=tuple(_event(item) for item in json_list(facts.get("events")) or []),
        scope_name=text(facts.get("scope_name")) or record.scope_name,
        scope_version=text(facts.get("scope_version")) or "",
        parent_id=record.parent_id if draft.parent_id else None,
    )


def _event(value: Any) -> SpanEvent:
    said = json_object(value) or {}
    return SpanEvent(
        text(said.get("name")) or "",
        time_in(said.get("time_ns")) or 0,
        json_object(said.get("attributes")) or {},
    )
