"""The pure steps as one object: spans in, finished tasks out.

Exporter, processor, gateway, consumer and command line all use this object; the time is
passed to each call.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from infinium_otel.assembly import Assembler
from infinium_otel.mapping.annotations import collect_annotations, is_skipped
from infinium_otel.mapping.dedup import (
    add_missing,
    drop_reported_tools,
    find_copied_tasks,
)
from infinium_otel.mapping.signs import SpanRoles
from infinium_otel.pipeline.own_requests import OWN_REQUEST, OwnRequests
from infinium_otel.pipeline.routing import REJECTED, Router
from infinium_otel.pipeline.skipped import NOT_INCLUDED, SkippedTraces
from infinium_otel.pipeline.trace_mapper import TraceMapper
from infinium_otel.pipeline.warnings import Warnings
from infinium_otel.redaction import SearchBudget, limit_search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.assembly.log_buffer import LogBuffer
    from infinium_otel.assembly.open_trace import WaitingTrace
    from infinium_otel.config import Config
    from infinium_otel.records import LogEvent, SpanRecord, SpanStart, Trace
    from infinium_otel.taskdata import TaskData

COPY = "copy"
"""Why a run is not sent: another run reports the same calls; see `mapping.dedup`."""
BETWEEN_RUNS = "between_runs"
"""Why spans are not sent: they are in none of the runs of a trace, and none followed."""
EXCLUDED = "excluded"
"""Why a run is not sent: `infinium.skip` is set on it."""


@dataclass(frozen=True, slots=True)
class CompletedTask:
    """A task that is ready to be sent.

    Args:
        key: the idempotency key, the same for every delivery of this task.
        spans: how many spans it was made of.
        span_ids: their ids.
        part: 0 for the first task of a run, then 1, 2 and so on for what came late.
        since_s: as `Trace.since_s`.
        agent: the name of the agent that it is for; "" for the default one.
    """

    task: TaskData
    key: str
    trace_id: str
    root_id: str
    spans: int
    span_ids: tuple[str, ...]
    part: int = 0
    since_s: float = 0.0
    agent: str = ""


class Pipeline:
    """Assembles, maps, redacts and clamps.

    `received == open + finished + sum(filtered.values()) + sum(refused.values())`, in
    spans, between any two calls.

    Args:
        config: the settings.
        readers: dialect readers of third parties, after the built-in ones.
        on_filtered: called with the trace id and span ids of filtered traces.
        skipped: counts the traces in which no model, tool or agent was recognized;
            None for an own one.
        warnings: logs each kind of warning once; None for an own one.
        router: decides which agent a run is for; None for the default one.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        config: Config,
        readers: Sequence[Any] = (),
        *,
        on_filtered: Callable[[str, tuple[str, ...]], None] | None = None,
        skipped: SkippedTraces | None = None,
        warnings: Warnings | None = None,
        router: Router | None = None,
    ) -> None:
        self._config = config
        self._warnings = warnings or Warnings(config)
        self._mapper = TraceMapper(config, tuple(readers), self._warnings)
        self._on_filtered = on_filtered
        self._assembler = Assembler(config, SpanRoles(tuple(readers)))
        self._search_budget = SearchBudget()
        self._own_requests = OwnRequests(config.base_url)
        self.skipped = skipped or SkippedTraces()
        self._router = router or Router()
        self.finished = 0
        self.tasks = 0
        self.parts = 0
        self.filtered: Counter[str] = Counter()
        self.filtered_tasks: Counter[str] = Counter()
        # What an exception (Ctrl-C, a time limit) interrupted: the next call goes on.
        self._unmapped: deque[Trace] = deque()
        self._mapped: list[CompletedTask] = []

    @property
    def pause(self) -> Callable[[], None]:
        """Called between small parts of the work, so that others can work too."""
        return self._mapper.pause

    @pause.setter
    def pause(self, pause: Callable[[], None]) -> None:
        self._mapper.pause = pause

    @property
    def problems(self) -> Counter[str]:
        """Defects that a run survived, by the exception's type or the hook's name."""
        return self._mapper.problems

    @problems.setter
    def problems(self, problems: Counter[str]) -> None:
        self._mapper.problems = problems

    @property
    def received(self) -> int:
        """Spans fed in so far."""
        return self._assembler.received

    @property
    def open(self) -> int:
        """Ended spans that wait for the rest of their trace."""
        return self._assembler.open_spans

    @property
    def open_bytes(self) -> int:
        """About how many bytes those spans use."""
        return self._assembler.open_bytes

    @property
    def open_traces(self) -> int:
        """Traces with a span that waits or is known to run."""
        return self._assembler.open_traces

    @property
    def open_tasks(self) -> int:
        """Traces with an ended span that waits."""
        return self._assembler.waiting_traces

    @property
    def open_since(self) -> float | None:
        """When the first of the waiting spans was received; None if none waits."""
        return self._assembler.open_since

    @property
    def refused(self) -> Counter[str]:
        """Rejected spans, by reason: `duplicate`, `invalid_id`."""
        return self._assembler.refused

    @property
    def evicted(self) -> int:
        """Traces emitted before they were complete, to keep the bounds."""
        return self._assembler.evicted

    @property
    def dropped_logs(self) -> int:
        """Log events dropped: their span was not emitted in time, or before them."""
        return self._assembler.dropped_logs

    @property
    def logs(self) -> LogBuffer:
        """The log events that wait for their spans."""
        return self._assembler.logs

    @property
    def texts_withheld(self) -> int:
        """Texts that were withheld because the budget to search them was used up."""
        return self._search_budget.withheld_texts

    def wait_for_logs(self, settle_s: float) -> None:
        """Keep complete traces for *settle_s*, because log events come in batches."""
        self._assembler.settle_s = max(self._assembler.settle_s, settle_s)

    def on_start(self, start: SpanStart, now_s: float) -> None:
        """Record that a span has started; its end comes through `feed`."""
        self._assembler.on_start(start, now_s)

    def feed(
        self, records: Iterable[SpanRecord | LogEvent], now_s: float
    ) -> list[CompletedTask]:
        """Add a batch of ended spans and log events; returns the tasks it completes."""
        self._search_budget.refill(now_s)
        return self._finish(self._assembler.feed(records, now_s))

    def due(self, now_s: float, limit: float = inf) -> list[CompletedTask]:
        """The tasks that are due at *now_s*; those of about *limit* traces at most."""
        self._search_budget.refill(now_s)
        return self._finish(self._assembler.due(now_s, limit))

    @property
    def oldest_seen_s(self) -> float | None:
        """When the trace that was quiet longest had its last span; None without one."""
        return self._assembler.oldest_seen_s

    def evict_oldest(self) -> list[CompletedTask]:
        """The tasks of the trace that was quiet longest, though it may be incomplete."""
        return self._finish(self._assembler.emit_oldest())

    def is_open(self, trace_id: str) -> bool:
        """Whether a span of this trace waits or runs; may be called by any thread."""
        return self._assembler.is_open(trace_id)

    def peek(self, limit: int) -> list[WaitingTrace]:
        """The traces with an ended span that waits, what changed last first.

        Args:
            limit: how many traces at most.
        """
        return self._assembler.peek(limit)

    def flush(self, now_s: float, limit: int | None = None) -> list[CompletedTask]:
        """The tasks of all ended spans; those of incomplete traces are marked as such.

        Args:
            now_s: the time.
            limit: how many traces at most; None for all.
        """
        self._search_budget.refill(now_s)
        return self._finish(self._assembler.flush(now_s, limit))

    def next_due(self) -> float | None:
        """When to call `due` next; None if nothing waits."""
        return self._assembler.next_due()

    def _finish(self, traces: Iterable[Trace]) -> list[CompletedTask]:
        """Map traces emitted together, and merge the runs that repeat another of them."""
        self._unmapped.extend(traces)
        # By start: which of two equal reports is kept must not depend on their order.
        self._unmapped = deque(sorted(self._unmapped, key=_get_sort_key))
        with limit_search(self._search_budget):
            while self._unmapped:
                self._map_next()
        if self._assembler.long_root is not None:
            self._warnings.warn_of_long_root(*self._assembler.long_root)
        if self._assembler.evicted:
            self._warnings.warn_of_eviction()
        completed = self._mapped
        copied = set()
        for copy in find_copied_tasks([done.task for done in completed]):
            kept, dropped = completed[copy.of], completed[copy.index]
            if kept.agent != dropped.agent:
                continue
            add_missing(kept.task, dropped.task, copy.calls)
            copied.add(copy.index)
            self._warnings.warn_of_copy(kept.trace_id, dropped.trace_id, COPY)
            self._filter(COPY, dropped.trace_id, dropped.span_ids)
        kept_runs = [d for index, d in enumerate(completed) if index not in copied]
        drop_reported_tools([done.task for done in kept_runs])
        for done in kept_runs:
            self.finished += done.spans
            self.tasks += 1
            self.parts += done.part > 0
        self._mapped = []
        return kept_runs

    def _map_next(self) -> None:
        """Map the first of `_unmapped`; it stays the first if it is interrupted."""
        try:
            task = self._map(self._unmapped[0])
        except Exception:  # it would fail again
            self._unmapped.popleft()
            raise
        if task is not None:
            self._mapped.append(task)
        self._unmapped.popleft()

    def _map(self, trace: Trace) -> CompletedTask | None:
        """The task of *trace*; None if it is filtered, which is counted."""
        own = self._own_requests.find(trace.records)
        if own:
            trace = self._remove_spans(trace, own)
            if not trace.records:
                trace = replace(trace, records=trace.between, is_task=False)
        if not trace.is_task:
            if trace.records:
                ids = tuple(record.span_id for record in trace.records)
                self._filter(BETWEEN_RUNS, trace.trace_id, ids, tasks=0)
            return None
        ids = tuple([r.span_id for r in (*trace.records, *trace.between)])
        rule = self._router.find_rule(trace)
        reason = self._router.find_drop_reason(rule, trace)
        task = None if reason else self._mapper.map(trace)
        if task is not None:
            reason = "" if self._mapper.should_send(task) else REJECTED
            reason = reason or self._router.decide(rule, trace, task)
        if task is not None and not reason:
            self._mapper.remember(trace)
            self.skipped.add_sent(trace.records)
            return CompletedTask(
                task,
                trace.key,
                trace.trace_id,
                trace.root_id,
                len(ids),
                ids,
                trace.part,
                trace.since_s,
                rule.agent,
            )
        self._filter(reason or self._find_reason(trace), trace.trace_id, ids)
        return None

    def _find_reason(self, trace: Trace) -> str:
        """Why *trace* was not mapped; what is not included is noted by scope."""
        trust = self._config.trust
        if is_skipped(collect_annotations(trace.records, trace.root_id, trust)):
            return EXCLUDED
        self.skipped.add(trace.records)
        return NOT_INCLUDED

    def _remove_spans(self, trace: Trace, own: tuple[str, ...]) -> Trace:
        """*trace* without the spans of our own requests, which are counted."""
        kept = tuple(record for record in trace.records if record.span_id not in own)
        self._filter(OWN_REQUEST, trace.trace_id, own, tasks=0 if kept else 1)
        return replace(trace, records=kept)

    def _filter(
        self, reason: str, trace_id: str, span_ids: tuple[str, ...], *, tasks: int = 1
    ) -> None:
        self.filtered[reason] += len(span_ids)
        self.filtered_tasks[reason] += tasks
        if self._on_filtered is not None:
            self._on_filtered(trace_id, span_ids)


def _get_sort_key(trace: Trace) -> tuple[int, str]:
    return trace.records[0].start_ns, trace.key
