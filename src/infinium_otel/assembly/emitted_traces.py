"""Traces that emitted recently, to recognize late and repeated spans."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_TASKS = 10_000
"""Tasks remembered, at most: about 4 MB."""
MAX_SPANS = 500_000
"""Spans remembered, at most, eight bytes each."""
MAX_TASKS_PER_TRACE = 100
"""Tasks of one trace id remembered, at most: an upstream may never change its id."""


@dataclass(slots=True)
class EmittedTask:
    """An emitted task.

    Args:
        parts: how many parts of it were emitted.
        rooted: False if it was emitted without its root.
        is_run: whether it is one of the runs inside a trace; None if it is what ran
            between them.
        spans: hashes of the ids of its spans, sorted.
    """

    root_id: str
    rooted: bool
    parts: int
    spans: array[int]
    is_run: bool | None = False

    def contains(self, span_id: str | None) -> bool:
        """Whether the span was in it."""
        wanted = hash(span_id)
        at = bisect_left(self.spans, wanted)
        return at < len(self.spans) and self.spans[at] == wanted

    def add(self, span_ids: Iterable[str]) -> int:
        """Remember *span_ids* too; returns their number."""
        added = list(map(hash, span_ids))
        self.spans = array("q", sorted([*self.spans, *added]))
        return len(added)


class EmittedTraces:
    """The last emitted traces by trace id, bounded."""

    def __init__(self, max_tasks: int = MAX_TASKS, max_spans: int = MAX_SPANS) -> None:
        self._tasks: OrderedDict[str, list[EmittedTask]] = OrderedDict()
        self._max_tasks = max_tasks
        self._max_spans = max_spans
        self._count = 0
        self._spans = 0

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._tasks

    def tasks(self, trace_id: str) -> list[EmittedTask]:
        """The emitted tasks of *trace_id*, in the order in which they were emitted."""
        return self._tasks.get(trace_id, [])

    def has_span(self, trace_id: str, span_id: str) -> bool:
        """True if the span contains emitted_spans already."""
        tasks = self._tasks.get(trace_id)
        return tasks is not None and any(task.contains(span_id) for task in tasks)

    def find(self, trace_id: str, root_id: str) -> EmittedTask | None:
        """The task of that root, if it is still remembered."""
        found: Iterator[EmittedTask] = (
            task for task in self.tasks(trace_id) if task.root_id == root_id
        )
        return next(found, None)

    def find_run(self, trace_id: str, span_id: str) -> str | None:
        """The root of the run inside the trace in which the span was emitted, if any."""
        for task in self.tasks(trace_id):
            if task.is_run and (task.root_id == span_id or task.contains(span_id)):
                return task.root_id
        return None

    def has_runs(self, trace_id: str) -> bool:
        """Whether runs inside the trace were emitted."""
        return any(task.is_run for task in self.tasks(trace_id))

    def record(
        self,
        trace_id: str,
        root_id: str,
        span_ids: Iterable[str],
        *,
        rooted: bool,
        is_run: bool | None = False,
    ) -> int:
        """Record that these spans are emitted now; returns the number of the part."""
        task = self.find(trace_id, root_id)
        if task is None:
            task = EmittedTask(root_id, rooted, 0, array("q"), is_run)
            self._append(trace_id, task)
        self._tasks.move_to_end(trace_id)
        task.rooted = task.rooted or rooted
        task.parts += 1
        self._spans += task.add(span_ids)
        self._forget()
        return task.parts - 1

    def _append(self, trace_id: str, task: EmittedTask) -> None:
        tasks = self._tasks.setdefault(trace_id, [])
        tasks.append(task)
        self._count += 1
        if len(tasks) > MAX_TASKS_PER_TRACE:
            self._count -= 1
            self._spans -= len(tasks.pop(0).spans)

    def _forget(self) -> None:
        while len(self._tasks) > 1 and (
            self._count > self._max_tasks or self._spans > self._max_spans
        ):
            _, tasks = self._tasks.popitem(last=False)
            self._count -= len(tasks)
            self._spans -= sum(len(task.spans) for task in tasks)
