"""Any instrumentation's spans to xpander's activity threads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.errors import InfiniumError
from infinium_otel.models.facts import write_facts
from infinium_otel.models.field_attributes import read_fields
from infinium_otel.models.runs import find_runs, get_output_text, get_prompt_text
from infinium_otel.models.spans import (
    as_int,
    as_number,
    as_text,
    from_json,
    to_iso,
    to_uuid,
)
from infinium_otel.models.xpander import tasks
from infinium_otel.models.xpander.attributes import INDEX, KIND, TASK, THREAD, read_task
from infinium_otel.models.xpander.documents import thread_of
from infinium_otel.models.xpander.threads import types as threads
from infinium_otel.models.xpander.threads.entries import read_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.models.xpander.tasks import Task, Tokens
    from infinium_otel.models.xpander.threads.types import AgentActivityThread, Entry
    from infinium_otel.records import LogEvent, SpanRecord

CALLS = frozenset({"llm", "embedding"})
TOOLS = frozenset({"tool", "refused"})


def from_spans(
    records: Iterable[SpanRecord | LogEvent], *, confidence: float | None = None
) -> list[AgentActivityThread]:
    """One thread for each run in *records*, and for each thread kept inside one.

    Args:
        confidence: the confidence to write for thoughts, which spans do not contain;
            None omits the thoughts between tool calls.
    """
    found: list[AgentActivityThread] = []
    for run in find_runs(records, KIND):
        found += _threads(run, confidence)
    return found


def _threads(run: Run, confidence: float | None) -> list[AgentActivityThread]:
    """The run's own thread, and those whose spans were made from threads."""
    tops = {
        span.record.span_id: span
        for span in (run.root, *run.spans)
        if THREAD + "id" in span.record.attributes
    }
    own = run.root.record.span_id
    owned: dict[str, list[RunSpan]] = {own: [], **{key: [] for key in tops}}
    parents = {t.record.span_id: t.record.parent_id for t in run.spans}
    for step in run.steps:
        if step.record.span_id not in tops or step.record.span_id == own:
            owned[_find_owner(step, parents, tops, own)].append(step)
    tops.setdefault(own, run.root)
    return [
        _ThreadReader(run, tops[key], steps, confidence).thread()
        for key, steps in owned.items()
        if steps or len(tops) == 1 or THREAD + "id" in tops[key].record.attributes
    ]


def _find_owner(
    step: RunSpan, parents: dict[str, str | None], tops: dict[str, RunSpan], own: str
) -> str:
    """The nearest thread's root above a span; the run's own where there is none."""
    seen: set[str] = set()
    above = step.record.parent_id
    while above is not None and above not in seen:
        if above in tops:
            return above
        seen.add(above)
        above = parents.get(above)
    return own


class _ThreadReader:
    """Builds one thread."""

    def __init__(
        self,
        run: Run,
        root: RunSpan,
        steps: Sequence[RunSpan],
        confidence: float | None,
    ) -> None:
        self.run = run
        self.root = root
        self.steps = steps
        self.confidence = confidence
        self.entries: list[tuple[tuple[int, int], Entry, RunSpan | None]] = []
        self.others: list[RunSpan] = []

    def thread(self) -> AgentActivityThread:
        """The finished thread."""
        for event in self.root.record.events:
            self._add_native(event.attributes, None)
        for step in self.steps:
            if not self._add_native(step.record.attributes, step):
                self._add_derived(step)
        self.entries.sort(key=lambda each: each[0])
        exact = self._read_thread()
        task = read_task(self.root.record.attributes) or (
            None if exact else self._task()
        )
        has_messages = exact is not None or any(
            isinstance(entry, threads.AgentActivityThreadMessage)
            for _, entry, _ in self.entries
        )
        if not has_messages:
            self._add_messages(task)
        record = self.root.record
        base = exact or threads.AgentActivityThread(
            id=task.id if task else to_uuid(record.trace_id),
            created_at=to_iso(record.start_ns),
            messages=(),
        )
        return replace(
            base,
            messages=tuple(entry for _, entry, _ in self.entries),
            task=task,
            otel=self._write_facts(),
        )

    def _read_thread(self) -> AgentActivityThread | None:
        """The thread that the root was made from; None if it was not made from one."""
        found = read_fields(
            self.root.record.attributes, THREAD, threads.AgentActivityThread
        )
        try:
            return thread_of({k: found[k] for k in found if k != "messages"})
        except InfiniumError:
            return None

    def _add_native(self, attributes: Any, span: RunSpan | None) -> bool:
        """Add the entry that a span or event was made from; False if there is none."""
        failed = span is not None and span.failure is not None
        entry = read_entry(attributes, failed=failed)
        if entry is not None:
            place = (0, as_int(attributes.get(INDEX)) or 0)
            self.entries.append((place, entry, span))
        return entry is not None

    def _add_derived(self, span: RunSpan) -> None:
        """Add an entry for a span of another instrumentation."""
        entry = derive_entry(span, self.root)
        if entry is not None:
            self.entries.append(((1, span.record.start_ns), entry, span))
        else:
            self.others.append(span)
            self._add_thought(span)

    def _add_thought(self, span: RunSpan) -> None:
        """Add the model's text between tool calls as a thought, if requested."""
        answers = decode_messages(span.normalized.output, "assistant")
        texts = [a.text for a in answers if a.text and a.tool_calls]
        if self.confidence is None or span.kind != "llm" or not texts:
            return
        record = span.record
        thought = threads.AgentActivityThreadReasoning(
            id=record.span_id,
            created_at=to_iso(record.end_ns),
            type="think",
            title=texts[0].strip().partition("\n")[0],
            confidence=self.confidence,
            thought="\n".join(texts),
        )
        self.entries.append(((1, record.end_ns), thought, None))

    def _add_messages(self, task: Task | None) -> None:
        """Add the prompt before all other entries and the final answer after them."""
        record = self.root.record
        prompt = task.input.text if task and task.input else None
        for role, content, at_ns, place in (
            ("user", prompt, record.start_ns, 0),
            (
                "agent",
                task.result if task else None,
                record.end_ns,
                len(self.entries) + 1,
            ),
        ):
            if content:
                message = threads.AgentActivityThreadMessage(
                    id=f"{record.span_id}-{role}",
                    created_at=to_iso(at_ns),
                    role=role,
                    content=threads.AgentActivityThreadMessageContent(content),
                )
                self.entries.insert(place, ((2, place), message, None))

    def _write_facts(self) -> dict[str, Any]:
        entries = {
            str(place): write_facts(step)
            for place, (_, _, step) in enumerate(self.entries)
            if step is not None
        }
        ids = {step.record.span_id for step in self.steps}
        return {
            "trace_id": self.root.record.trace_id,
            "root": write_facts(self.root),
            "rootless": self.root.record.span_id in ids,
            "entries": entries,
            "others": [write_facts(step) for step in self.others],
        }

    def _task(self) -> Task:
        """The task as a whole, derived from the spans."""
        record, normalized = self.root.record, self.root.normalized
        calls = [step for step in self.steps if step.kind in CALLS]
        first = calls[0].normalized if calls else normalized
        started = to_iso(record.start_ns)
        prompt = get_prompt_text(self.root) or (
            get_prompt_text(calls[0]) if calls else None
        )
        answers = [get_output_text(span) for span in (self.root, *reversed(calls))]
        seconds = max(0, record.end_ns - record.start_ns) / 1e9
        return tasks.Task(
            id=as_text(record.attributes.get(TASK + "id")) or to_uuid(record.trace_id),
            agent_id=normalized.agent_id or normalized.agent_name,
            organization_id=as_text(record.attributes.get("xpander.organization.id")),
            input=tasks.AgentExecutionInput(prompt) if prompt else None,
            status=self._status(),
            created_at=started,
            started_at=started,
            finished_at=to_iso(record.end_ns) if record.end_ns > 0 else None,
            result=next((answer for answer in answers if answer), None),
            conversation_id=normalized.conversation_id,
            llm_model_provider=first.provider,
            llm_model_name=first.model_requested or first.model,
            tokens=self._tokens(calls),
            used_tools=_list_tool_names(self.steps),
            duration=as_number(seconds) or 0,
        )

    def _status(self) -> str:
        record, failure = self.root.record, self.root.failure
        kind = failure.type if failure else as_text(record.attributes.get("error.type"))
        if kind is not None and "cancel" in kind.lower():
            return "stopped"
        if failure is not None:
            return "failed"
        return "completed" if record.end_ns > 0 else "executing"

    def _tokens(self, calls: Sequence[RunSpan]) -> Tokens | None:
        """The sum over the calls; the root's own usage where no call has any."""
        usages = [call.normalized.usage for call in calls if call.normalized.usage]
        if not usages and self.root.normalized.usage:
            usages = [self.root.normalized.usage]
        if not usages:
            return None
        return tasks.Tokens(
            prompt_tokens=sum(usage.input or 0 for usage in usages),
            completion_tokens=sum(usage.output or 0 for usage in usages),
            cache_read_tokens=sum(usage.cache_read or 0 for usage in usages),
            cache_write_tokens=sum(usage.cache_write or 0 for usage in usages),
        )


def derive_entry(span: RunSpan, root: RunSpan) -> Entry | None:
    """A tool call or trigger for a span of another instrumentation.

    Args:
        root: the run's own span, which is not a trigger.

    Returns:
        None for a span of any other kind.
    """
    record, normalized = span.record, span.normalized
    created_at = to_iso(record.start_ns)
    if span.kind in TOOLS:
        failure, result = span.failure, from_json(normalized.result)
        return threads.AgentActivityThreadToolCall(
            id=normalized.tool_call_id or record.span_id,
            created_at=created_at,
            tool_name=normalized.tool_name or record.name,
            payload=from_json(normalized.arguments),
            is_error=failure is not None,
            result=failure.message if result is None and failure else result,
        )
    called = normalized.agent_id or normalized.agent_name
    if span.kind == "agent" and called and span is not root:
        return threads.AgentActivityThreadSubAgentTrigger(
            id=record.span_id,
            created_at=created_at,
            agent_id=called,
            query=get_prompt_text(span),
        )
    return None


def _list_tool_names(steps: Iterable[RunSpan]) -> tuple[str, ...]:
    """The names of the tools that ran, in order, without duplicates."""
    names = [s.normalized.tool_name or s.record.name for s in steps if s.kind in TOOLS]
    return tuple(dict.fromkeys(names))
