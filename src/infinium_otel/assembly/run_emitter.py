"""Emits the runs inside open traces, each on its own (`Config.task_per` "agent")."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from infinium_otel.assembly import trees
from infinium_otel.assembly.live_runs import LiveRuns
from infinium_otel.assembly.runs import Run

if TYPE_CHECKING:
    from infinium_otel.assembly.emitted_traces import EmittedTraces
    from infinium_otel.assembly.open_trace import OpenTrace
    from infinium_otel.assembly.open_traces import OpenTraces
    from infinium_otel.assembly.roles import Roles
    from infinium_otel.assembly.trace_splitter import TraceSplitter
    from infinium_otel.assembly.waits import Waits
    from infinium_otel.records import SpanRecord, Trace


class RunEmitter:
    """Finds the runs inside traces, and emits them.

    Args:
        roles: finds out which spans are agents, workflows and calls.
        open_traces: the traces that were not emitted yet.
        emitted: what was emitted before; late spans continue it.
        splitter: makes traces of runs.
    """

    def __init__(
        self,
        roles: Roles,
        open_traces: OpenTraces,
        emitted: EmittedTraces,
        splitter: TraceSplitter,
    ) -> None:
        self._roles = roles
        self._open = open_traces
        self._emitted = emitted
        self._splitter = splitter

    def index(self, trace: OpenTrace) -> LiveRuns:
        """The runs of *trace*, indexed anew after its spans were replaced."""
        runs = trace.runs
        if runs is None or not runs.indexes(trace.spans):
            runs = trace.runs = LiveRuns(
                trace.spans,
                trace.running,
                self._roles,
                partial(self._emitted.find_run, trace.trace_id),
                runs.start_roles if runs is not None else None,
            )
        return runs

    def emit_ended(
        self, trace: OpenTrace, ended: list[str], now_s: float, waits: Waits
    ) -> tuple[list[Trace], dict[str, float]]:
        """Emit the runs inside *trace* that have ended.

        Args:
            ended: the spans of it that have ended since the last call.
            waits: how long each run waits, see `WaitTimes.get_run_waits`.

        Returns:
            What is emitted, and when each of the runs that wait is due.
        """
        if trace.runs is None or not trace.runs.indexes(trace.spans):
            ended = list(trace.spans)  # those of another trace were joined to it
        runs = self.index(trace)
        ready: list[Trace] = []
        complete, waiting = runs.update(ended, now_s, waits)
        for run in complete:
            ready += self.emit_run(trace, run)
        return ready, {run: runs.due_s[run] for run in waiting if run in runs.due_s}

    def emit_run(self, trace: OpenTrace, root_id: str) -> list[Trace]:
        """Emit one of the runs inside *trace*, or what came late of it."""
        self._splitter.since_s = trace.since_s
        runs = self.index(trace)
        records = runs.collect(root_id)
        is_late = root_id not in trace.spans
        run = Run(root_id, records, between=runs.collect_between(root_id))
        run.complete = is_late or not runs.is_running(root_id)
        runs.due_s.pop(root_id, None)
        self._remove(trace, [*records, *run.between])
        return list(self._splitter.split_run(trace.trace_id, run)) if records else []

    def _remove(self, trace: OpenTrace, records: list[SpanRecord]) -> None:
        self._open.remove(trace, records)
        if trace.runs is not None:
            trace.runs.remove(records)

    def group(
        self, trace: OpenTrace, *, hold: bool
    ) -> tuple[list[Run], list[SpanRecord]]:
        """The runs in *trace*, and what lies behind the last; nothing if it has none.

        Args:
            hold: exclude what lies below a span that runs.
        """
        if not trace.spans:
            return [], []
        runs = self.index(trace)
        records = list(trace.spans.values())
        if hold and trace.running:
            records = [
                record
                for tree in trees.build_trees(trace.spans, trace.running)
                if tree.top not in trace.running
                for record in tree.records
            ]
        found, rest = runs.group(records)
        if found or self._emitted.has_runs(trace.trace_id):
            return found, rest
        return [], []

    def emit_grouped(
        self,
        trace: OpenTrace,
        runs: list[Run],
        rest: list[SpanRecord],
        *,
        forget: bool,
    ) -> list[Trace]:
        """Emit *runs* and what lies behind the last of them, as `group` gave them."""
        ready: list[Trace] = []
        for run in runs:
            ready += self._splitter.split_run(trace.trace_id, run)
        ready += self._splitter.split_rest(trace.trace_id, rest)
        removed = {record.span_id for run in runs for record in run.records}
        removed.update(record.span_id for run in runs for record in run.between)
        removed.update(record.span_id for record in rest)
        kept = [r for span_id, r in trace.spans.items() if span_id not in removed]
        self._open.restart(trace, kept, forget=forget)
        return ready
