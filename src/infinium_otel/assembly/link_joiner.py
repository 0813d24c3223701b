"""Traces that continue another one by a span link instead of a parent.

Source: Microsoft Agent Framework's workflows, Strands' memory extraction and AutoGen
hand work over by a span link; that work belongs to the run that handed it over.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import sort_key

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from infinium_otel.assembly.open_trace import OpenTrace
    from infinium_otel.records import SpanLink, SpanRecord

MAX_JOINED = 10_000
"""Trace ids remembered as part of another, at most."""


class LinkJoiner:
    """Joins a trace whose root links into a running trace to that trace."""

    def __init__(self, open_traces: MutableMapping[str, OpenTrace]) -> None:
        self._open = open_traces
        self._joined: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[str, OpenTrace] = {}

    def resolve(self, trace_id: str) -> str:
        """The trace that *trace_id* was joined to; *trace_id* itself if to none."""
        while trace_id in self._joined:
            trace_id = self._joined[trace_id]
        return trace_id

    def join_linked(
        self, touched: MutableMapping[str, OpenTrace], now_s: float
    ) -> None:
        """Join open traces that link into another, and update *touched*.

        Those without a target so far are retried: it may come in a later batch.
        """
        for trace in touched.values():
            if trace.linked_roots:
                self._waiting[trace.trace_id] = trace
        if not self._waiting:
            return
        linked = sorted(
            self._waiting.values(), key=lambda t: sort_key(t.linked_roots[0])
        )
        for trace in linked:
            target = self._try_join(trace)
            if target is not None:
                target.last_seen_s = now_s
                touched.pop(trace.trace_id, None)
                touched[target.trace_id] = target

    def forget(self, trace: OpenTrace) -> None:
        """Stop looking for a target of *trace*, which is being emitted."""
        self._waiting.pop(trace.trace_id, None)

    def _try_join(self, trace: OpenTrace) -> OpenTrace | None:
        """The trace that *trace* was joined to; None if it remains separate."""
        root = trace.linked_roots[0]
        if len(trace.linked_roots) > 1:
            return None
        for link in root.links:
            target = self._find_target(root, link)
            if target is not None:
                self._join(trace, replace(root, parent_id=link.span_id), target)
                return target
        return None

    def _find_target(self, root: SpanRecord, link: SpanLink) -> OpenTrace | None:
        """The open trace that *link* points to, if it ran when *root* began."""
        trace = self._open.get(self.resolve(link.trace_id))
        if trace is None or trace.trace_id == self.resolve(root.trace_id):
            return None
        if link.span_id in trace.running:
            return trace
        if link.span_id not in trace.spans:
            return None
        start_ns = min(record.start_ns for record in trace.spans.values())
        end_ns = max(record.end_ns for record in trace.spans.values())
        was_running = trace.running or root.start_ns <= end_ns
        return trace if was_running and start_ns <= root.start_ns else None

    def _join(self, trace: OpenTrace, root: SpanRecord, target: OpenTrace) -> None:
        trace.spans[root.span_id] = root
        target.join(trace)
        del self._open[trace.trace_id]
        self.forget(trace)
        self._joined[trace.trace_id] = target.trace_id
        if len(self._joined) > MAX_JOINED:
            self._joined.popitem(last=False)
