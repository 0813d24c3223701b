"""Traces that left a short while ago, so that late and repeated spans are known."""

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
class Departed:
    """A task that left.

    Args:
        parts: how many parts of it have left.
        rooted: False if it left without its root.
        spans: hashes of the ids of its spans, sorted.
    """

    root_id: str
    rooted: bool
    parts: int
    spans: array[int]

    def has(self, span_id: str | None) -> bool:
        """True if the span was in it."""
        wanted = hash(span_id)
        at = bisect_left(self.spans, wanted)
        return at < len(self.spans) and self.spans[at] == wanted

    def learn(self, span_ids: Iterable[str]) -> int:
        """Remember *span_ids* too; returns how many there were."""
        fresh = [hash(span_id) for span_id in span_ids]
        self.spans = array("q", sorted([*self.spans, *fresh]))
        return len(fresh)


class DepartedTraces:
    """The traces that left last, by trace id, bounded."""

    def __init__(self, max_tasks: int = MAX_TASKS, max_spans: int = MAX_SPANS) -> None:
        self._tasks: OrderedDict[str, list[Departed]] = OrderedDict()
        self._max_tasks = max_tasks
        self._max_spans = max_spans
        self._count = 0
        self._spans = 0

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._tasks

    def tasks(self, trace_id: str) -> list[Departed]:
        """The tasks of *trace_id* that left, in the order in which they did."""
        return self._tasks.get(trace_id, [])

    def holds(self, trace_id: str, span_id: str) -> bool:
        """True if the span has left already."""
        tasks = self._tasks.get(trace_id)
        return tasks is not None and any(task.has(span_id) for task in tasks)

    def find(self, trace_id: str, root_id: str) -> Departed | None:
        """The task of that root, if it is still remembered."""
        found: Iterator[Departed] = (
            task for task in self.tasks(trace_id) if task.root_id == root_id
        )
        return next(found, None)

    def note(
        self, trace_id: str, root_id: str, span_ids: Iterable[str], *, rooted: bool
    ) -> int:
        """Remember that these spans leave now; returns the number of the part."""
        task = self.find(trace_id, root_id)
        if task is None:
            task = Departed(root_id, rooted, 0, array("q"))
            self._append(trace_id, task)
        self._tasks.move_to_end(trace_id)
        task.rooted = task.rooted or rooted
        task.parts += 1
        self._spans += task.learn(span_ids)
        self._forget()
        return task.parts - 1

    def _append(self, trace_id: str, task: Departed) -> None:
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
