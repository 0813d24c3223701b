"""How what leaves is cut into tasks, and which task it goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.assembly import forest
from infinium_otel.records import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.assembly.departed import DepartedTraces
    from infinium_otel.assembly.forest import Group, Tree
    from infinium_otel.assembly.logbuffer import LogBuffer
    from infinium_otel.config import Config
    from infinium_otel.records import SpanRecord


class Parting:
    """Makes traces of the trees that leave, each with its root, part and log events.

    Args:
        departed: what has left before; late spans continue it.
        left: spans given away so far.
    """

    def __init__(
        self, config: Config, departed: DepartedTraces, logs: LogBuffer
    ) -> None:
        self._per_trace = config.task_per == "trace"
        self._most = config.max_spans_per_trace
        self._logs = logs
        self._departed = departed
        self.left = 0

    def whole(self, trace_id: str, records: tuple[SpanRecord, ...]) -> Iterator[Trace]:
        """One tree in order, the root first, of which nothing is missing."""
        root = records[0]
        # A top with its parent elsewhere stands for the root until that one is seen.
        rooted = not self._per_trace or root.parent_id is None
        root_id = self._continued(trace_id, root.span_id)
        return self._parts(trace_id, root_id, records, complete=True, rooted=rooted)

    def traces(self, trace_id: str, going: list[Tree]) -> Iterator[Trace]:
        """Trees of any kind: whole, without a root, or the rest of one that left."""
        for group in self._groups(trace_id, going):
            yield from self._parts(
                trace_id,
                group.root_id,
                forest.in_order(group.records),
                complete=group.whole or self._is_whole_late(trace_id, group),
                rooted=group.rooted,
            )

    def _groups(self, trace_id: str, going: list[Tree]) -> list[Group]:
        if self._per_trace:
            found = [forest.one_group(going)]
            going = []
        else:
            found = forest.groups(tree for tree in going if tree.rooted)
        for group in found:
            group.root_id = self._continued(trace_id, group.root_id)
        late: dict[str, Group] = {}
        orphans = [tree for tree in going if not tree.rooted]
        for tree in orphans:
            root_id = self._earlier_root(trace_id, tree)
            if root_id is None and found:
                forest.nearest(tree, found).trees.append(tree)
            else:
                root_id = root_id or self._last_root(trace_id) or orphans[0].top
                group = late.setdefault(root_id, forest.one_group([tree]))
                group.root_id = root_id
                if tree not in group.trees:
                    group.trees.append(tree)
        return [*found, *late.values()]

    def _continued(self, trace_id: str, root_id: str) -> str:
        """The root of a task that had to leave before its root did; else *root_id*."""
        for task in self._departed.tasks(trace_id):
            if not task.rooted or self._per_trace:
                return task.root_id
        return root_id

    def _earlier_root(self, trace_id: str, tree: Tree) -> str | None:
        """The root of the task that left with the parent of *tree*, if one did."""
        parents = [r.parent_id for r in tree.records if r.span_id == tree.top]
        for task in self._departed.tasks(trace_id):
            if task.root_id == tree.top or any(task.has(p) for p in parents):
                return task.root_id
        return None

    def _last_root(self, trace_id: str) -> str | None:
        tasks = self._departed.tasks(trace_id)
        return tasks[-1].root_id if tasks else None

    def _parts(
        self,
        trace_id: str,
        root_id: str,
        records: tuple[SpanRecord, ...],
        *,
        complete: bool,
        rooted: bool,
    ) -> Iterator[Trace]:
        for start in range(0, len(records), self._most):
            chunk = records[start : start + self._most]
            ids = [record.span_id for record in chunk]
            part = self._departed.note(trace_id, root_id, ids, rooted=rooted)
            self.left += len(chunk)
            logs = self._logs.take(chunk)
            yield Trace(trace_id, root_id, chunk, logs, complete, part)

    def _is_whole_late(self, trace_id: str, group: Group) -> bool:
        """True if the parents that are not in *group* have all left before."""
        return all(
            not tree.running
            and (tree.rooted or self._earlier_root(trace_id, tree) is not None)
            for tree in group.trees
        )
