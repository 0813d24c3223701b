"""Letta's steps to spans, in the trace each step names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.facts import adopted, facts_at, led, other_spans, restored
from infinium_otel.models.letta.attributes import (
    EMBEDDING,
    LOG,
    NAMESPACE,
    SCOPE,
    run_trace_key,
)
from infinium_otel.models.letta.drafts import (
    Account,
    failure_of_step,
    failure_of_tool,
    feedback_events,
    listed,
    log_attributes,
    step_span,
    tool_attributes,
)
from infinium_otel.models.letta.messages import input_of, output_of, tool_runs
from infinium_otel.models.letta.timing import Laid, lay, told_times
from infinium_otel.models.spans import settled, span_id_of, text, trace_id_of
from infinium_otel.records import Failure, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.types import Message, ProviderTrace, Step, StepLog


def log_to_spans(
    log: StepLog,
    *,
    start_ns: int = 0,
    grouped: bool = False,
    parent_id: str | None = None,
) -> list[SpanRecord]:
    """The spans of *log*, trace by trace.

    Args:
        log: a run, or the steps of several.
        start_ns: where steps begin whose times are not known, ns since the epoch.
        grouped: put each step's spans under an `agent_step` span, as the server does,
            so that Letta's own viewer finds them.
        parent_id: the span of the steps' trace they hang under; a root is made where
            it is None.
    """
    accounts = _accounts(log)
    by_trace: dict[str, list[Account]] = {}
    lone = text(log.otel.get("trace_id")) or _lone_key(log)
    for account in accounts:
        key = trace_id_of(run_trace_key(account.step) or lone, NAMESPACE)
        by_trace.setdefault(key, []).append(account)
    found: list[SpanRecord] = []
    unplaced: StepLog | None = _unplaced(log, accounts)
    for trace_id, group in (by_trace or {trace_id_of(lone, NAMESPACE): []}).items():
        writing = _Writing(trace_id, log.otel, grouped=grouped, parent_id=parent_id)
        found += writing.run(group, unplaced, start_ns)
        unplaced = None
    return found


def _lone_key(log: StepLog) -> str:
    """What names the trace of a run whose steps name none."""
    held = (log.steps, log.messages, log.metrics, log.provider_traces)
    ids = [str(each.id) for records in held for each in records]
    return ids[0] if ids else "empty"


def _accounts(log: StepLog) -> list[Account]:
    metrics = {each.id: each for each in log.metrics}
    messages: dict[str | None, list[Message]] = {}
    for message in log.messages:
        messages.setdefault(message.step_id, []).append(message)
    traces: dict[str | None, list[ProviderTrace]] = {}
    for trace in log.provider_traces:
        traces.setdefault(trace.step_id, []).append(trace)
    return [
        Account(
            index,
            step,
            metrics.get(step.id),
            tuple(messages.get(step.id, ())),
            tuple(traces.get(step.id, ())),
        )
        for index, step in enumerate(log.steps)
    ]


def _unplaced(log: StepLog, accounts: Sequence[Account]) -> StepLog:
    """What belongs to no step of *log*."""
    ids = {account.step.id for account in accounts}
    return replace(
        log,
        steps=(),
        metrics=tuple(m for m in log.metrics if m.id not in ids),
        messages=tuple(m for m in log.messages if m.step_id not in ids),
        provider_traces=tuple(t for t in log.provider_traces if t.step_id not in ids),
    )


class _Writing:
    """The spans of one trace as they come about."""

    def __init__(
        self, trace_id: str, otel: Any, *, grouped: bool, parent_id: str | None
    ) -> None:
        self.trace_id = trace_id
        self.facts = otel if otel.get("trace_id") == trace_id else {}
        self.grouped = grouped
        self.parent_id = parent_id
        self.spans: list[SpanRecord] = []

    def run(
        self, accounts: list[Account], unplaced: StepLog | None, start_ns: int
    ) -> list[SpanRecord]:
        """The run's root, then its spans step by step."""
        told = [t for a in accounts for t in told_times(a.metrics, a.all_messages)]
        start_ns = min(told, default=start_ns)
        root = self._root(accounts, unplaced, start_ns)
        top = self.parent_id or root.span_id
        cursor = start_ns
        for account in accounts:
            laid = lay(account.metrics, account.all_messages, cursor)
            self._step(account, laid, top)
            cursor = max(cursor, laid.end_ns)
        if unplaced:
            laid = lay(None, unplaced.messages, cursor)
            self._tools(tool_runs(unplaced.messages), laid, top)
        self.spans += other_spans(self.facts, self.trace_id, top, SCOPE)
        if self.parent_id is not None:
            return adopted(self.spans, self.parent_id)
        if self.facts.get("rootless") and (
            found := led(self.spans, self.facts.get("root"))
        ):
            return found
        return [self._ended(root, accounts), *adopted(self.spans, root.span_id)]

    def _span(self, facts: Any, **fields: Any) -> tuple[SpanRecord, Failure | None]:
        draft = SpanRecord(trace_id=self.trace_id, scope_name=SCOPE, **fields)
        return restored(draft, facts)

    def _root(
        self, accounts: list[Account], unplaced: StepLog | None, start_ns: int
    ) -> SpanRecord:
        steps = [account.step for account in accounts]
        messages = [m for account in accounts for m in account.all_messages]
        agent_id = _shared(step.agent_id for step in steps)
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": agent_id,
            "letta.run.id": _shared(step.run_id for step in steps),
            "infinium.general.tags": _tags(steps),
            "gen_ai.conversation.id": _shared(m.conversation_id for m in messages),
            "gen_ai.input.messages": listed(input_of(messages)),
            "gen_ai.output.messages": listed(output_of(messages)[-1:]),
        }
        if unplaced:
            attributes |= {
                LOG + key: item for key, item in log_attributes(unplaced).items()
            }
        draft, _ = self._span(
            {**facts_at(self.facts, "root"), "start_ns": None, "end_ns": None},
            span_id=span_id_of(self.trace_id, "run"),
            parent_id=None,
            name=f"invoke_agent {agent_id}" if agent_id else "invoke_agent",
            start_ns=start_ns,
            end_ns=start_ns,
            attributes=attributes,
        )
        return draft

    def _ended(self, root: SpanRecord, accounts: list[Account]) -> SpanRecord:
        """*root* around its spans, failed as its last step did."""
        if self.spans:
            root = replace(
                root,
                start_ns=min(span.start_ns for span in self.spans),
                end_ns=max(span.end_ns for span in self.spans),
            )
        told = facts_at(self.facts, "root")
        root, failure = restored(
            root, {key: told.get(key) for key in ("start_ns", "end_ns", "failure")}
        )
        last = accounts[-1].step if accounts else None
        if failure is None and not told and last and last.status == "failed":
            failure = failure_of_step(last)
        return settled(root, failure)

    def _step(self, account: Account, laid: Laid, top: str) -> None:
        step = account.step
        above = self._group(step, laid, top) if self.grouped else top
        operation = "embeddings" if EMBEDDING in step.tags else "chat"
        draft, failure = self._span(
            facts_at(self.facts, "steps", step.id),
            span_id=span_id_of(self.trace_id, "step", step.id),
            parent_id=above,
            name=f"{operation} {step.model}" if step.model else operation,
            kind="client",
            start_ns=laid.call_start_ns,
            end_ns=laid.call_end_ns,
            attributes=step_span(account, laid),
        )
        draft = replace(draft, status="ok" if step.status == "success" else "unset")
        if step.status == "failed":
            failure = failure or failure_of_step(step)
        elif step.status == "cancelled":
            cancelled = failure.type if failure else "cancelled"
            draft = replace(
                draft, attributes={**draft.attributes, "error.type": cancelled}
            )
            failure = None
        draft = settled(draft, failure)
        self.spans.append(
            replace(draft, events=(*draft.events, *feedback_events(step, draft)))
        )
        self._tools(tool_runs(account.all_messages), laid, above)

    def _group(self, step: Step, laid: Laid, top: str) -> str:
        span_id = span_id_of(self.trace_id, "agent_step", step.id)
        attributes = {"step_id": step.id, "gen_ai.agent.id": step.agent_id}
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=span_id,
            parent_id=top,
            name="agent_step",
            start_ns=laid.start_ns,
            end_ns=laid.end_ns,
            attributes=attributes,
            scope_name=SCOPE,
        )
        self.spans.append(settled(draft))
        return span_id

    def _tools(self, runs: list[ToolRun], laid: Laid, above: str) -> None:
        for run, (start_ns, end_ns) in zip(runs, laid.tools, strict=True):
            draft, failure = self._span(
                facts_at(self.facts, "tools", run.key),
                span_id=span_id_of(self.trace_id, "tool", run.key),
                parent_id=above,
                name=f"execute_tool {run.name}",
                start_ns=start_ns,
                end_ns=end_ns,
                attributes=tool_attributes(run),
            )
            if run.failed:
                failure = failure or failure_of_tool(run)
            self.spans.append(settled(draft, failure))


def _tags(steps: list[Step]) -> list[str] | None:
    """What people said of the run's steps, for Infinium; each once."""
    told = [tag for step in steps for tag in step.tags if tag != EMBEDDING]
    told += [f"feedback:{step.feedback}" for step in steps if step.feedback]
    return list(dict.fromkeys(told)) or None


def _shared(values: Iterable[str | None]) -> str | None:
    """The value they all have; None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
