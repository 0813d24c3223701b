"""An activity thread to spans."""

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
from infinium_otel.models.field_attributes import write_fields
from infinium_otel.models.spans import (
    as_text,
    drop_nulls,
    finalize,
    find_earliest_ns,
    make_span_id,
    to_ns,
    to_trace_id,
)
from infinium_otel.models.xpander.attributes import (
    FAILED,
    NAMESPACE,
    SCOPE,
    THREAD,
    TIME_SOURCE,
    make_run_name,
    task_attributes,
    to_messages,
)
from infinium_otel.models.xpander.threads.entries import (
    entry_attributes,
    get_kind,
    make_span_name,
    to_tool_failure,
)
from infinium_otel.models.xpander.threads.types import (
    AgentActivityThreadMessage,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.models.xpander.tasks import Task, User
    from infinium_otel.models.xpander.threads.types import AgentActivityThread, Entry


def to_spans(  # noqa: PLR0913 - choices of the caller, each by its name
    thread: AgentActivityThread,
    *,
    start_ns: int = 0,
    customer: bool = False,
    children: Iterable[AgentActivityThread] = (),
    trace_id: str | None = None,
    parent_id: str | None = None,
) -> list[SpanRecord]:
    """The spans of a thread, its root first.

    Args:
        start_ns: start of the run if the thread has no times, ns since the epoch.
        customer: write the user's name and email as `infinium.customer.*`.
        children: threads of called agents; each goes below the entry that called it.
        trace_id: 32 hex digits; None derives it from the task's or the thread's id.
        parent_id: the parent span; None makes a root.
    """
    if trace_id is None:
        run_id = thread.task.id if thread.task else thread.id
        own_id = as_text(thread.otel.get("trace_id"))
        trace_id = own_id or to_trace_id(run_id, NAMESPACE)
    return _SpanWriter(thread, trace_id, parent_id).write(
        start_ns, list(children), customer=customer
    )


class _SpanWriter:
    """Builds the spans of one thread."""

    def __init__(
        self, thread: AgentActivityThread, trace_id: str, parent_id: str | None
    ) -> None:
        self.thread = thread
        self.trace_id = trace_id
        self.parent_id = parent_id
        same = thread.otel.get("trace_id") == trace_id
        self.facts: dict[str, Any] = dict(thread.otel) if same else {}
        self.events: list[SpanEvent] = []
        self.spans: list[SpanRecord] = []
        self.triggers: list[tuple[str, str]] = []

    def write(
        self, start_ns: int, children: list[AgentActivityThread], *, customer: bool
    ) -> list[SpanRecord]:
        """The root, then the entries in order, then the spans of called agents."""
        run_start_ns = _find_start_ns(self.thread, start_ns)
        root = self._root(run_start_ns, customer=customer)
        cursor = run_start_ns
        for index, entry in enumerate(self.thread.messages):
            time_ns = to_ns(entry.created_at)
            cursor = cursor if time_ns is None else time_ns
            self._add_entry(index, entry, cursor, root.span_id)
        self.spans += restore_other_spans(
            self.facts, self.trace_id, root.span_id, SCOPE
        )
        for child in children:
            self.spans += self._child_spans(child, cursor, root.span_id)
        ended = self._finish_root(root)
        if self.facts.get("rootless"):
            alone = promote_root(self.spans, self.facts.get("root"))
            if alone:
                return [_add_run_facts(span, ended) for span in alone]
        return [ended, *attach_orphans(self.spans, root.span_id)]

    def _span(self, facts: Any, **fields: Any) -> tuple[SpanRecord, Failure | None]:
        draft = SpanRecord(trace_id=self.trace_id, scope_name=SCOPE, **fields)
        return restore_span(draft, facts)

    def _root(self, run_start_ns: int, *, customer: bool) -> SpanRecord:
        thread, task = self.thread, self.thread.task
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": _conversation(thread),
            "gen_ai.input.messages": to_messages("user", _texts(thread, "user")),
            "gen_ai.output.messages": to_messages("assistant", _answers(thread)),
            **(task_attributes(task) if task else {}),
            **write_fields(thread, THREAD, skip={"messages", "task", "otel"}),
            **(_customer(thread.user) if customer else {}),
        }
        facts = {**get_facts(self.facts, "root"), "start_ns": None, "end_ns": None}
        draft, _ = self._span(
            facts,
            span_id=make_span_id(self.trace_id, "task", thread.id),
            parent_id=None,
            name=make_run_name(task),
            start_ns=run_start_ns,
            end_ns=run_start_ns,
            attributes=attributes,
        )
        return replace(draft, parent_id=self.parent_id or draft.parent_id)

    def _finish_root(self, root: SpanRecord) -> SpanRecord:
        """*root* with its end time, events and status."""
        task = self.thread.task
        finished = to_ns(task.finished_at) if task else None
        latest = [root.start_ns, *(e.time_ns for e in self.events)]
        latest += [span.end_ns for span in self.spans]
        root_facts = get_facts(self.facts, "root")
        root = replace(
            root,
            end_ns=max(latest) if finished is None else finished,
            events=(*root.events, *self.events),
            status="ok" if task and task.status == "completed" else "unset",
        )
        root, failure = restore_span(
            root,
            {key: root_facts.get(key) for key in ("start_ns", "end_ns", "failure")},
        )
        return finalize(root, failure or _task_failure(task))

    def _add_entry(self, index: int, entry: Entry, at_ns: int, root_id: str) -> None:
        attributes = entry_attributes(entry, index)
        if not get_kind(entry).is_span:
            self.events.append(SpanEvent(make_span_name(entry), at_ns, attributes))
            return
        draft, failure = self._span(
            get_facts(self.facts, "entries", str(index)),
            span_id=make_span_id(self.trace_id, "entry", self.thread.id, index),
            parent_id=root_id,
            name=make_span_name(entry),
            start_ns=at_ns,
            end_ns=at_ns,
            attributes={**attributes, TIME_SOURCE: "entry"},
        )
        if isinstance(entry, AgentActivityThreadToolCall):
            failure = (
                (failure or to_tool_failure(entry.result)) if entry.is_error else None
            )
        if isinstance(entry, AgentActivityThreadSubAgentTrigger):
            self.triggers.append((entry.agent_id, draft.span_id))
            named = {"gen_ai.agent.name": entry.agent_id, **draft.attributes}
            draft = replace(draft, attributes=named)
        self.spans.append(finalize(draft, failure))

    def _child_spans(
        self, child: AgentActivityThread, start_ns: int, root_id: str
    ) -> list[SpanRecord]:
        """A called agent's spans below the first entry that called this agent."""
        agent_id = child.task.agent_id if child.task else None
        for trigger in self.triggers:
            if trigger[0] == agent_id:
                self.triggers.remove(trigger)
                root_id = trigger[1]
                break
        return to_spans(
            child, start_ns=start_ns, trace_id=self.trace_id, parent_id=root_id
        )


def _add_run_facts(span: SpanRecord, root: SpanRecord) -> SpanRecord:
    """Add the run's attributes and events to a span that is its own run's root."""
    if span.parent_id is not None:
        return span
    attributes = {k: v for k, v in root.attributes.items() if k.startswith("xpander.")}
    events = [event for event in root.events if event.name.startswith("xpander.")]
    return replace(
        span,
        attributes={**span.attributes, **attributes},
        events=(*span.events, *events),
    )


def _conversation(thread: AgentActivityThread) -> str:
    task = thread.task
    return (task.conversation_id or task.id) if task else thread.id


def _find_start_ns(thread: AgentActivityThread, start_ns: int) -> int:
    task = thread.task
    stamps = [task.started_at, task.created_at] if task else []
    times = [to_ns(each) for each in (*stamps, thread.created_at)]
    known = [at for at in times if at is not None]
    entries = (entry.created_at for entry in thread.messages)
    return known[0] if known else find_earliest_ns(entries, start_ns)


def _texts(thread: AgentActivityThread, role: str) -> list[str | None]:
    texts = [
        entry.content.text
        for entry in thread.messages
        if isinstance(entry, AgentActivityThreadMessage) and entry.role == role
    ]
    task_input = thread.task.input if thread.task and role == "user" else None
    return texts or ([task_input.text] if task_input else [])


def _answers(thread: AgentActivityThread) -> list[str | None]:
    """The final answer: the last message of the agent, else the task's result."""
    texts = _texts(thread, "agent")[-1:]
    return texts or [thread.task.result if thread.task else None]


def _customer(user: User | None) -> dict[str, Any]:
    if user is None:
        return {}
    name = " ".join(each for each in (user.first_name, user.last_name) if each)
    attributes = {
        "infinium.customer.customer_email": user.email,
        "infinium.customer.customer_name": name or None,
    }
    return drop_nulls(attributes)


def _task_failure(task: Task | None) -> Failure | None:
    if task is None or task.status not in FAILED:
        return None
    return Failure(str(task.status), task.result or "")
