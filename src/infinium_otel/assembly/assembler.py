"""The state machine: what happens to traces as spans start, end and stay away."""

from __future__ import annotations

from collections import Counter, OrderedDict
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from infinium_otel.assembly import forest
from infinium_otel.assembly.departed import DepartedTraces
from infinium_otel.assembly.forest import NO_ID
from infinium_otel.assembly.joining import Links
from infinium_otel.assembly.logbuffer import LogBuffer
from infinium_otel.assembly.opentrace import OpenTrace, size_of
from infinium_otel.assembly.parting import Parting
from infinium_otel.records import LogEvent, SpanRecord, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.config import Config

SETTLE_S = 5.0
"""Seconds a whole trace (`task_per=trace`) must be quiet once its root has ended: other
processes send their spans up to five seconds late (the SDK's batch delay)."""
LATE_S = 1.0
"""Seconds spans that came too late are gathered before they leave as one part."""
NO_TRACE = "0" * 32
LOG_SHARE = 4
"""Log events may take one part in so many of `max_open_bytes`."""


class Assembler:
    """Groups spans by root and gives each trace away when it is complete.

    Where the starts of spans are told (`opened`), a trace is complete when its root
    and every span known to be running have ended; where they are not, when its root
    has ended and the batch that brought it is read through.

    Args:
        received: spans fed in so far.
        open_spans: ended spans waiting in open traces.
        refused: spans not taken, by reason: `duplicate`, `invalid_id`.
        settle_s: seconds a complete trace still waits, for its log events.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._per_trace = config.task_per == "trace"
        self._open: OrderedDict[str, OpenTrace] = OrderedDict()
        self._logs = LogBuffer(config.max_open_bytes // LOG_SHARE)
        self._departed = DepartedTraces()
        self._parting = Parting(config, self._departed, self._logs)
        self._links = Links(self._open)
        self._deadlines: list[tuple[float, int, OpenTrace]] = []
        self._numbers = count()
        self._running = 0
        self._bytes = 0
        self.settle_s = min(SETTLE_S, config.linger_s) if self._per_trace else 0.0
        self.received = 0
        self.open_spans = 0
        self.refused: Counter[str] = Counter()

    @property
    def open_bytes(self) -> int:
        """About how many bytes the waiting spans take."""
        return self._bytes

    @property
    def open_traces(self) -> int:
        """Traces with a span that waits or runs."""
        return len(self._open)

    @property
    def waiting_traces(self) -> int:
        """Traces with an ended span that waits."""
        return sum(1 for trace in self._open.values() if trace.spans)

    @property
    def open_since(self) -> float | None:
        """When the first of the spans that still wait came in; None if none waits."""
        return min((t.since_s for t in self._open.values() if t.spans), default=None)

    @property
    def left(self) -> int:
        """Spans given away in traces."""
        return self._parting.left

    @property
    def dropped_logs(self) -> int:
        """Log events given up because no span of theirs left in time."""
        return self._logs.dropped

    def opened(
        self,
        trace_id: str,
        span_id: str,
        parent_id: str | None,
        is_remote: bool,  # noqa: FBT001 - one of five plain facts of a span
        now_s: float,
    ) -> None:
        """A span has started; its end will come through `feed`."""
        trace = self._trace(trace_id, now_s)
        trace.told = True
        if span_id not in trace.running:
            self._running += 1
        trace.running[span_id] = None if is_remote else parent_id

    def feed(
        self, records: Iterable[SpanRecord | LogEvent], now_s: float
    ) -> list[Trace]:
        """One batch of ended spans and log events, in any order.

        Returns:
            the traces that are complete now, or had to leave to keep the bounds.
        """
        touched: dict[str, OpenTrace] = {}
        for record in records:
            if isinstance(record, LogEvent):
                self._logs.add(record, now_s)
            else:
                trace = self._add(record, now_s)
                if trace is not None:
                    touched[trace.trace_id] = trace
        self._links.follow(touched, now_s)
        ready: list[Trace] = []
        for trace in touched.values():
            ready += self._look_at(trace, now_s)
        ready += self._keep_bounds()
        return ready

    def due(self, now_s: float) -> list[Trace]:
        """The traces whose time has come."""
        ready: list[Trace] = []
        while self._deadlines and self._deadlines[0][0] <= now_s:
            due_s, _, trace = heappop(self._deadlines)
            if self._is_current(trace, due_s):
                ready += self._leave(trace, hold=True)
        for trace in self._timed_out(now_s):
            trace.heard_s = now_s
            self._open.move_to_end(trace.trace_id)
            ready += self._leave(trace, forget=not trace.spans)
        self._logs.expire(now_s - self._config.trace_timeout_s)
        return ready

    def next_due(self) -> float | None:
        """When to call `due` next; None if nothing waits."""
        while self._deadlines:
            due_s, _, trace = self._deadlines[0]
            if self._is_current(trace, due_s):
                break
            heappop(self._deadlines)
        times = [entry[0] for entry in self._deadlines[:1]]
        for trace in self._open.values():
            times.append(trace.heard_s + self._config.trace_timeout_s)
            break
        return min(times, default=None)

    def flush(self, now_s: float) -> list[Trace]:
        """Everything that has ended, complete or not."""
        ready: list[Trace] = []
        for trace in list(self._open.values()):
            trace.heard_s = max(trace.heard_s, now_s)
            ready += self._leave(trace)
        return ready

    def _trace(self, trace_id: str, now_s: float) -> OpenTrace:
        trace_id = self._links.resolve(trace_id)
        trace = self._open.get(trace_id)
        if trace is None:
            trace = self._open[trace_id] = OpenTrace(trace_id, now_s)
        else:
            trace.heard_s = now_s
            self._open.move_to_end(trace_id)
        return trace

    def _add(self, record: SpanRecord, now_s: float) -> OpenTrace | None:
        self.received += 1
        if record.trace_id in ("", NO_TRACE) or record.span_id in ("", NO_ID):
            self.refused["invalid_id"] += 1
            return None
        if record.parent_id in (record.span_id, NO_ID, ""):
            record = forest.without_parent(record)
        trace = self._trace(record.trace_id, now_s)
        if self._is_known(trace, record.span_id):
            self.refused["duplicate"] += 1
            if not (trace.spans or trace.running):
                del self._open[trace.trace_id]
            return None
        self._running -= record.span_id in trace.running
        size = size_of(record)
        trace.add(record, size)
        self.open_spans += 1
        self._bytes += size
        return trace

    def _is_known(self, trace: OpenTrace, span_id: str) -> bool:
        return span_id in trace.spans or self._departed.holds(trace.trace_id, span_id)

    def _look_at(self, trace: OpenTrace, now_s: float) -> list[Trace]:
        """Let *trace* leave if it is complete; else say until when it may wait."""
        wait_s = self._wait_s(trace)
        if wait_s is not None and wait_s <= 0:
            return self._leave(trace, hold=True)
        if wait_s is None:
            trace.due_s = None
        elif trace.due_s is None or self._is_quiet_time(trace):
            trace.due_s = now_s + wait_s
            entry = (trace.due_s, next(self._numbers), trace)
            heappush(self._deadlines, entry)
        return []

    def _is_quiet_time(self, trace: OpenTrace) -> bool:
        """True if the wait begins anew with each span."""
        return self._per_trace and not trace.running

    def _wait_s(self, trace: OpenTrace) -> float | None:
        """Seconds from now until *trace* leaves; None if only the timeout says."""
        late = trace.trace_id in self._departed
        if trace.running:
            if trace.root_ended or late:
                return self._config.linger_s
        elif trace.root_ended:
            return self._rooted_wait_s(trace)
        elif late:
            return 0.0 if trace.told else LATE_S
        too_long = len(trace.spans) > self._config.max_spans_per_trace
        return 0.0 if too_long else None

    def _rooted_wait_s(self, trace: OpenTrace) -> float:
        if self._per_trace and not trace.true_root_ended:
            return self._config.linger_s
        return self.settle_s

    def _is_current(self, trace: OpenTrace, due_s: float) -> bool:
        return trace.due_s == due_s and self._open.get(trace.trace_id) is trace

    def _timed_out(self, now_s: float) -> list[OpenTrace]:
        found = []
        for trace in self._open.values():
            if trace.heard_s + self._config.trace_timeout_s > now_s:
                break
            found.append(trace)
        return found

    def _keep_bounds(self) -> list[Trace]:
        """Send the traces that were quiet longest, until the rest is within bounds."""
        config = self._config
        ready: list[Trace] = []
        while self._open and (
            len(self._open) > config.max_open_traces
            or self.open_spans + self._running > config.max_open_spans
            or self._bytes > config.max_open_bytes
        ):
            trace = next(iter(self._open.values()))
            ready += self._leave(trace, forget=True)
        return ready

    def _leave(
        self, trace: OpenTrace, *, hold: bool = False, forget: bool = False
    ) -> list[Trace]:
        """Give away what has ended of *trace*.

        Args:
            trace: an open one.
            hold: keep trees whose root still runs.
            forget: keep nothing, not even which spans run.
        """
        if trace.linked:
            self._links.forget(trace)
        if not trace.running and trace.spans:
            plain = forest.plain_tree(trace.spans)
            if plain is not None:
                return self._leave_whole(trace, plain)
        found = forest.trees(trace.spans, trace.running)
        held = [t for t in found if hold and t.top in trace.running]
        going = [t for t in found if not (hold and t.top in trace.running)]
        self.open_spans -= len(trace.spans)
        self._bytes -= trace.size
        trace.restart([record for tree in held for record in tree.records])
        self.open_spans += len(trace.spans)
        self._bytes += trace.size
        if forget or not (trace.spans or trace.running):
            self._running -= len(trace.running)
            del self._open[trace.trace_id]
        return list(self._parting.traces(trace.trace_id, going)) if going else []

    def _leave_whole(
        self, trace: OpenTrace, records: tuple[SpanRecord, ...]
    ) -> list[Trace]:
        """Give *trace* away: one tree, of which nothing is missing."""
        self.open_spans -= len(records)
        self._bytes -= trace.size
        trace.restart([])  # a deadline may hold on to it for a while
        del self._open[trace.trace_id]
        return list(self._parting.whole(trace.trace_id, records))
