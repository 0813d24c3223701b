"""When open traces, and the runs inside them, are emitted."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.assembly.open_trace import OpenTrace
    from infinium_otel.assembly.open_traces import OpenTraces


class Deadlines:
    """The deadlines, of which those that were moved or whose trace is closed are ignored.

    A deadline is that of a trace (`OpenTrace.due_s`), or that of a run inside it
    (`LiveRuns.due_s`).
    """

    def __init__(self, open_traces: OpenTraces) -> None:
        self._open = open_traces
        self._heap: list[tuple[float, int, OpenTrace, str | None]] = []
        self._numbers = count()

    def add(self, due_s: float, trace: OpenTrace, run: str | None = None) -> None:
        """Add a deadline, which the trace or its runs know already."""
        heappush(self._heap, (due_s, next(self._numbers), trace, run))

    def pop(self, now_s: float) -> tuple[OpenTrace, str | None] | None:
        """The next trace or run that is due by *now_s*; None if none is."""
        due_s = self.get_next()
        if due_s is None or due_s > now_s:
            return None
        _, _, trace, run = heappop(self._heap)
        return trace, run

    def get_next(self) -> float | None:
        """The time of the next deadline; None if there is none."""
        while self._heap:
            due_s, _, trace, run = self._heap[0]
            if self._is_current(trace, due_s, run):
                return due_s
            heappop(self._heap)
        return None

    def _is_current(self, trace: OpenTrace, due_s: float, run: str | None) -> bool:
        if trace not in self._open:
            return False
        if run is None:
            return trace.due_s == due_s
        return trace.runs is not None and trace.runs.due_s.get(run) == due_s
