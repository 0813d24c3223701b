"""All traces that were not emitted yet, and what they use."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

from infinium_otel.assembly.open_trace import OpenTrace, WaitingTrace, estimate_size
from infinium_otel.assembly.trees import is_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.config import Config
    from infinium_otel.records import SpanRecord, SpanStart


class OpenTraces:
    """The open traces, the one that was quiet longest first.

    Attributes:
        by_id: the traces by their ids; `LinkJoiner` removes the ids it joins.
        spans: ended spans that wait.
        running: spans known to run.
        size: about how many bytes the waiting spans use.
    """

    def __init__(self) -> None:
        self.by_id: OrderedDict[str, OpenTrace] = OrderedDict()
        self.spans = 0
        self.running = 0
        self.size = 0

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[OpenTrace]:
        return iter(self.by_id.values())

    def __contains__(self, trace: OpenTrace) -> bool:
        return self.by_id.get(trace.trace_id) is trace

    @property
    def first(self) -> OpenTrace | None:
        """The trace that was quiet longest; None if none is open."""
        return next(iter(self.by_id.values()), None)

    def peek(self, limit: int) -> list[WaitingTrace]:
        """The traces with an ended span, what changed last first; *limit* at most."""
        newest = (trace for trace in reversed(self.by_id.values()) if trace.spans)
        return [
            WaitingTrace(trace.trace_id, trace.last_seen_s, tuple(trace.spans.values()))
            for trace in islice(newest, limit)
        ]

    def get_or_open(self, trace_id: str, now_s: float) -> OpenTrace:
        """The trace of that id, in which something happens now."""
        trace = self.by_id.get(trace_id)
        if trace is None:
            trace = self.by_id[trace_id] = OpenTrace(trace_id, now_s)
        else:  # as `touch`
            trace.last_seen_s = now_s
            self.by_id.move_to_end(trace_id)
        return trace

    def touch(self, trace: OpenTrace, now_s: float) -> None:
        """Record that something happens in *trace* now."""
        trace.last_seen_s = now_s
        self.by_id.move_to_end(trace.trace_id)

    def start(self, trace: OpenTrace, start: SpanStart) -> None:
        """Add a span that runs."""
        trace.starts_seen = True
        if start.span_id not in trace.running:
            self.running += 1
        trace.running[start.span_id] = None if is_root(start) else start.parent_id
        if is_root(start) and trace.root_start is None:
            trace.root_start = start

    def add(self, trace: OpenTrace, record: SpanRecord) -> None:
        """Add a span that has ended."""
        if trace.running:
            self.running -= record.span_id in trace.running
        size = estimate_size(record)
        trace.add(record, size)
        self.spans += 1
        self.size += size

    def remove(self, trace: OpenTrace, records: list[SpanRecord]) -> None:
        """Remove ended spans that are emitted while the rest of *trace* waits."""
        before = trace.size
        trace.remove(records)
        self.size += trace.size - before
        self.spans -= len(records)

    def restart(
        self, trace: OpenTrace, kept: list[SpanRecord], *, forget: bool = False
    ) -> None:
        """Continue *trace* with the spans that are not emitted.

        Args:
            kept: its ended spans that wait on.
            forget: close it, even if spans of it run.
        """
        self.spans -= len(trace.spans)
        self.size -= trace.size
        trace.restart(kept)
        self.spans += len(trace.spans)
        self.size += trace.size
        if forget or not (trace.spans or trace.running):
            self.running -= len(trace.running)
            del self.by_id[trace.trace_id]

    def close_if_empty(self, trace: OpenTrace) -> None:
        """Close *trace* if nothing of it waits or runs."""
        if not (trace.spans or trace.running):
            del self.by_id[trace.trace_id]

    def find_timed_out(
        self, timeout_s: float, now_s: float, limit: float = inf
    ) -> list[OpenTrace]:
        """The traces in which nothing has happened for *timeout_s*; *limit* at most."""
        found: list[OpenTrace] = []
        for trace in self:
            if trace.last_seen_s + timeout_s > now_s or len(found) >= limit:
                break
            found.append(trace)
        return found

    def exceeds(self, config: Config) -> bool:
        """Whether one of the bounds is exceeded."""
        return (
            len(self.by_id) > config.max_open_traces
            or self.spans + self.running > config.max_open_spans
            or self.size > config.max_open_bytes
        )
