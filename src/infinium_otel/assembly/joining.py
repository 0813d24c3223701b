"""Traces that hang on another by a link instead of a parent.

Source: Microsoft Agent Framework's workflows, Strands' memory extraction and AutoGen
hand work over by a span link; what they hand over belongs to the run that did.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.assembly.forest import order

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from infinium_otel.assembly.opentrace import OpenTrace
    from infinium_otel.records import SpanLink, SpanRecord

MAX_JOINED = 10_000
"""Trace ids remembered as part of another, at most."""


class Links:
    """Moves a trace whose root links into a live trace over to that one."""

    def __init__(self, open_traces: MutableMapping[str, OpenTrace]) -> None:
        self._open = open_traces
        self._joined: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[str, OpenTrace] = {}

    def resolve(self, trace_id: str) -> str:
        """The trace that *trace_id* was joined to; itself if it was not."""
        while trace_id in self._joined:
            trace_id = self._joined[trace_id]
        return trace_id

    def follow(self, touched: MutableMapping[str, OpenTrace], now_s: float) -> None:
        """Join open traces that link into another; *touched* is kept right.

        Those that found no target yet are tried again: it may come in a later batch.
        """
        for trace in touched.values():
            if trace.linked:
                self._waiting[trace.trace_id] = trace
        if not self._waiting:
            return
        linked = sorted(self._waiting.values(), key=lambda t: order(t.linked[0]))
        for trace in linked:
            target = self._joined_to(trace)
            if target is not None:
                target.heard_s = now_s
                touched.pop(trace.trace_id, None)
                touched[target.trace_id] = target

    def forget(self, trace: OpenTrace) -> None:
        """*trace* leaves, with its links or without."""
        self._waiting.pop(trace.trace_id, None)

    def _joined_to(self, trace: OpenTrace) -> OpenTrace | None:
        """The trace that *trace* has become part of; None if it stays its own."""
        root = trace.linked[0]
        if len(trace.linked) > 1:
            return None
        for link in root.links:
            target = self._target(root, link)
            if target is not None:
                self._join(trace, replace(root, parent_id=link.span_id), target)
                return target
        return None

    def _target(self, root: SpanRecord, link: SpanLink) -> OpenTrace | None:
        """The live trace that *link* leads to: one that ran when *root* began."""
        trace = self._open.get(self.resolve(link.trace_id))
        if trace is None or trace.trace_id == self.resolve(root.trace_id):
            return None
        if link.span_id in trace.running:
            return trace
        if link.span_id not in trace.spans:
            return None
        start_ns = min(record.start_ns for record in trace.spans.values())
        end_ns = max(record.end_ns for record in trace.spans.values())
        lives = trace.running or root.start_ns <= end_ns
        return trace if lives and start_ns <= root.start_ns else None

    def _join(self, trace: OpenTrace, root: SpanRecord, target: OpenTrace) -> None:
        trace.spans[root.span_id] = root
        target.join(trace)
        del self._open[trace.trace_id]
        self.forget(trace)
        self._joined[trace.trace_id] = target.trace_id
        if len(self._joined) > MAX_JOINED:
            self._joined.popitem(last=False)
