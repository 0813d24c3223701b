"""Any spans to runs of HUD 0.6."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.documents import fill, nothing
from infinium_otel.models.facts import FACTS, facts_of
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import reward_of, times_of
from infinium_otel.models.hud.own_spans import gathered
from infinium_otel.models.hud.v06_told import told_skeleton, told_step
from infinium_otel.models.runs import DEEPEST, output_text, prompt_text, runs_of
from infinium_otel.models.spans import (
    flag,
    from_json,
    json_list,
    json_object,
    number,
    text,
    to_iso,
    uuid_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.records import LogEvent, SpanEvent, SpanRecord

ORDER = "hud.step.order"


def runs_from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[v06.Run]:
    """One graded run for each agent run in *records*."""
    return [_graded(run) for run in runs_of(gathered(records), ORDER)]


def _graded(run: Run) -> v06.Run:
    attributes = run.root.record.attributes
    return v06.Run(
        trace=_trace(run, run.root, 0),
        grade=_grade(run.root.record),
        job_id=text(attributes.get("hud.job_id")),
        group_id=text(attributes.get("hud.group_id")),
    )


def _grade(record: SpanRecord) -> v06.Grade | None:
    told = json_object(record.attributes.get("hud.grade"))
    if told is not None:
        return fill(v06.Grade, told)
    reward = reward_of(record)
    return None if reward is None else v06.Grade(reward=reward)


def _trace(run: Run, root: Told, depth: int) -> v06.Trace:
    """The trajectory below *root*."""
    attributes = root.record.attributes
    if "hud.model" in attributes:
        return v06.Trace(
            steps=_steps(run, root, depth),
            status=text(attributes.get("hud.trace.status")),
            stop_reason=text(attributes.get("hud.trace.stop_reason")),
            content=parts.final_text(attributes.get("gen_ai.output.messages")),
            extra=json_object(attributes.get("hud.trace.extra")) or nothing(),
            trace_id=text(attributes.get("hud.task_run_id")),
        )
    return _told_trace(run, root, depth)


def _told_trace(run: Run, root: Told, depth: int) -> v06.Trace:
    """The trajectory of a run that another instrumentation told."""
    steps = _steps(run, root, depth)
    answers = [step for step in steps if isinstance(step, v06.AgentStep)]
    content = output_text(root) or next(
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
        extra=nothing() if own else {FACTS: facts_of(root)},
        trace_id=text(root.record.attributes.get("hud.task_run_id"))
        or uuid_of(root.record.trace_id),
    )


def _prompt(root: Told, run: Run) -> list[v06.Step]:
    calls = [step for step in run.steps if step.kind == "llm"]
    asked = next(filter(None, map(prompt_text, [root, *calls[:1]])), None)
    if asked is None:
        return []
    message = {"role": "user", "content": {"type": "text", "text": asked}}
    at = to_iso(root.record.start_ns)
    return [v06.Step(source="user", messages=(message,), started_at=at, ended_at=at)]


def _steps(run: Run, root: Told, depth: int) -> tuple[v06.Step, ...]:
    records = [_as_span(root.record, event) for event in root.record.events]
    aside = [(record, _own_step(record)) for record in records if record is not None]
    members = run.members(root, depth)
    done = [(told.record, _step(run, told, depth)) for told in members]
    found = sorted([*aside, *done], key=lambda entry: _order(entry[0]))
    return tuple(step for _, step in found)


def _order(record: SpanRecord) -> tuple[int, int]:
    order = whole(record.attributes.get(ORDER))
    return -1 if order is None else order, record.start_ns


def _as_span(root: SpanRecord, event: SpanEvent) -> SpanRecord | None:
    """A step that stands as an event on its run; None for any other event."""
    if event.name != "hud.step":
        return None
    at = event.time_ns
    return replace(root, attributes=event.attributes, start_ns=at, end_ns=at, events=())


def _step(run: Run, told: Told, depth: int) -> v06.Step:
    attributes = told.record.attributes
    if depth < DEEPEST and _is_subagent(told):
        return _subagent(run, told, depth + 1)
    if "hud.step.source" in attributes:
        return _own_step(told.record)
    return _carried(told.record) or told_step(told)


def _is_subagent(told: Told) -> bool:
    source = told.record.attributes.get("hud.step.source")
    return told.kind == "agent" or source == "subagent"


def _subagent(run: Run, told: Told, depth: int) -> v06.SubagentStep:
    own = "hud.step.source" in told.record.attributes
    trace = _trace(run, told, depth)
    given = _skeleton(told.record) if own else told_skeleton(told)
    nested = trace if own else replace(trace, extra=nothing())
    return v06.SubagentStep(**{**given, "source": "subagent"}, subagent=nested)


def _carried(record: SpanRecord) -> v06.Step | None:
    """The step that HUD's own span, or a carrier, holds whole."""
    payload = json_object(record.attributes.get("hud.payload"))
    try:
        return None if payload is None else v06.step_of(payload)
    except InfiniumError:
        return None


def _own_step(record: SpanRecord) -> v06.Step:
    """A step as `v06_to_spans` wrote it."""
    given = _skeleton(record)
    carried = _carried(record)
    if given["source"] == "agent":
        kept = carried if isinstance(carried, v06.AgentStep) else v06.AgentStep()
        return v06.AgentStep(**given, **_turn(record), raw=kept.raw, sample=kept.sample)
    if given["source"] == "tool":
        return v06.ToolStep(**given, call=_call(record), result=_result(record))
    return carried if carried is not None else v06.Step(**given)


def _skeleton(record: SpanRecord) -> dict[str, Any]:
    said = record.attributes
    started_at, ended_at = times_of(record)
    call = json_object(said.get("hud.step.task_call"))
    return {
        "step_id": whole(said.get("hud.step.id")),
        "source": text(said.get("hud.step.source")) or "system",
        "messages": tuple(json_list(said.get("hud.step.messages")) or ()),
        "task_call": None if call is None else fill(v06.TaskCall, call),
        "error": text(said.get("hud.step.error")),
        "started_at": started_at,
        "ended_at": ended_at,
        "extra": json_object(said.get("hud.step.extra")) or nothing(),
    }


def _turn(record: SpanRecord) -> dict[str, Any]:
    said = record.attributes
    answer = parts.read_messages(said.get("gen_ai.output.messages"))
    texts = [t for m in answer for t in parts.part_texts(m, "text")]
    thoughts = [t for m in answer for t in parts.part_texts(m, "reasoning")]
    reasons = json_list(said.get("gen_ai.response.finish_reasons"))
    citations = json_list(said.get("hud.response.citations")) or []
    models = ("gen_ai.response.model", "gen_ai.request.model")
    return {
        "content": texts[0] if texts else None,
        "reasoning": thoughts[0] if thoughts else None,
        "tool_calls": tuple(map(_part_call, parts.parts_of(answer, "tool_call"))),
        "done": flag(said.get("hud.step.done")) or False,
        "finish_reason": text(reasons[0]) if reasons else None,
        "stop_reason": text(said.get("hud.step.stop_reason")),
        "refusal": text(said.get("hud.response.refusal")),
        "citations": tuple(fill(v06.Citation, item) for item in citations),
        "model": next(filter(None, (text(said.get(key)) for key in models)), None),
        "usage": _usage(said),
    }


def _usage(said: Mapping[str, Any]) -> v06.Usage | None:
    usage = v06.Usage(
        prompt_tokens=whole(said.get("gen_ai.usage.input_tokens")),
        completion_tokens=whole(said.get("gen_ai.usage.output_tokens")),
        cached_tokens=whole(said.get("gen_ai.usage.cache_read.input_tokens")),
        cost_usd=number(said.get("hud.usage.cost_usd")),
        llm_call_count=whole(said.get("hud.usage.llm_call_count")),
    )
    return None if usage == v06.Usage() else usage


def _part_call(part: parts.Part) -> v06.MCPToolCall:
    return v06.MCPToolCall(
        name=text(part.get("name")) or "unknown",
        arguments=part.get("arguments"),
        id=text(part.get("id")),
        meta=part.get("_meta"),
        annotation=text(part.get("hud.tool.annotation")),
        provider_name=text(part.get("hud.tool.provider_name")),
        other=json_object(part.get("hud.other")) or nothing(),
    )


def _call(record: SpanRecord) -> v06.MCPToolCall | None:
    said = record.attributes
    name = text(said.get("gen_ai.tool.name"))
    if name is None:
        return None
    return v06.MCPToolCall(
        name=name,
        arguments=from_json(said.get("gen_ai.tool.call.arguments")),
        id=text(said.get("gen_ai.tool.call.id")),
        meta=from_json(said.get("hud.tool.meta")),
        annotation=text(said.get("hud.tool.annotation")),
        provider_name=text(said.get("hud.tool.provider_name")),
        other=json_object(said.get("hud.tool.other")) or nothing(),
    )


def _result(record: SpanRecord) -> v06.MCPToolResult | None:
    told = json_object(record.attributes.get("gen_ai.tool.call.result"))
    return None if told is None else v06.tool_result_of(told)
