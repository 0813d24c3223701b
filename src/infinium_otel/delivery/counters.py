"""Counts of submitted tasks and spans by what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import RLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one unit: tasks, or the spans in them.

    `submitted == delivered + queued + sum(refused.values()) + sum(lost.values())`.

    Args:
        submitted: passed to the sender by this process.
        delivered: accepted by the service.
        queued: waiting or being sent; these survive a crash only if there is a spool.
        refused: permanently refused by the service, by reason ("400", "413").
        lost: dropped by us, by reason ("queue full", "shutdown", "spool full").
    """

    submitted: int = 0
    delivered: int = 0
    queued: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CounterSnapshot:
    """The counts of tasks and of their spans at one moment.

    Args:
        shrunk: tasks whose content was cut to fit into a request.
    """

    tasks: Counts = field(default_factory=Counts)
    spans: Counts = field(default_factory=Counts)
    shrunk: int = 0


def add_snapshots(snapshots: Iterable[CounterSnapshot]) -> CounterSnapshot:
    """The counts of several senders together."""
    found = [*snapshots]
    return CounterSnapshot(
        _add_counts([each.tasks for each in found]),
        _add_counts([each.spans for each in found]),
        sum(each.shrunk for each in found),
    )


def _add_counts(counts: list[Counts]) -> Counts:
    return Counts(
        sum(each.submitted for each in counts),
        sum(each.delivered for each in counts),
        sum(each.queued for each in counts),
        sum((Counter(each.refused) for each in counts), Counter()),
        sum((Counter(each.lost) for each in counts), Counter()),
    )


class DeliveryCounters:
    """Follows each task of this process from submission to its final state.

    Thread-safe. A task is identified by its store and its number in that store
    (`Lease.id`).

    Args:
        lock: that of what it is part of; None for one of its own.
    """

    def __init__(self, lock: RLock | None = None) -> None:
        self._lock = lock or RLock()
        self._waiting: dict[tuple[int, int], tuple[int, int]] = {}
        self._queued = Counter[str]()
        self._submitted = Counter[str]()
        self._delivered = Counter[str]()
        self._refused: dict[str, Counter[str]] = {}
        self._lost: dict[str, Counter[str]] = {}
        self._shrunk = 0

    def count_submitted(self, spans: int) -> None:
        """Count a task that was passed to the sender."""
        with self._lock:
            self._submitted["tasks"] += 1
            self._submitted["spans"] += spans

    def count_queued(self, task_id: tuple[int, int], spans: int) -> None:
        """Count a task as queued; a spool merges tasks of one key into one entry."""
        with self._lock:
            tasks, before = self._waiting.get(task_id, (0, 0))
            self._waiting[task_id] = (tasks + 1, before + spans)
            self._queued["tasks"] += 1
            self._queued["spans"] += spans

    def count_delivered(self, task_id: tuple[int, int]) -> None:
        """Count a queued task as delivered."""
        with self._lock:
            for unit, number in self._remove(task_id).items():
                self._delivered[unit] += number

    def count_refused(self, task_id: tuple[int, int], reason: str) -> int:
        """Count a queued task as refused for good; returns how many tasks were ours."""
        with self._lock:
            return self._add(self._refused, self._remove(task_id), reason)

    def count_lost(self, task_id: tuple[int, int], reason: str) -> int:
        """Count a queued task as dropped; returns how many tasks were ours."""
        with self._lock:
            return self._add(self._lost, self._remove(task_id), reason)

    def count_withdrawn(self, task_id: tuple[int, int]) -> None:
        """Count a queued task as never submitted: another process will send it."""
        with self._lock:
            self._submitted.subtract(self._remove(task_id))

    def count_never_queued(self, spans: int, reason: str) -> None:
        """Count a task that was dropped before it was queued."""
        with self._lock:
            self._add(self._lost, {"tasks": 1, "spans": spans}, reason)

    def count_shrunk(self) -> None:
        """Count a task whose content was cut to fit."""
        with self._lock:
            self._shrunk += 1

    @property
    def queued_tasks(self) -> int:
        """How many tasks are queued; read without a lock."""
        return self._queued["tasks"]

    def get_queued_ids(self) -> set[tuple[int, int]]:
        """Ids of the queued tasks of this process."""
        with self._lock:
            return set(self._waiting)

    def is_any_queued(self, task_ids: set[tuple[int, int]]) -> bool:
        """Whether any of *task_ids* is still queued."""
        with self._lock:
            return not task_ids.isdisjoint(self._waiting)

    def snapshot(self) -> CounterSnapshot:
        """All counts at one moment."""
        with self._lock:
            return CounterSnapshot(
                self._get_counts("tasks"), self._get_counts("spans"), self._shrunk
            )

    def _get_counts(self, unit: str) -> Counts:
        return Counts(
            self._submitted[unit],
            self._delivered[unit],
            self._queued[unit],
            {reason: numbers[unit] for reason, numbers in list(self._refused.items())},
            {reason: numbers[unit] for reason, numbers in list(self._lost.items())},
        )

    def _remove(self, task_id: tuple[int, int]) -> dict[str, int]:
        tasks, spans = self._waiting.pop(task_id, (0, 0))
        self._queued["tasks"] -= tasks
        self._queued["spans"] -= spans
        return {"tasks": tasks, "spans": spans}

    def _add(
        self, totals: dict[str, Counter[str]], numbers: dict[str, int], reason: str
    ) -> int:
        if numbers["tasks"]:
            totals.setdefault(reason, Counter()).update(numbers)
        return numbers["tasks"]
