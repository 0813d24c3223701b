"""Letta's steps to spans, in the trace that each step's `trace_id` names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.facts import (
    attach_orphans,
    get_facts,
    promote_root,
    restore_other_spans,
    restore_span,
)
from infinium_otel.models.letta.attributes import (
    EMBEDDING,
    LOG,
    NAMESPACE,
    SCOPE,
    get_trace_key,
)
from infinium_otel.models.letta.layout import Layout, lay_out, list_times
from infinium_otel.models.letta.messages import find_tool_runs, to_input, to_output
from infinium_otel.models.letta.span_attributes import (
    StepRecords,
    feedback_events,
    log_attributes,
    step_span_attributes,
    to_attribute,
    to_step_failure,
    to_tool_attributes,
    to_tool_failure,
)
from infinium_otel.models.spans import as_text, finalize, make_span_id, to_trace_id
from infinium_otel.records import Failure, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.types import Message, ProviderTrace, Step, StepLog


def to_spans(
    log: StepLog,
    *,
    start_ns: int = 0,
    grouped: bool = False,
    parent_id: str | None = None,
) -> list[SpanRecord]:
    """The spans of *log*, trace by trace.

    Args:
        log: a run, or the steps of several.
        start_ns: start of steps whose times are unknown, ns since the epoch.
        grouped: put each step's spans under an `agent_step` span, as the server does,
            so that Letta's own viewer finds them.
        parent_id: the parent span in the steps' trace; None makes a root.
    """
    groups = _group_by_step(log)
    by_trace: dict[str, list[StepRecords]] = {}
    lone = as_text(log.otel.get("trace_id")) or _fallback_trace_key(log)
    for records in groups:
        key = to_trace_id(get_trace_key(records.step) or lone, NAMESPACE)
        by_trace.setdefault(key, []).append(records)
    found: list[SpanRecord] = []
    unplaced: StepLog | None = _without_steps(log, groups)
    for trace_id, group in (by_trace or {to_trace_id(lone, NAMESPACE): []}).items():
        writing = _SpanWriter(trace_id, log.otel, grouped=grouped, parent_id=parent_id)
        found += writing.run(group, unplaced, start_ns)
        unplaced = None
    return found


def _fallback_trace_key(log: StepLog) -> str:
    """The id that determines the trace of a run whose steps name none."""
    held = (log.steps, log.messages, log.metrics, log.provider_traces)
    ids = [str(each.id) for records in held for each in records]
    return ids[0] if ids else "empty"


def _group_by_step(log: StepLog) -> list[StepRecords]:
    metrics = {each.id: each for each in log.metrics}
    messages: dict[str | None, list[Message]] = {}
    for message in log.messages:
        messages.setdefault(message.step_id, []).append(message)
    traces: dict[str | None, list[ProviderTrace]] = {}
    for trace in log.provider_traces:
        traces.setdefault(trace.step_id, []).append(trace)
    return [
        StepRecords(
            index,
            step,
            metrics.get(step.id),
            tuple(messages.get(step.id, ())),
            tuple(traces.get(step.id, ())),
        )
        for index, step in enumerate(log.steps)
    ]


def _without_steps(log: StepLog, groups: Sequence[StepRecords]) -> StepLog:
    """The records of *log* that belong to no step."""
    ids = {records.step.id for records in groups}
    return replace(
        log,
        steps=(),
        metrics=tuple(m for m in log.metrics if m.id not in ids),
        messages=tuple(m for m in log.messages if m.step_id not in ids),
        provider_traces=tuple(t for t in log.provider_traces if t.step_id not in ids),
    )


class _SpanWriter:
    """Builds the spans of one trace."""

    def __init__(
        self, trace_id: str, otel: Any, *, grouped: bool, parent_id: str | None
    ) -> None:
        self.trace_id = trace_id
        self.facts = otel if otel.get("trace_id") == trace_id else {}
        self.grouped = grouped
        self.parent_id = parent_id
        self.spans: list[SpanRecord] = []

    def run(
        self, groups: list[StepRecords], unplaced: StepLog | None, start_ns: int
    ) -> list[SpanRecord]:
        """The run's root, then its spans step by step."""
        times = [t for a in groups for t in list_times(a.metrics, a.all_messages)]
        start_ns = min(times, default=start_ns)
        root = self._root(groups, unplaced, start_ns)
        top = self.parent_id or root.span_id
        cursor = start_ns
        for records in groups:
            layout = lay_out(records.metrics, records.all_messages, cursor)
            self._add_step(records, layout, top)
            cursor = max(cursor, layout.end_ns)
        if unplaced:
            layout = lay_out(None, unplaced.messages, cursor)
            self._add_tools(find_tool_runs(unplaced.messages), layout, top)
        self.spans += restore_other_spans(self.facts, self.trace_id, top, SCOPE)
        if self.parent_id is not None:
            return attach_orphans(self.spans, self.parent_id)
        if self.facts.get("rootless") and (
            found := promote_root(self.spans, self.facts.get("root"))
        ):
            return found
        return [
            self._finish_root(root, groups),
            *attach_orphans(self.spans, root.span_id),
        ]

    def _span(self, facts: Any, **fields: Any) -> tuple[SpanRecord, Failure | None]:
        draft = SpanRecord(trace_id=self.trace_id, scope_name=SCOPE, **fields)
        return restore_span(draft, facts)

    def _root(
        self, groups: list[StepRecords], unplaced: StepLog | None, start_ns: int
    ) -> SpanRecord:
        steps = [records.step for records in groups]
        messages = [m for records in groups for m in records.all_messages]
        agent_id = _common_value(step.agent_id for step in steps)
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": agent_id,
            "letta.run.id": _common_value(step.run_id for step in steps),
            "infinium.general.tags": _tags(steps),
            "gen_ai.conversation.id": _common_value(
                m.conversation_id for m in messages
            ),
            "gen_ai.input.messages": to_attribute(to_input(messages)),
            "gen_ai.output.messages": to_attribute(to_output(messages)[-1:]),
        }
        if unplaced:
            attributes |= {
                LOG + key: item for key, item in log_attributes(unplaced).items()
            }
        draft, _ = self._span(
            {**get_facts(self.facts, "root"), "start_ns": None, "end_ns": None},
            span_id=make_span_id(self.trace_id, "run"),
            parent_id=None,
            name=f"invoke_agent {agent_id}" if agent_id else "invoke_agent",
            start_ns=start_ns,
            end_ns=start_ns,
            attributes=attributes,
        )
        return draft

    def _finish_root(self, root: SpanRecord, groups: list[StepRecords]) -> SpanRecord:
        """*root* with its final times; it fails as its last step did."""
        if self.spans:
            root = replace(
                root,
                start_ns=min(span.start_ns for span in self.spans),
                end_ns=max(span.end_ns for span in self.spans),
            )
        root_facts = get_facts(self.facts, "root")
        root, failure = restore_span(
            root,
            {key: root_facts.get(key) for key in ("start_ns", "end_ns", "failure")},
        )
        last = groups[-1].step if groups else None
        if failure is None and not root_facts and last and last.status == "failed":
            failure = to_step_failure(last)
        return finalize(root, failure)

    def _add_step(self, records: StepRecords, layout: Layout, top: str) -> None:
        step = records.step
        above = self._add_group(step, layout, top) if self.grouped else top
        operation = "embeddings" if EMBEDDING in step.tags else "chat"
        draft, failure = self._span(
            get_facts(self.facts, "steps", step.id),
            span_id=make_span_id(self.trace_id, "step", step.id),
            parent_id=above,
            name=f"{operation} {step.model}" if step.model else operation,
            kind="client",
            start_ns=layout.call_start_ns,
            end_ns=layout.call_end_ns,
            attributes=step_span_attributes(records, layout),
        )
        draft = replace(draft, status="ok" if step.status == "success" else "unset")
        if step.status == "failed":
            failure = failure or to_step_failure(step)
        elif step.status == "cancelled":
            cancelled = failure.type if failure else "cancelled"
            draft = replace(
                draft, attributes={**draft.attributes, "error.type": cancelled}
            )
            failure = None
        draft = finalize(draft, failure)
        self.spans.append(
            replace(draft, events=(*draft.events, *feedback_events(step, draft)))
        )
        self._add_tools(find_tool_runs(records.all_messages), layout, above)

    def _add_group(self, step: Step, layout: Layout, top: str) -> str:
        span_id = make_span_id(self.trace_id, "agent_step", step.id)
        attributes = {"step_id": step.id, "gen_ai.agent.id": step.agent_id}
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=span_id,
            parent_id=top,
            name="agent_step",
            start_ns=layout.start_ns,
            end_ns=layout.end_ns,
            attributes=attributes,
            scope_name=SCOPE,
        )
        self.spans.append(finalize(draft))
        return span_id

    def _add_tools(self, runs: list[ToolRun], layout: Layout, above: str) -> None:
        for run, (start_ns, end_ns) in zip(runs, layout.tools, strict=True):
            draft, failure = self._span(
                get_facts(self.facts, "tools", run.key),
                span_id=make_span_id(self.trace_id, "tool", run.key),
                parent_id=above,
                name=f"execute_tool {run.name}",
                start_ns=start_ns,
                end_ns=end_ns,
                attributes=to_tool_attributes(run),
            )
            if run.failed:
                failure = failure or to_tool_failure(run)
            self.spans.append(finalize(draft, failure))


def _tags(steps: list[Step]) -> list[str] | None:
    """The tags and feedback of the run's steps, for Infinium, without duplicates."""
    tags = [tag for step in steps for tag in step.tags if tag != EMBEDDING]
    tags += [f"feedback:{step.feedback}" for step in steps if step.feedback]
    return list(dict.fromkeys(tags)) or None


def _common_value(values: Iterable[str | None]) -> str | None:
    """The value that all have in common; None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
