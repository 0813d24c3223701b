"""A run of HUD 0.6 to spans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infinium_otel.models import parts
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, adopted, failure_in, restored
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import (
    PROVIDERS,
    SCOPE,
    evaluations,
    run_trace_id,
    subscores,
    timing,
)
from infinium_otel.models.hud.v06_step_spans import (
    chat,
    failure_of_step,
    skeleton,
    task,
    tool,
)
from infinium_otel.models.spans import (
    as_json,
    earliest_ns,
    json_object,
    settled,
    span_id_of,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

ASIDE = frozenset({"user", "system"})
"""Sources whose steps are no work: they stand as events on the run."""

ROBOTS = frozenset({"observation", "inference", "video_segment"})


def run_to_spans(
    run: v06.Run,
    *,
    start_ns: int = 0,
    agent_type: str | None = None,
    carrier_bytes: int = 0,
) -> list[SpanRecord]:
    """The spans of *run*: its root first, then its steps in order.

    Args:
        run: the trajectory with its grade.
        start_ns: where a run begins whose steps have no times.
        agent_type: HUD's word for the agent ("claude"); it tells the provider.
        carrier_bytes: a step whose JSON is no longer than this rides along whole, as
            `hud.payload`, and so keeps what no attribute can (`raw`, `sample`). A
            robot's step has nothing else and always does.
    """
    trace_id = run_trace_id(run.trace.trace_id, dump(run))
    writing = _Writing(trace_id, agent_type, carrier_bytes)
    times = (t for step in run.trace.steps for t in (step.started_at, step.ended_at))
    start_ns = earliest_ns(times, start_ns)
    root = writing.trace(run.trace, None, start_ns, "run")
    return [_graded(root, run), *adopted(writing.spans, root.span_id)]


def _graded(root: SpanRecord, run: v06.Run) -> SpanRecord:
    attributes = {
        **root.attributes,
        "hud.job_id": run.job_id,
        "hud.group_id": run.group_id,
    }
    grade = run.grade
    if grade is None:
        return settled(replace(root, attributes=attributes))
    attributes |= {
        "hud.trace.reward": grade.reward,
        "hud.trace.done": grade.done,
        "hud.grade": as_json(dump(grade)),
    }
    scored = evaluations(grade.reward, subscores(grade.raw), root.end_ns)
    events = (*root.events, *scored)
    return settled(replace(root, attributes=attributes, events=events))


class _Writing:
    """The spans of one run as they come about."""

    def __init__(self, trace_id: str, agent_type: str | None, carrier: int) -> None:
        self.trace_id = trace_id
        self.agent_type = agent_type
        self.provider = PROVIDERS.get(agent_type or "")
        self.carrier = carrier
        self.spans: list[SpanRecord] = []

    def trace(
        self, trace: v06.Trace, parent_id: str | None, start_ns: int, path: str
    ) -> SpanRecord:
        """The span of a trajectory; those of its steps are kept."""
        facts = json_object(trace.extra.get(FACTS)) or {}
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=span_id_of(self.trace_id, path),
            parent_id=parent_id,
            name="invoke_agent",
            start_ns=start_ns,
            end_ns=start_ns,
            attributes=self._trace_attributes(trace),
            scope_name=SCOPE,
        )
        draft, failure = restored(draft, {**facts, "start_ns": None, "end_ns": None})
        first = len(self.spans)
        events = self._steps(trace, draft.span_id, start_ns, path)
        draft = _spanning(draft, self.spans[first:], events)
        draft, _ = restored(draft, {k: facts.get(k) for k in ("start_ns", "end_ns")})
        return settled(draft, failure or _trace_failure(trace))

    def _trace_attributes(self, trace: v06.Trace) -> dict[str, Any]:
        return {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": self.provider,
            "hud.agent.type": self.agent_type,
            "hud.model": "0.6",
            "hud.task_run_id": trace.trace_id,
            "hud.trace.status": trace.status,
            "hud.trace.stop_reason": trace.stop_reason,
            "hud.trace.extra": as_json(dump(trace.extra)) if trace.extra else None,
            "gen_ai.input.messages": _prompt(trace),
            "gen_ai.output.messages": parts.final_messages(trace.content),
        }

    def _steps(
        self, trace: v06.Trace, root_id: str, start_ns: int, path: str
    ) -> list[SpanEvent]:
        events = []
        for order, step in enumerate(trace.steps):
            record = self._step(step, root_id, start_ns, f"{path}.{order}")
            start_ns = max(start_ns, record.end_ns)
            said = {**record.attributes, "hud.step.order": order}
            if step.source in ASIDE and FACTS not in step.extra:
                # An event has one time only.
                said["hud.step.times"] = as_json([step.started_at, step.ended_at])
                events.append(SpanEvent("hud.step", record.start_ns, said))
            else:
                self.spans.append(replace(record, attributes=said))
        return events

    def _step(
        self, step: v06.Step, root_id: str, earliest_ns: int, path: str
    ) -> SpanRecord:
        start_ns, end_ns, timed = timing(step.started_at, step.ended_at, earliest_ns)
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=span_id_of(self.trace_id, path),
            parent_id=root_id,
            name=f"step.{step.source}",
            start_ns=start_ns,
            end_ns=end_ns,
            attributes={**self._carried(step), **skeleton(step), **timed},
            scope_name=SCOPE,
        )
        draft, failure = restored(
            self._of_kind(draft, step, path), step.extra.get(FACTS)
        )
        return settled(draft, failure or failure_of_step(step))

    def _carried(self, step: v06.Step) -> dict[str, Any]:
        if not self.carrier and step.source not in ROBOTS:
            return {}
        whole = as_json(dump(step, nulls=False))
        fits = (
            step.source in ROBOTS
            or len(whole.encode(errors="surrogatepass")) <= self.carrier
        )
        return {"hud.payload": whole} if fits else {}

    def _of_kind(self, draft: SpanRecord, step: v06.Step, path: str) -> SpanRecord:
        if isinstance(step, v06.AgentStep):
            return chat(draft, step, self.provider)
        if isinstance(step, v06.ToolStep):
            return tool(draft, step)
        if isinstance(step, v06.SubagentStep):
            return self._subagent(draft, step, path)
        return task(draft, step.task_call) if step.task_call else draft

    def _subagent(
        self, draft: SpanRecord, step: v06.SubagentStep, path: str
    ) -> SpanRecord:
        """The nested run's span and the step's are one."""
        draft, _ = restored(draft, step.extra.get(FACTS))
        root = self.trace(step.subagent, draft.parent_id, draft.start_ns, f"{path}.sub")
        for order, record in enumerate(self.spans):
            if record.parent_id == root.span_id:
                self.spans[order] = replace(record, parent_id=draft.span_id)
        given = "hud.step.times" not in draft.attributes
        return replace(
            draft,
            name=root.name,
            end_ns=draft.end_ns if given else max(draft.end_ns, root.end_ns),
            attributes={**root.attributes, **draft.attributes},
            events=root.events,
            status=root.status,
            status_message=root.status_message,
        )


def _prompt(trace: v06.Trace) -> str | None:
    """What the user's steps before the first turn say."""
    said = []
    for step in trace.steps:
        if step.source not in ASIDE:
            break
        said += (
            [_prompt_part(item) for item in step.messages]
            if step.source == "user"
            else []
        )
    told = [part for part in said if part]
    return as_json([parts.message("user", told)]) if told else None


def _prompt_part(item: Any) -> parts.Part | None:
    content = item.get("content") if isinstance(item, dict) else None
    text = content.get("text") if isinstance(content, dict) else None
    return parts.text_part(text) if isinstance(text, str) else None


def _spanning(
    draft: SpanRecord, spans: list[SpanRecord], events: list[SpanEvent]
) -> SpanRecord:
    """*draft* from the first thing in it to the last."""
    starts = [record.start_ns for record in spans] + [e.time_ns for e in events]
    ends = [record.end_ns for record in spans] + [e.time_ns for e in events]
    return replace(
        draft,
        start_ns=min(starts, default=draft.start_ns),
        end_ns=max(ends, default=draft.end_ns),
        events=tuple(events),
    )


def _trace_failure(trace: v06.Trace) -> Failure | None:
    """A run fails by its status; what a tool answered is data."""
    told = failure_in((json_object(trace.extra.get(FACTS)) or {}).get("failure"))
    if told or trace.status != "error":
        return told
    errors = [step.error for step in trace.steps if step.error]
    return Failure("error", errors[-1] if errors else "")
