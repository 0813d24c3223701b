"""Log events that wait until the trace of their span is emitted."""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import TYPE_CHECKING

from infinium_otel.assembly.open_trace import estimate_log_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

MAX_LOGS = 20_000
"""Log events waiting, at most."""


class LogBuffer:
    """Log events by trace id, bounded in number, bytes and time; the oldest are dropped.

    Attributes:
        dropped: how many were dropped because their span was not emitted in time, or had
            been emitted before.
    """

    def __init__(self, max_bytes: int, max_logs: int = MAX_LOGS) -> None:
        self._traces: OrderedDict[str, tuple[float, list[LogEvent]]] = OrderedDict()
        self._max_bytes = max_bytes
        self._max_logs = max_logs
        self._bytes = 0
        self._count = 0
        self.dropped = 0

    @property
    def size(self) -> int:
        """About how many bytes they use."""
        return self._bytes

    @property
    def since_s(self) -> float | None:
        """When the first of them came; None if there is none."""
        return min((since_s for since_s, _ in self._traces.values()), default=None)

    def find_since(self, records: Iterable[SpanRecord]) -> float:
        """When the first log event that waits for these traces came; infinity if none."""
        if not self._traces:
            return inf
        ids = {record.trace_id for record in records}.intersection(self._traces)
        return min((self._traces[each][0] for each in ids), default=inf)

    def add(self, log: LogEvent, now_s: float) -> None:
        """Keep *log* until its span is emitted."""
        _, logs = self._traces.setdefault(log.trace_id, (now_s, []))
        logs.append(log)
        self._count += 1
        self._bytes += estimate_log_size(log)
        while self._count > self._max_logs or self._bytes > self._max_bytes:
            self.drop_oldest()

    def expire(self, before_s: float) -> None:
        """Drop the log events of traces whose first one came before *before_s*."""
        while self._traces and next(iter(self._traces.values()))[0] < before_s:
            self.drop_oldest()

    def pop(self, records: Iterable[SpanRecord]) -> tuple[LogEvent, ...]:
        """Remove and return the log events of these spans, in time order."""
        if not self._traces:
            return ()
        taken: list[LogEvent] = []
        by_trace: dict[str, set[str]] = {}
        for record in records:
            by_trace.setdefault(record.trace_id, set()).add(record.span_id)
        for trace_id, span_ids in by_trace.items():
            taken += self._pop(trace_id, span_ids)
        return tuple(sorted(taken, key=_sort_key))

    def _pop(self, trace_id: str, span_ids: set[str]) -> list[LogEvent]:
        since_s, logs = self._traces.pop(trace_id, (0.0, []))
        taken = [log for log in logs if log.span_id in span_ids]
        remaining = [log for log in logs if log.span_id not in span_ids]
        if remaining:
            self._traces[trace_id] = (since_s, remaining)
        self._count -= len(taken)
        self._bytes -= sum(estimate_log_size(log) for log in taken)
        return taken

    def drop_oldest(self) -> None:
        """Drop the log events of the trace whose first one came first."""
        _, (_, logs) = self._traces.popitem(last=False)
        self.dropped += len(logs)
        self._count -= len(logs)
        self._bytes -= sum(estimate_log_size(log) for log in logs)


def _sort_key(log: LogEvent) -> tuple[int, str, str]:
    return log.time_ns, log.span_id, log.name
