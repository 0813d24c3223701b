"""Any instrumentation's spans to xpander's activity threads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.messages import decode_messages
from infinium_otel.models.carrying import uncarried
from infinium_otel.models.facts import facts_of
from infinium_otel.models.runs import output_text, prompt_text, runs_of
from infinium_otel.models.spans import from_json, number, text, to_iso, uuid_of, whole
from infinium_otel.models.xpander import tasks, threads
from infinium_otel.models.xpander.attributes import INDEX, KIND, TASK, THREAD, task_in
from infinium_otel.models.xpander.documents import thread_of
from infinium_otel.models.xpander.entries import entry_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.models.xpander.tasks import Task, Tokens
    from infinium_otel.models.xpander.threads import AgentActivityThread, Entry
    from infinium_otel.records import LogEvent, SpanRecord

CALLS = frozenset({"llm", "embedding"})
TOOLS = frozenset({"tool", "refused"})


def threads_from_spans(
    records: Iterable[SpanRecord | LogEvent], *, confidence: float | None = None
) -> list[AgentActivityThread]:
    """One thread for each run in *records*, and for each thread kept inside one.

    Args:
        confidence: what to write as the confidence of thoughts, which no span tells;
            None leaves the thoughts between tool calls out.
    """
    found: list[AgentActivityThread] = []
    for run in runs_of(records, KIND):
        found += _threads(run, confidence)
    return found


def _threads(run: Run, confidence: float | None) -> list[AgentActivityThread]:
    """The run's own thread, and those that were made of threads, by their roots."""
    tops = {
        told.record.span_id: told
        for told in (run.root, *run.spans)
        if THREAD + "id" in told.record.attributes
    }
    own = run.root.record.span_id
    owned: dict[str, list[Told]] = {own: [], **{key: [] for key in tops}}
    parents = {t.record.span_id: t.record.parent_id for t in run.spans}
    for step in run.steps:
        if step.record.span_id not in tops or step.record.span_id == own:
            owned[_owner(step, parents, tops, own)].append(step)
    tops.setdefault(own, run.root)
    return [
        _Reading(run, tops[key], steps, confidence).thread()
        for key, steps in owned.items()
        if steps or len(tops) == 1 or THREAD + "id" in tops[key].record.attributes
    ]


def _owner(
    step: Told, parents: dict[str, str | None], tops: dict[str, Told], own: str
) -> str:
    """The nearest thread above a span; the run's own where there is none."""
    seen: set[str] = set()
    above = step.record.parent_id
    while above is not None and above not in seen:
        if above in tops:
            return above
        seen.add(above)
        above = parents.get(above)
    return own


class _Reading:
    """One thread as it comes about."""

    def __init__(
        self,
        run: Run,
        root: Told,
        steps: Sequence[Told],
        confidence: float | None,
    ) -> None:
        self.run = run
        self.root = root
        self.steps = steps
        self.confidence = confidence
        self.entries: list[tuple[tuple[int, int], Entry, Told | None]] = []
        self.others: list[Told] = []

    def thread(self) -> AgentActivityThread:
        """All of it."""
        for event in self.root.record.events:
            self._kept(event.attributes, None)
        for step in self.steps:
            if not self._kept(step.record.attributes, step):
                self._derived(step)
        self.entries.sort(key=lambda each: each[0])
        exact = self._exact()
        task = task_in(self.root.record.attributes) or (None if exact else self._task())
        spoken = exact is not None or any(
            isinstance(entry, threads.AgentActivityThreadMessage)
            for _, entry, _ in self.entries
        )
        if not spoken:
            self._messages(task)
        record = self.root.record
        base = exact or threads.AgentActivityThread(
            id=task.id if task else uuid_of(record.trace_id),
            created_at=to_iso(record.start_ns),
        )
        return replace(
            base,
            messages=tuple(entry for _, entry, _ in self.entries),
            task=task,
            otel=self._otel(),
        )

    def _exact(self) -> AgentActivityThread | None:
        """What the root says of the thread it was made of."""
        found = uncarried(
            self.root.record.attributes, THREAD, threads.AgentActivityThread
        )
        try:
            return thread_of({k: found[k] for k in found if k != "messages"})
        except InfiniumError:
            return None

    def _kept(self, attributes: Any, told: Told | None) -> bool:
        """Take the entry that a span or event was made of, if it was."""
        failed = told is not None and told.failure is not None
        entry = entry_in(attributes, failed=failed)
        if entry is not None:
            place = (0, whole(attributes.get(INDEX)) or 0)
            self.entries.append((place, entry, told))
        return entry is not None

    def _derived(self, told: Told) -> None:
        """An entry for a span that somebody else's instrumentation told."""
        entry = derived_entry(told, self.root)
        if entry is not None:
            self.entries.append(((1, told.record.start_ns), entry, told))
        else:
            self.others.append(told)
            self._thought(told)

    def _thought(self, told: Told) -> None:
        """What the model said between tool calls, where that is wanted."""
        answers = decode_messages(told.reading.output, "assistant")
        said = [a.text for a in answers if a.text and a.requests]
        if self.confidence is None or told.kind != "llm" or not said:
            return
        record = told.record
        thought = threads.AgentActivityThreadReasoning(
            id=record.span_id,
            created_at=to_iso(record.end_ns),
            type="think",
            title=said[0].strip().partition("\n")[0],
            confidence=self.confidence,
            thought="\n".join(said),
        )
        self.entries.append(((1, record.end_ns), thought, None))

    def _messages(self, task: Task | None) -> None:
        """What was asked and the final answer, around all the rest."""
        record = self.root.record
        asked = task.input.text if task and task.input else None
        for role, said, at_ns, place in (
            ("user", asked, record.start_ns, 0),
            (
                "agent",
                task.result if task else None,
                record.end_ns,
                len(self.entries) + 1,
            ),
        ):
            if said:
                message = threads.AgentActivityThreadMessage(
                    id=f"{record.span_id}-{role}",
                    created_at=to_iso(at_ns),
                    role=role,
                    content=threads.AgentActivityThreadMessageContent(said),
                )
                self.entries.insert(place, ((2, place), message, None))

    def _otel(self) -> dict[str, Any]:
        told = {
            str(place): facts_of(step)
            for place, (_, _, step) in enumerate(self.entries)
            if step is not None
        }
        ids = {step.record.span_id for step in self.steps}
        return {
            "trace_id": self.root.record.trace_id,
            "root": facts_of(self.root),
            "rootless": self.root.record.span_id in ids,
            "entries": told,
            "others": [facts_of(step) for step in self.others],
        }

    def _task(self) -> Task:
        """What the spans tell of the task as a whole."""
        record, reading = self.root.record, self.root.reading
        calls = [step for step in self.steps if step.kind in CALLS]
        first = calls[0].reading if calls else reading
        started = to_iso(record.start_ns)
        asked = prompt_text(self.root) or (prompt_text(calls[0]) if calls else None)
        answers = [output_text(told) for told in (self.root, *reversed(calls))]
        seconds = max(0, record.end_ns - record.start_ns) / 1e9
        return tasks.Task(
            id=text(record.attributes.get(TASK + "id")) or uuid_of(record.trace_id),
            agent_id=reading.agent_id or reading.agent_name,
            organization_id=text(record.attributes.get("xpander.organization.id")),
            input=tasks.AgentExecutionInput(asked) if asked else None,
            status=self._status(),
            created_at=started,
            started_at=started,
            finished_at=to_iso(record.end_ns) if record.end_ns > 0 else None,
            result=next((answer for answer in answers if answer), None),
            conversation_id=reading.conversation_id,
            llm_model_provider=first.provider,
            llm_model_name=first.model_requested or first.model,
            tokens=self._tokens(calls),
            used_tools=_names(self.steps),
            duration=number(seconds) or 0,
        )

    def _status(self) -> str:
        record, failure = self.root.record, self.root.failure
        kind = failure.type if failure else text(record.attributes.get("error.type"))
        if kind is not None and "cancel" in kind.lower():
            return "stopped"
        if failure is not None:
            return "failed"
        return "completed" if record.end_ns > 0 else "executing"

    def _tokens(self, calls: Sequence[Told]) -> Tokens | None:
        """The sum over the calls; the root's own account where no call has one."""
        usages = [call.reading.usage for call in calls if call.reading.usage]
        if not usages and self.root.reading.usage:
            usages = [self.root.reading.usage]
        if not usages:
            return None
        return tasks.Tokens(
            prompt_tokens=sum(usage.input or 0 for usage in usages),
            completion_tokens=sum(usage.output or 0 for usage in usages),
            cache_read_tokens=sum(usage.cache_read or 0 for usage in usages),
            cache_write_tokens=sum(usage.cache_write or 0 for usage in usages),
        )


def derived_entry(told: Told, root: Told) -> Entry | None:
    """A tool call or trigger for a span that somebody else's instrumentation told.

    Args:
        root: the run's own span, which triggers nothing.

    Returns:
        None for a span of any other kind.
    """
    record, reading = told.record, told.reading
    created_at = to_iso(record.start_ns)
    if told.kind in TOOLS:
        failure, result = told.failure, from_json(reading.result)
        return threads.AgentActivityThreadToolCall(
            id=reading.tool_call_id or record.span_id,
            created_at=created_at,
            tool_name=reading.tool_name or record.name,
            payload=from_json(reading.arguments),
            is_error=failure is not None,
            result=failure.message if result is None and failure else result,
        )
    called = reading.agent_id or reading.agent_name
    if told.kind == "agent" and called and told is not root:
        return threads.AgentActivityThreadSubAgentTrigger(
            id=record.span_id,
            created_at=created_at,
            agent_id=called,
            query=prompt_text(told),
        )
    return None


def _names(steps: Iterable[Told]) -> tuple[str, ...]:
    """The tools that ran, in order, each once."""
    names = [s.reading.tool_name or s.record.name for s in steps if s.kind in TOOLS]
    return tuple(dict.fromkeys(names))
