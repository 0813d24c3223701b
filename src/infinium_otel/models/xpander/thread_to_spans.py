"""An activity thread to spans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.carrying import carried
from infinium_otel.models.facts import adopted, facts_at, led, other_spans, restored
from infinium_otel.models.spans import (
    earliest_ns,
    present,
    settled,
    span_id_of,
    text,
    to_ns,
    trace_id_of,
)
from infinium_otel.models.xpander.attributes import (
    FAILED,
    NAMESPACE,
    SCOPE,
    THREAD,
    TIME_SOURCE,
    run_name,
    said_by,
    task_attributes,
)
from infinium_otel.models.xpander.entries import (
    entry_attributes,
    kind_of,
    span_name,
    tool_failure,
)
from infinium_otel.models.xpander.threads import (
    AgentActivityThreadMessage,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.models.xpander.tasks import Task, User
    from infinium_otel.models.xpander.threads import AgentActivityThread, Entry


def thread_to_spans(  # noqa: PLR0913 - choices of the caller, each by its name
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
        start_ns: where it begins if it says no time, ns since the epoch.
        customer: pass the user's name and address on as `infinium.customer.*`.
        children: threads of agents that this one called; each hangs under the entry
            that triggered its agent.
        trace_id: 32 hex digits; None takes the task's id, or the thread's.
        parent_id: the span it hangs under; None for none.
    """
    if trace_id is None:
        run_id = thread.task.id if thread.task else thread.id
        told = text(thread.otel.get("trace_id"))
        trace_id = told or trace_id_of(run_id, NAMESPACE)
    return _Writing(thread, trace_id, parent_id).spans_of(
        start_ns, list(children), customer=customer
    )


class _Writing:
    """The spans of one thread as they come about."""

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

    def spans_of(
        self, start_ns: int, children: list[AgentActivityThread], *, customer: bool
    ) -> list[SpanRecord]:
        """The root, then what was done in order, then what the called agents did."""
        begun = _begun_ns(self.thread, start_ns)
        root = self._root(begun, customer=customer)
        cursor = begun
        for index, entry in enumerate(self.thread.messages):
            told = to_ns(entry.created_at)
            cursor = cursor if told is None else told
            self._entry(index, entry, cursor, root.span_id)
        self.spans += other_spans(self.facts, self.trace_id, root.span_id, SCOPE)
        for child in children:
            self.spans += self._child(child, cursor, root.span_id)
        ended = self._ended(root)
        if self.facts.get("rootless"):
            alone = led(self.spans, self.facts.get("root"))
            if alone:
                return [_with_account(span, ended) for span in alone]
        return [ended, *adopted(self.spans, root.span_id)]

    def _span(self, facts: Any, **fields: Any) -> tuple[SpanRecord, Failure | None]:
        draft = SpanRecord(trace_id=self.trace_id, scope_name=SCOPE, **fields)
        return restored(draft, facts)

    def _root(self, begun: int, *, customer: bool) -> SpanRecord:
        thread, task = self.thread, self.thread.task
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": _conversation(thread),
            "gen_ai.input.messages": said_by("user", _texts(thread, "user")),
            "gen_ai.output.messages": said_by("assistant", _answers(thread)),
            **(task_attributes(task) if task else {}),
            **carried(thread, THREAD, skip={"messages", "task", "otel"}),
            **(_customer(thread.user) if customer else {}),
        }
        facts = {**facts_at(self.facts, "root"), "start_ns": None, "end_ns": None}
        draft, _ = self._span(
            facts,
            span_id=span_id_of(self.trace_id, "task", thread.id),
            parent_id=None,
            name=run_name(task),
            start_ns=begun,
            end_ns=begun,
            attributes=attributes,
        )
        return replace(draft, parent_id=self.parent_id or draft.parent_id)

    def _ended(self, root: SpanRecord) -> SpanRecord:
        """*root* to its end, with its events and how it went."""
        task = self.thread.task
        finished = to_ns(task.finished_at) if task else None
        latest = [root.start_ns, *(e.time_ns for e in self.events)]
        latest += [span.end_ns for span in self.spans]
        told = facts_at(self.facts, "root")
        root = replace(
            root,
            end_ns=max(latest) if finished is None else finished,
            events=(*root.events, *self.events),
            status="ok" if task and task.status == "completed" else "unset",
        )
        root, failure = restored(
            root, {key: told.get(key) for key in ("start_ns", "end_ns", "failure")}
        )
        return settled(root, failure or _task_failure(task))

    def _entry(self, index: int, entry: Entry, at_ns: int, root_id: str) -> None:
        attributes = entry_attributes(entry, index)
        if not kind_of(entry).is_span:
            self.events.append(SpanEvent(span_name(entry), at_ns, attributes))
            return
        draft, failure = self._span(
            facts_at(self.facts, "entries", str(index)),
            span_id=span_id_of(self.trace_id, "entry", self.thread.id, index),
            parent_id=root_id,
            name=span_name(entry),
            start_ns=at_ns,
            end_ns=at_ns,
            attributes={**attributes, TIME_SOURCE: "entry"},
        )
        if isinstance(entry, AgentActivityThreadToolCall):
            failure = (
                (failure or tool_failure(entry.result)) if entry.is_error else None
            )
        if isinstance(entry, AgentActivityThreadSubAgentTrigger):
            self.triggers.append((entry.agent_id, draft.span_id))
            named = {"gen_ai.agent.name": entry.agent_id, **draft.attributes}
            draft = replace(draft, attributes=named)
        self.spans.append(settled(draft, failure))

    def _child(
        self, child: AgentActivityThread, start_ns: int, root_id: str
    ) -> list[SpanRecord]:
        """A called agent's spans under the first entry that triggered that agent."""
        agent_id = child.task.agent_id if child.task else None
        for trigger in self.triggers:
            if trigger[0] == agent_id:
                self.triggers.remove(trigger)
                root_id = trigger[1]
                break
        return thread_to_spans(
            child, start_ns=start_ns, trace_id=self.trace_id, parent_id=root_id
        )


def _with_account(span: SpanRecord, root: SpanRecord) -> SpanRecord:
    """A span that is its own run's root, with what the run's would have said."""
    if span.parent_id is not None:
        return span
    said = {k: v for k, v in root.attributes.items() if k.startswith("xpander.")}
    events = [event for event in root.events if event.name.startswith("xpander.")]
    return replace(
        span,
        attributes={**span.attributes, **said},
        events=(*span.events, *events),
    )


def _conversation(thread: AgentActivityThread) -> str:
    task = thread.task
    return (task.conversation_id or task.id) if task else thread.id


def _begun_ns(thread: AgentActivityThread, start_ns: int) -> int:
    task = thread.task
    told = [task.started_at, task.created_at] if task else []
    times = [to_ns(each) for each in (*told, thread.created_at)]
    known = [at for at in times if at is not None]
    entries = (entry.created_at for entry in thread.messages)
    return known[0] if known else earliest_ns(entries, start_ns)


def _texts(thread: AgentActivityThread, role: str) -> list[str | None]:
    said = [
        entry.content.text
        for entry in thread.messages
        if isinstance(entry, AgentActivityThreadMessage) and entry.role == role
    ]
    asked = thread.task.input if thread.task and role == "user" else None
    return said or ([asked.text] if asked else [])


def _answers(thread: AgentActivityThread) -> list[str | None]:
    """The final answer: the last message of the agent, else the task's result."""
    said = _texts(thread, "agent")[-1:]
    return said or [thread.task.result if thread.task else None]


def _customer(user: User | None) -> dict[str, Any]:
    if user is None:
        return {}
    name = " ".join(each for each in (user.first_name, user.last_name) if each)
    told = {
        "infinium.customer.customer_email": user.email,
        "infinium.customer.customer_name": name or None,
    }
    return present(told)


def _task_failure(task: Task | None) -> Failure | None:
    if task is None or task.status not in FAILED:
        return None
    return Failure(str(task.status), task.result or "")
