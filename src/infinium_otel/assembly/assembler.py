"""The state machine: what happens to traces as spans start, end or do not come."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

from infinium_otel.assembly import trees
from infinium_otel.assembly.deadlines import Deadlines
from infinium_otel.assembly.emitted_traces import EmittedTraces
from infinium_otel.assembly.link_joiner import LinkJoiner
from infinium_otel.assembly.log_buffer import LogBuffer
from infinium_otel.assembly.long_root import LongRootWatch
from infinium_otel.assembly.open_traces import OpenTraces
from infinium_otel.assembly.run_emitter import RunEmitter
from infinium_otel.assembly.trace_splitter import TraceSplitter
from infinium_otel.assembly.trees import NO_ID
from infinium_otel.assembly.waits import WaitTimes
from infinium_otel.records import LogEvent, SpanRecord, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.assembly.open_trace import OpenTrace, WaitingTrace
    from infinium_otel.assembly.roles import Roles
    from infinium_otel.config import Config
    from infinium_otel.records import SpanStart

NO_TRACE = "0" * 32
LOG_SHARE = 4
"""Log events may use one part in this many of `max_open_bytes`."""


class Assembler:
    """Groups spans by root and emits each trace when it is complete.

    If the starts of spans are reported (`on_start`), a trace is complete when its root
    and every span known to be running have ended; otherwise when its root has ended and
    the batch that contained it is processed.

    Args:
        config: the settings.
        roles: finds out which spans are agents, workflows and calls; without it there
            is one task for each root (`task_per` "agent" has no effect).

    Attributes:
        received: spans fed in so far.
        refused: rejected spans, by reason: `duplicate`, `invalid_id`.
        evicted: traces emitted before they were complete, to keep the bounds.
    """

    def __init__(self, config: Config, roles: Roles | None = None) -> None:
        self._config = config
        self._open = OpenTraces()
        self._logs = LogBuffer(config.max_open_bytes // LOG_SHARE)
        self._emitted = EmittedTraces()
        self._splitter = TraceSplitter(config, self._emitted, self._logs)
        self._runs = (
            RunEmitter(roles, self._open, self._emitted, self._splitter)
            if config.task_per == "agent" and roles is not None
            else None
        )
        self._links = LinkJoiner(self._open.by_id)
        self._deadlines = Deadlines(self._open)
        self._long_root = LongRootWatch(
            None if self._runs is not None else roles, config.trace_timeout_s
        )
        self._waits = WaitTimes(config)
        self.received = 0
        self.evicted = 0
        self.refused: Counter[str] = Counter()

    @property
    def settle_s(self) -> float:
        """Seconds for which a complete trace still waits for its log events."""
        return self._waits.settle_s

    @settle_s.setter
    def settle_s(self, settle_s: float) -> None:
        self._waits.settle_s = settle_s

    @property
    def long_root(self) -> tuple[str, int] | None:
        """The first trace whose root was open longer than `trace_timeout_s` around agents.

        Returns:
            Its trace id and the number of its ended agents; None if there was none.
        """
        return self._long_root.found

    @property
    def open_spans(self) -> int:
        """Ended spans that wait in open traces."""
        return self._open.spans

    @property
    def open_bytes(self) -> int:
        """About how many bytes the waiting spans use."""
        return self._open.size

    @property
    def open_traces(self) -> int:
        """Traces with a span that waits or runs."""
        return len(self._open)

    @property
    def waiting_traces(self) -> int:
        """Traces with an ended span that waits."""
        if not self._open.running:  # then each has one
            return len(self._open)
        return sum(1 for trace in self._open if trace.spans)

    @property
    def open_since(self) -> float | None:
        """When the first of the waiting spans was received; None if none waits."""
        return min((t.since_s for t in self._open if t.spans), default=None)

    @property
    def emitted_spans(self) -> int:
        """Spans in the traces emitted so far."""
        return self._splitter.emitted_spans

    @property
    def dropped_logs(self) -> int:
        """Log events dropped: their span was not emitted in time, or before them."""
        return self._logs.dropped

    @property
    def logs(self) -> LogBuffer:
        """The log events that wait for their spans."""
        return self._logs

    def on_start(self, start: SpanStart, now_s: float) -> None:
        """Record that a span has started; its end comes through `feed`."""
        trace = self._get_or_open_trace(start.trace_id, now_s)
        self._open.start(trace, start)
        if self._runs is not None:
            self._runs.index(trace).start(start)

    def feed(
        self, records: Iterable[SpanRecord | LogEvent], now_s: float
    ) -> list[Trace]:
        """Add one batch of ended spans and log events, in any order.

        Returns:
            the traces that are complete now, or were emitted to keep the bounds.
        """
        touched: dict[str, OpenTrace] = {}
        ended: dict[str, list[str]] = {}
        for record in records:
            if isinstance(record, LogEvent):
                self._add_log(record, now_s)
            else:
                trace = self._add(record, now_s)
                if trace is not None:
                    touched[trace.trace_id] = trace
                    if self._runs is not None:
                        ended.setdefault(trace.trace_id, []).append(record.span_id)
        self._links.join_linked(touched, now_s)
        ready: list[Trace] = []
        for trace in touched.values():
            if self._runs is not None and not trace.root_ended:
                spans = ended.get(trace.trace_id, [])
                ready += self._emit_runs(self._runs, trace, spans, now_s)
            else:
                ready += self._emit_or_wait(trace, now_s)
            self._long_root.check(trace, now_s)
        ready += self._keep_bounds()
        return ready

    def due(self, now_s: float, limit: float = inf) -> list[Trace]:
        """The traces that are due at *now_s*, the first ones if *limit* is reached."""
        ready: list[Trace] = []
        timeout_s = self._config.trace_timeout_s
        while len(ready) < limit and (due := self._deadlines.pop(now_s)):
            trace, run = due
            if run is None or self._runs is None:
                ready += self._emit(trace, hold=True)
            else:
                ready += self._runs.emit_run(trace, run)
                self._open.close_if_empty(trace)
        for trace in self._open.find_timed_out(timeout_s, now_s, limit - len(ready)):
            self._long_root.check(trace, now_s)
            self._open.touch(trace, now_s)
            ready += self._emit(trace, forget=not trace.spans)
        self._logs.expire(now_s - timeout_s)
        return ready

    def next_due(self) -> float | None:
        """When to call `due` next; None if nothing waits."""
        due_s, first = self._deadlines.get_next(), self._open.first
        times = [due_s] if due_s is not None else []
        if first is not None:
            times.append(first.last_seen_s + self._config.trace_timeout_s)
        return min(times, default=None)

    def is_open(self, trace_id: str) -> bool:
        """Whether a span of this trace waits or runs; may be called by any thread."""
        return trace_id in self._open.by_id

    def peek(self, limit: int) -> list[WaitingTrace]:
        """The traces with an ended span that waits, what changed last first."""
        return self._open.peek(limit)

    def flush(self, now_s: float, limit: int | None = None) -> list[Trace]:
        """The traces with an ended span, complete or not; *limit* of them at most."""
        ready: list[Trace] = []
        waiting = (trace for trace in self._open if trace.spans)
        for trace in list(islice(waiting, limit)):
            trace.last_seen_s = max(trace.last_seen_s, now_s)
            ready += self._emit(trace)
        return ready

    def _get_or_open_trace(self, trace_id: str, now_s: float) -> OpenTrace:
        return self._open.get_or_open(self._links.resolve(trace_id), now_s)

    def _add(self, record: SpanRecord, now_s: float) -> OpenTrace | None:
        self.received += 1
        if record.trace_id in ("", NO_TRACE) or record.span_id in ("", NO_ID):
            self.refused["invalid_id"] += 1
            return None
        if record.parent_id in (record.span_id, NO_ID, ""):
            record = trees.make_root(record)
        trace = self._get_or_open_trace(record.trace_id, now_s)
        if record.span_id in trace.spans or self._emitted.has_span(
            trace.trace_id, record.span_id
        ):
            self.refused["duplicate"] += 1
            self._open.close_if_empty(trace)
            return None
        self._open.add(trace, record)
        if trace.runs is not None:
            trace.runs.add(record)
        return trace

    def _add_log(self, log: LogEvent, now_s: float) -> None:
        """Keep a log event for its span, unless that was emitted without it."""
        if self._emitted.has_span(self._links.resolve(log.trace_id), log.span_id):
            self._logs.dropped += 1
        else:
            self._logs.add(log, now_s)

    def _emit_or_wait(self, trace: OpenTrace, now_s: float) -> list[Trace]:
        """Emit *trace* if it is complete; otherwise set its deadline."""
        late = trace.trace_id in self._emitted
        wait_s = self._waits.get_wait_s(trace, late=late)
        if wait_s is not None and wait_s <= 0:
            return self._emit(trace, hold=True)
        if wait_s is None:
            trace.due_s = None
        elif trace.due_s is None or self._waits.is_quiet_time(trace):
            trace.due_s = now_s + wait_s
            self._deadlines.add(trace.due_s, trace)
        return []

    def _keep_bounds(self) -> list[Trace]:
        """Emit the traces that were quiet longest, until the rest is within bounds."""
        ready: list[Trace] = []
        while self._open.exceeds(self._config) and self._open.first is not None:
            self.evicted += 1
            ready += self.emit_oldest()
        return ready

    @property
    def oldest_seen_s(self) -> float | None:
        """When the trace that was quiet longest had its last span; None without one."""
        return None if self._open.first is None else self._open.first.last_seen_s

    def emit_oldest(self) -> list[Trace]:
        """Emit the trace that was quiet longest, because its memory is needed."""
        trace = self._open.first
        return [] if trace is None else self._emit(trace, forget=True)

    def _emit(
        self, trace: OpenTrace, *, hold: bool = False, forget: bool = False
    ) -> list[Trace]:
        """Emit the ended spans of *trace*.

        Args:
            trace: an open trace.
            hold: keep trees whose root still runs.
            forget: keep nothing, not even which spans run.
        """
        self._splitter.since_s = trace.since_s
        if trace.linked_roots:
            self._links.forget(trace)
        if self._runs is not None:
            runs, rest = self._runs.group(trace, hold=hold)
            if runs or rest:
                return self._runs.emit_grouped(trace, runs, rest, forget=forget)
        if not trace.running and trace.spans:
            ordered = trees.find_single_tree(trace.spans)
            if ordered is not None:
                return self._emit_whole(trace, ordered)
        all_trees = trees.build_trees(trace.spans, trace.running)
        held = [t for t in all_trees if hold and t.top in trace.running]
        emitting = [t for t in all_trees if not (hold and t.top in trace.running)]
        kept = [record for tree in held for record in tree.records]
        self._open.restart(trace, kept, forget=forget)
        if not emitting:
            return []
        return list(self._splitter.split_trees(trace.trace_id, emitting))

    def _emit_runs(
        self, runs: RunEmitter, trace: OpenTrace, ended: list[str], now_s: float
    ) -> list[Trace]:
        """Emit the runs inside *trace* that have ended, while its root goes on."""
        waits = self._waits.get_run_waits(trace)
        ready, due = runs.emit_ended(trace, ended, now_s, waits)
        for run, due_s in due.items():
            self._deadlines.add(due_s, trace, run)
        if len(trace.spans) > self._config.max_spans_per_trace and not trace.running:
            return ready + self._emit(trace)
        self._open.close_if_empty(trace)
        return ready

    def _emit_whole(
        self, trace: OpenTrace, records: tuple[SpanRecord, ...]
    ) -> list[Trace]:
        """Emit *trace*: one tree of which nothing is missing."""
        self._open.restart(trace, [])
        return list(self._splitter.split_whole(trace.trace_id, records))
