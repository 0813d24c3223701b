"""The queue of tasks: the spool if there is one, else (or while it fails) memory."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infinium_otel.delivery.counters import DeliveryCounters
from infinium_otel.delivery.locks import Condition
from infinium_otel.delivery.queue import FULL, TOO_LARGE, Item, MemoryQueue
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.config import Config
    from infinium_otel.delivery.queue import Evicted, Store
    from infinium_otel.delivery.storage.spool import Spool
    from infinium_otel.delivery.storage.spool.awaited_runs import AwaitedRuns

logger = logging.getLogger(__name__)

MEMORY, SPOOL = 0, 1

SPOOL_FULL = "spool full"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed item, and the store it came from."""

    store: int
    item: Item

    @property
    def durable(self) -> bool:
        """Whether it is on disk."""
        return self.store == SPOOL

    @property
    def id(self) -> tuple[int, int]:
        """Identifies the task in `DeliveryCounters`."""
        return (self.store, self.item.number)


class TaskQueue:
    """Memory and spool as one queue. No method raises; every outcome is counted.

    A failing spool is logged once, and once more when it works again.

    Args:
        config: the settings.
        clock: monotonic, in seconds; used for tasks in memory.
        epoch: seconds since the epoch, for the spool, which processes share.

    Attributes:
        counters: count each task from `put` to its final state.
        changed: the one lock of queue, spool and scheduler; notified when tasks or requests
            change. A signal handler that interrupts the thread with one of several locks
            would wait for another, whose holder waits for the first.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float],
        epoch: Callable[[], float],
    ) -> None:
        self.changed = Condition()
        self.counters = DeliveryCounters(self.changed)
        self._clock = clock
        self._epoch = epoch
        self._memory = MemoryQueue(
            config.max_queued_tasks, config.max_queued_bytes, self.changed
        )
        self._spool: Spool | None = None
        if config.spool is not None:
            # Imported here: SQLite and what else a spool needs take 15 ms.
            from infinium_otel.delivery.storage.spool import Spool  # noqa: PLC0415

            self._spool = Spool(
                config.spool, config.max_spool_bytes, epoch, self.changed
            )
        self._failing = False
        self._closed = False
        self._logged_reasons: set[str] = set()
        self._deferred: list[Callable[[], None]] = []

    @property
    def durable(self) -> bool:
        """Whether the next task will be on disk, as far as is known."""
        return self._spool is not None and not self._failing

    def get_awaited(self) -> AwaitedRuns | None:
        """The delivered runs whose interpretation is awaited; None without a spool."""
        return self._spool.awaited if self._spool is not None else None

    @property
    def memory_bytes(self) -> int:
        """Bytes queued in memory."""
        return self._memory.queued_bytes

    def get_queued_bytes(self) -> int:
        """Bytes queued in the spool, or in memory if there is none or it fails."""
        if self._spool is not None:
            try:
                return self._spool.get_queued_bytes()
            except SpoolError as error:
                self._on_failure(error)
        return self._memory.queued_bytes

    def put(self, key: str, body: bytes, spans: int) -> tuple[tuple[int, int], bool]:
        """Queue a body.

        Returns:
            the task's id in the counters, and False if a task was dropped to make room.
        """
        with self.changed:  # no task may be claimed before it is counted
            store, number, evicted = self._put(key, body, spans)
            self.counters.count_queued((store, number), spans)
        return (store, number), self._count_evicted(store, evicted)

    def withdraw(self, task_id: tuple[int, int]) -> bool:
        """Take a task in memory back as if it had not been submitted.

        Returns:
            False if it is being sent, is on disk, or is not queued any more.
        """
        store, number = task_id
        if store != MEMORY or not self._memory.withdraw(number):
            return False
        self.counters.count_withdrawn(task_id)
        return True

    def _put(self, key: str, body: bytes, spans: int) -> tuple[int, int, list[Evicted]]:
        if self._spool is not None:
            try:
                stored = (SPOOL, *self._spool.put(key, body, spans))
            except SpoolError as error:
                self._on_failure(error)
            else:
                self._on_success()
                return stored
        return (MEMORY, *self._memory.put(key, body, spans))

    def _count_evicted(self, store: int, evicted: Iterable[Evicted]) -> bool:
        """Count dropped tasks; True if none of them was ours."""
        is_lossless = True
        for each in evicted:
            reason = SPOOL_FULL if store == SPOOL else each.reason
            if self.counters.count_lost((store, each.number), reason):
                is_lossless = False
                self._log_loss(reason)
        return is_lossless

    def _log_loss(self, reason: str) -> None:
        if reason not in self._logged_reasons:
            self._logged_reasons.add(reason)
            logger.error("A task was lost (%s); further ones are counted", reason)

    def claim(self) -> Lease | None:
        """The next task that is due; memory first, as only the spool survives a crash."""
        with self.changed:
            item = self._memory.claim(self._clock())
            if item is not None:
                return Lease(MEMORY, item)
            if self._spool is None:
                return None
            try:
                self._run_deferred()
                item = self._spool.claim(self._epoch())
            except SpoolError as error:
                self._on_failure(error)
                return None
            if item is None:
                return None
            self._on_success()
            return Lease(SPOOL, item)

    def wait_s(self) -> float | None:
        """Seconds until a task is due; None if none is queued."""
        waits = [self._memory_wait_s(), self._spool_wait_s()]
        soonest = min((wait for wait in waits if wait is not None), default=None)
        return None if soonest is None else max(0.0, soonest)

    def _memory_wait_s(self) -> float | None:
        due = self._memory.next_due()
        return None if due is None else due - self._clock()

    def _spool_wait_s(self) -> float | None:
        if self._spool is None:
            return None
        try:
            due = self._spool.next_due()
        except SpoolError as error:
            self._on_failure(error)
            return None
        return None if due is None else due - self._epoch()

    def has_tasks(self) -> bool:
        """Whether any task is queued, by this process or another."""
        return self.wait_s() is not None

    def make_due(self) -> None:
        """Make every waiting task due now."""
        for store in self._get_stores():
            try:
                store.make_due()
            except SpoolError as error:
                self._on_failure(error)

    def ack(self, lease: Lease) -> None:
        """Remove a delivered task. It counts even if the spool cannot delete it yet."""
        self._run_or_defer(lambda: self._get_store(lease).ack(lease.item))
        self.counters.count_delivered(lease.id)

    def nack(self, lease: Lease, pause_s: float, *, failed: bool) -> None:
        """Return a task that could not be delivered now."""
        now = self._epoch if lease.durable else self._clock
        store, due_s = self._get_store(lease), now() + pause_s
        self._run_or_defer(lambda: store.nack(lease.item, due_s, failed=failed))

    def refuse(self, lease: Lease, reason: str, message: str) -> None:
        """Take a task out of the queue for good: the service refused it."""
        store = self._get_store(lease)
        self._run_or_defer(lambda: store.refuse(lease.item, reason, message))
        self.counters.count_refused(lease.id, reason)

    def _run_or_defer(self, step: Callable[[], None]) -> None:
        """Update the store, now or as soon as the spool works again."""
        try:
            step()
        except SpoolError as error:
            self._deferred.append(step)
            self._on_failure(error)

    def _run_deferred(self) -> None:
        """Apply the updates that a failing spool could not store."""
        while True:
            try:
                step = self._deferred.pop(0)
            except IndexError:
                return
            try:
                step()
            except SpoolError:
                self._deferred.insert(0, step)
                raise

    def replace(self, lease: Lease, body: bytes) -> Lease:
        """Give a task a smaller body."""
        try:
            return Lease(lease.store, self._get_store(lease).replace(lease.item, body))
        except SpoolError as error:
            self._on_failure(error)
            return Lease(lease.store, replace(lease.item, body=body, shrunk=True))

    def reconcile(self) -> None:
        """Count what other processes did with our tasks in the spool."""
        queued = self.counters.get_queued_ids()
        ours = [number for store, number in queued if store == SPOOL]
        if self._spool is None or not ours:
            return
        try:
            remaining = self._spool.find_remaining(ours)
        except SpoolError as error:
            self._on_failure(error)
            return
        for number in ours:
            task_id = (SPOOL, number)
            if number not in remaining:
                self.counters.count_delivered(task_id)
            elif (reason := remaining[number]) is not None:
                if reason in (FULL, TOO_LARGE):
                    self.counters.count_lost(task_id, SPOOL_FULL)
                else:
                    self.counters.count_refused(task_id, reason)

    def sync(self) -> float | None:
        """As `Spool.sync`; None without a spool."""
        if self._spool is None:
            return None
        try:
            return self._spool.sync()
        except SpoolError as error:
            self._on_failure(error)
            return None

    def close(self) -> int:
        """Drop the tasks in memory; returns how many."""
        self._closed = True
        lost = sum(
            self.counters.count_lost(task_id, "shutdown")
            for task_id in self.counters.get_queued_ids()
            if task_id[0] == MEMORY
        )
        if self._spool is not None:
            self._spool.close()
        return lost

    def reopen(self) -> None:
        """Accept tasks again after `close`."""
        self._closed = False
        if self._spool is not None:
            self._spool.reopen()

    def before_fork(self) -> None:
        """Let go of the spool's file; `after_fork_in_parent` must be called."""
        if self._spool is not None:
            self._spool.before_fork()

    def after_fork_in_parent(self) -> None:
        """Continue."""
        if self._spool is not None:
            self._spool.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Drop our handle of the spool, which belongs to the parent."""
        if self._spool is not None:
            self._spool.after_fork_in_child()

    def _get_store(self, lease: Lease) -> Store:
        if lease.durable and self._spool is not None:
            return self._spool
        return self._memory

    def _get_stores(self) -> list[Store]:
        return [self._memory] if self._spool is None else [self._memory, self._spool]

    def _on_failure(self, error: SpoolError) -> None:
        if not self._failing and not self._closed:
            self._failing = True
            logger.error("The spool cannot be used; tasks wait in memory: %s", error)

    def _on_success(self) -> None:
        if self._failing:
            self._failing = False
            logger.warning("The spool works again")


def are_durable(task_ids: Iterable[tuple[int, int]]) -> bool:
    """Whether all of these tasks would survive the end of the process."""
    return all(store == SPOOL for store, _ in task_ids)
