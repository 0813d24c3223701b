"""Any spans to runs of HUD 0.6."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.documents import empty_mapping, fill
from infinium_otel.models.facts import FACTS, write_facts
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import read_reward, read_times
from infinium_otel.models.hud.native_spans import gather_runs
from infinium_otel.models.hud.v06.foreign_spans import derive_skeleton, derive_step
from infinium_otel.models.runs import (
    DEEPEST,
    find_runs,
    get_output_text,
    get_prompt_text,
)
from infinium_otel.models.spans import (
    as_bool,
    as_int,
    as_number,
    as_text,
    from_json,
    json_list,
    json_object,
    to_iso,
    to_uuid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.records import LogEvent, SpanEvent, SpanRecord

ORDER = "hud.step.order"


def from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[v06.Run]:
    """One graded run for each agent run in *records*."""
    return [_to_run(run) for run in find_runs(gather_runs(records), ORDER)]


def _to_run(run: Run) -> v06.Run:
    attributes = run.root.record.attributes
    return v06.Run(
        trace=_trace(run, run.root, 0),
        grade=_grade(run.root.record),
        job_id=as_text(attributes.get("hud.job_id")),
        group_id=as_text(attributes.get("hud.group_id")),
    )


def _grade(record: SpanRecord) -> v06.Grade | None:
    grade = json_object(record.attributes.get("hud.grade"))
    if grade is not None:
        return fill(v06.Grade, grade)
    reward = read_reward(record)
    return None if reward is None else v06.Grade(reward=reward)


def _trace(run: Run, root: RunSpan, depth: int) -> v06.Trace:
    """The trajectory below *root*."""
    attributes = root.record.attributes
    if "hud.model" in attributes:
        return v06.Trace(
            steps=_steps(run, root, depth),
            status=as_text(attributes.get("hud.trace.status")),
            stop_reason=as_text(attributes.get("hud.trace.stop_reason")),
            content=parts.read_final_text(attributes.get("gen_ai.output.messages")),
            extra=json_object(attributes.get("hud.trace.extra")) or empty_mapping(),
            trace_id=as_text(attributes.get("hud.task_run_id")),
        )
    return _derive_trace(run, root, depth)


def _derive_trace(run: Run, root: RunSpan, depth: int) -> v06.Trace:
    """The trajectory of a run of another instrumentation."""
    steps = _steps(run, root, depth)
    answers = [step for step in steps if isinstance(step, v06.AgentStep)]
    content = get_output_text(root) or next(
        (step.content for step in reversed(answers) if step.content), None
    )
    failed = root.failure is not None
    ended = "completed" if root.record.end_ns > 0 else None
    cut = bool(answers) and answers[-1].finish_reason == "length"
    own = root is run.root and run.is_step
    return v06.Trace(
        steps=(*_prompt(root, run), *steps),
        status="error" if failed else ended,
        stop_reason="length" if cut else "done" if ended and not failed else None,
        content=content,
        extra=empty_mapping() if own else {FACTS: write_facts(root)},
        trace_id=as_text(root.record.attributes.get("hud.task_run_id"))
        or to_uuid(root.record.trace_id),
    )


def _prompt(root: RunSpan, run: Run) -> list[v06.Step]:
    calls = [step for step in run.steps if step.kind == "llm"]
    prompt = next(filter(None, map(get_prompt_text, [root, *calls[:1]])), None)
    if prompt is None:
        return []
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    at = to_iso(root.record.start_ns)
    return [v06.Step(source="user", messages=(message,), started_at=at, ended_at=at)]


def _steps(run: Run, root: RunSpan, depth: int) -> tuple[v06.Step, ...]:
    records = [_read_event_step(root.record, event) for event in root.record.events]
    aside = [(record, _read_step(record)) for record in records if record is not None]
    members = run.members(root, depth)
    done = [(member.record, _step(run, member, depth)) for member in members]
    found = sorted([*aside, *done], key=lambda entry: _order(entry[0]))
    return tuple(step for _, step in found)


def _order(record: SpanRecord) -> tuple[int, int]:
    order = as_int(record.attributes.get(ORDER))
    return -1 if order is None else order, record.start_ns


def _read_event_step(root: SpanRecord, event: SpanEvent) -> SpanRecord | None:
    """The step in an event on its run; None for any other event."""
    if event.name != "hud.step":
        return None
    at = event.time_ns
    return replace(root, attributes=event.attributes, start_ns=at, end_ns=at, events=())


def _step(run: Run, span: RunSpan, depth: int) -> v06.Step:
    attributes = span.record.attributes
    if depth < DEEPEST and _is_subagent(span):
        return _subagent(run, span, depth + 1)
    if "hud.step.source" in attributes:
        return _read_step(span.record)
    return _read_payload(span.record) or derive_step(span)


def _is_subagent(span: RunSpan) -> bool:
    source = span.record.attributes.get("hud.step.source")
    return span.kind == "agent" or source == "subagent"


def _subagent(run: Run, span: RunSpan, depth: int) -> v06.SubagentStep:
    is_native = "hud.step.source" in span.record.attributes
    trace = _trace(run, span, depth)
    skeleton = _skeleton(span.record) if is_native else derive_skeleton(span)
    nested = trace if is_native else replace(trace, extra=empty_mapping())
    return v06.SubagentStep(**{**skeleton, "source": "subagent"}, subagent=nested)


def _read_payload(record: SpanRecord) -> v06.Step | None:
    """The complete step in `hud.payload`; None if there is none."""
    payload = json_object(record.attributes.get("hud.payload"))
    try:
        return None if payload is None else v06.step_of(payload)
    except InfiniumError:
        return None


def _read_step(record: SpanRecord) -> v06.Step:
    """A step that `to_spans` wrote."""
    skeleton = _skeleton(record)
    payload = _read_payload(record)
    if skeleton["source"] == "agent":
        turn = payload if isinstance(payload, v06.AgentStep) else v06.AgentStep()
        return v06.AgentStep(
            **skeleton, **_turn(record), raw=turn.raw, sample=turn.sample
        )
    if skeleton["source"] == "tool":
        return v06.ToolStep(**skeleton, call=_call(record), result=_result(record))
    return payload if payload is not None else v06.Step(**skeleton)


def _skeleton(record: SpanRecord) -> dict[str, Any]:
    attributes = record.attributes
    started_at, ended_at = read_times(record)
    call = json_object(attributes.get("hud.step.task_call"))
    return {
        "step_id": as_int(attributes.get("hud.step.id")),
        "source": as_text(attributes.get("hud.step.source")) or "system",
        "messages": tuple(json_list(attributes.get("hud.step.messages")) or ()),
        "task_call": None if call is None else fill(v06.TaskCall, call),
        "error": as_text(attributes.get("hud.step.error")),
        "started_at": started_at,
        "ended_at": ended_at,
        "extra": json_object(attributes.get("hud.step.extra")) or empty_mapping(),
    }


def _turn(record: SpanRecord) -> dict[str, Any]:
    attributes = record.attributes
    answer = parts.read_messages(attributes.get("gen_ai.output.messages"))
    texts = [t for m in answer for t in parts.list_part_texts(m, "text")]
    thoughts = [t for m in answer for t in parts.list_part_texts(m, "reasoning")]
    reasons = json_list(attributes.get("gen_ai.response.finish_reasons"))
    citations = json_list(attributes.get("hud.response.citations")) or []
    models = ("gen_ai.response.model", "gen_ai.request.model")
    return {
        "content": texts[0] if texts else None,
        "reasoning": thoughts[0] if thoughts else None,
        "tool_calls": tuple(map(_part_call, parts.find_parts(answer, "tool_call"))),
        "done": as_bool(attributes.get("hud.step.done")) or False,
        "finish_reason": as_text(reasons[0]) if reasons else None,
        "stop_reason": as_text(attributes.get("hud.step.stop_reason")),
        "refusal": as_text(attributes.get("hud.response.refusal")),
        "citations": tuple(fill(v06.Citation, item) for item in citations),
        "model": next(
            filter(None, (as_text(attributes.get(key)) for key in models)), None
        ),
        "usage": _usage(attributes),
    }


def _usage(attributes: Mapping[str, Any]) -> v06.Usage | None:
    usage = v06.Usage(
        prompt_tokens=as_int(attributes.get("gen_ai.usage.input_tokens")),
        completion_tokens=as_int(attributes.get("gen_ai.usage.output_tokens")),
        cached_tokens=as_int(attributes.get("gen_ai.usage.cache_read.input_tokens")),
        cost_usd=as_number(attributes.get("hud.usage.cost_usd")),
        llm_call_count=as_int(attributes.get("hud.usage.llm_call_count")),
    )
    return None if usage == v06.Usage() else usage


def _part_call(part: parts.Part) -> v06.MCPToolCall:
    return v06.MCPToolCall(
        name=as_text(part.get("name")) or "unknown",
        arguments=part.get("arguments"),
        id=as_text(part.get("id")),
        meta=part.get("_meta"),
        annotation=as_text(part.get("hud.tool.annotation")),
        provider_name=as_text(part.get("hud.tool.provider_name")),
        other=json_object(part.get("hud.other")) or empty_mapping(),
    )


def _call(record: SpanRecord) -> v06.MCPToolCall | None:
    attributes = record.attributes
    name = as_text(attributes.get("gen_ai.tool.name"))
    if name is None:
        return None
    return v06.MCPToolCall(
        name=name,
        arguments=from_json(attributes.get("gen_ai.tool.call.arguments")),
        id=as_text(attributes.get("gen_ai.tool.call.id")),
        meta=from_json(attributes.get("hud.tool.meta")),
        annotation=as_text(attributes.get("hud.tool.annotation")),
        provider_name=as_text(attributes.get("hud.tool.provider_name")),
        other=json_object(attributes.get("hud.tool.other")) or empty_mapping(),
    )


def _result(record: SpanRecord) -> v06.MCPToolResult | None:
    result = json_object(record.attributes.get("gen_ai.tool.call.result"))
    return None if result is None else v06.tool_result_of(result)
