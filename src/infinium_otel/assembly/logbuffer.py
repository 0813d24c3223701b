"""Log events that wait for the trace of their span to leave."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from infinium_otel.assembly.opentrace import size_of_log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

MAX_LOGS = 20_000
"""Log events waiting, at most."""


class LogBuffer:
    """Log events by trace id, bounded in number, bytes and time; the oldest go first.

    Args:
        dropped: how many were given up, because no span of theirs left in time.
    """

    def __init__(self, max_bytes: int, max_logs: int = MAX_LOGS) -> None:
        self._traces: OrderedDict[str, tuple[float, list[LogEvent]]] = OrderedDict()
        self._max_bytes = max_bytes
        self._max_logs = max_logs
        self._bytes = 0
        self._count = 0
        self.dropped = 0

    def add(self, log: LogEvent, now_s: float) -> None:
        """Keep *log* until its span leaves."""
        _, logs = self._traces.setdefault(log.trace_id, (now_s, []))
        logs.append(log)
        self._count += 1
        self._bytes += size_of_log(log)
        while self._count > self._max_logs or self._bytes > self._max_bytes:
            self._drop_oldest()

    def expire(self, before_s: float) -> None:
        """Give up the traces whose first log event came before *before_s*."""
        while self._traces and next(iter(self._traces.values()))[0] < before_s:
            self._drop_oldest()

    def take(self, records: Iterable[SpanRecord]) -> tuple[LogEvent, ...]:
        """The log events of these spans, in time order; they wait no longer."""
        if not self._traces:
            return ()
        taken: list[LogEvent] = []
        by_trace: dict[str, set[str]] = {}
        for record in records:
            by_trace.setdefault(record.trace_id, set()).add(record.span_id)
        for trace_id, span_ids in by_trace.items():
            taken += self._take(trace_id, span_ids)
        return tuple(sorted(taken, key=_order))

    def _take(self, trace_id: str, span_ids: set[str]) -> list[LogEvent]:
        since_s, logs = self._traces.pop(trace_id, (0.0, []))
        taken = [log for log in logs if log.span_id in span_ids]
        left = [log for log in logs if log.span_id not in span_ids]
        if left:
            self._traces[trace_id] = (since_s, left)
        self._count -= len(taken)
        self._bytes -= sum(size_of_log(log) for log in taken)
        return taken

    def _drop_oldest(self) -> None:
        _, (_, logs) = self._traces.popitem(last=False)
        self.dropped += len(logs)
        self._count -= len(logs)
        self._bytes -= sum(size_of_log(log) for log in logs)


def _order(log: LogEvent) -> tuple[int, str, str]:
    return log.time_ns, log.span_id, log.name
