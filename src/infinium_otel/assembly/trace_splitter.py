"""How emitted spans are split into tasks, and which earlier task they continue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.assembly import trees
from infinium_otel.records import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.assembly.emitted_traces import EmittedTraces
    from infinium_otel.assembly.log_buffer import LogBuffer
    from infinium_otel.assembly.runs import Run
    from infinium_otel.assembly.trees import Group, Tree
    from infinium_otel.config import Config
    from infinium_otel.records import SpanRecord


class TraceSplitter:
    """Makes traces of the emitted trees, each with its root, part and log events.

    Args:
        emitted: what was emitted before; late spans continue it.
        emitted_spans: spans emitted so far.
        since_s: when the first span of the trace that is being split was received.
    """

    def __init__(self, config: Config, emitted: EmittedTraces, logs: LogBuffer) -> None:
        self._per_trace = config.task_per == "trace"
        self._max_spans = config.max_spans_per_trace
        self._logs = logs
        self._emitted = emitted
        self.emitted_spans = 0
        self.since_s = 0.0

    def split_whole(
        self, trace_id: str, records: tuple[SpanRecord, ...]
    ) -> Iterator[Trace]:
        """Traces of one tree in order, the root first, of which nothing is missing."""
        root = records[0]
        # A top with a remote parent serves as the root until the true root is seen.
        rooted = not self._per_trace or root.parent_id is None
        root_id = self._resolve_root(trace_id, root.span_id)
        return self._split(trace_id, root_id, records, complete=True, rooted=rooted)

    def split_trees(self, trace_id: str, emitting: list[Tree]) -> Iterator[Trace]:
        """Traces of any trees: complete, without a root, or the rest of an emitted one."""
        for group in self._group_trees(trace_id, emitting):
            yield from self._split(
                trace_id,
                group.root_id,
                trees.sort_parents_first(group.records),
                complete=group.complete or self._completes_emitted(trace_id, group),
                rooted=group.rooted,
            )

    def split_run(self, trace_id: str, run: Run) -> Iterator[Trace]:
        """Traces of one of the runs inside a trace, or of a late part of it."""
        ids = [record.span_id for record in run.between]
        if ids:
            self._emitted.record(
                trace_id, f"-{run.root_id}", ids, rooted=True, is_run=None
            )
            self.emitted_spans += len(ids)
        found = self._split(
            trace_id,
            run.root_id,
            trees.sort_parents_first(run.records),
            complete=run.complete,
            rooted=run.rooted,
            is_run=True,
        )
        for trace in found:
            yield replace(trace, between=tuple(run.between)) if ids else trace
            ids = []

    def split_rest(self, trace_id: str, records: list[SpanRecord]) -> Iterator[Trace]:
        """What ran between runs and has no later run to go with."""
        if records:
            top = min(records, key=trees.sort_key).span_id
            yield from self._split(
                trace_id,
                f"-{top}",
                trees.sort_parents_first(records),
                complete=True,
                rooted=True,
                is_run=None,
            )

    def _group_trees(self, trace_id: str, emitting: list[Tree]) -> list[Group]:
        if self._per_trace:
            found = [trees.group_all(emitting)]
            emitting = []
        else:
            found = trees.group_overlapping(tree for tree in emitting if tree.rooted)
        for group in found:
            group.root_id = self._resolve_root(trace_id, group.root_id)
        late: dict[str, Group] = {}
        orphans = [tree for tree in emitting if not tree.rooted]
        for tree in orphans:
            root_id = self._find_earlier_root(trace_id, tree)
            if root_id is None and found:
                trees.find_nearest(tree, found).trees.append(tree)
            else:
                root_id = root_id or self._find_last_root(trace_id) or orphans[0].top
                group = late.setdefault(root_id, trees.group_all([tree]))
                group.root_id = root_id
                if tree not in group.trees:
                    group.trees.append(tree)
        return [*found, *late.values()]

    def _resolve_root(self, trace_id: str, root_id: str) -> str:
        """The root of a task that was emitted before its root ended; else *root_id*."""
        for task in self._emitted.tasks(trace_id):
            if not task.rooted or self._per_trace:
                return task.root_id
        return root_id

    def _find_earlier_root(self, trace_id: str, tree: Tree) -> str | None:
        """The root of the emitted task that contains the parent of *tree*, if any."""
        parents = [r.parent_id for r in tree.records if r.span_id == tree.top]
        for task in self._emitted.tasks(trace_id):
            if task.root_id == tree.top or any(task.contains(p) for p in parents):
                return task.root_id
        return None

    def _find_last_root(self, trace_id: str) -> str | None:
        tasks = self._emitted.tasks(trace_id)
        return tasks[-1].root_id if tasks else None

    def _split(  # noqa: PLR0913 - what a trace is made of
        self,
        trace_id: str,
        root_id: str,
        records: tuple[SpanRecord, ...],
        *,
        complete: bool,
        rooted: bool,
        is_run: bool | None = False,
    ) -> Iterator[Trace]:
        for start in range(0, len(records), self._max_spans):
            chunk = records[start : start + self._max_spans]
            ids = [record.span_id for record in chunk]
            part = self._emitted.record(
                trace_id, root_id, ids, rooted=rooted, is_run=is_run
            )
            self.emitted_spans += len(chunk)
            # A log event of it may have come before its first span.
            since_s = min(self.since_s, self._logs.find_since(chunk))
            logs = self._logs.pop(chunk)
            yield Trace(
                trace_id,
                root_id,
                chunk,
                logs,
                complete,
                part,
                is_task=is_run is not None,
                since_s=since_s if logs else self.since_s,
            )

    def _completes_emitted(self, trace_id: str, group: Group) -> bool:
        """Whether all parents that are not in *group* were emitted before."""
        return all(
            not tree.running
            and (tree.rooted or self._find_earlier_root(trace_id, tree) is not None)
            for tree in group.trees
        )
