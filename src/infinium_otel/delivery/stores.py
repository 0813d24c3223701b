"""The spool where there is one, memory where there is none or it fails."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infinium_otel.delivery.queue import FULL, TOO_LARGE, Item, MemoryQueue
from infinium_otel.delivery.spool import Spool
from infinium_otel.delivery.tallies import Tallies
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.config import Config
    from infinium_otel.delivery.queue import GivenUp, Store

logger = logging.getLogger(__name__)

MEMORY, SPOOL = 0, 1

SPOOL_FULL = "spool full"


@dataclass(frozen=True, slots=True)
class Place:
    """An item that was taken, and from where."""

    store: int
    item: Item

    @property
    def durable(self) -> bool:
        """Whether it is on disk."""
        return self.store == SPOOL

    @property
    def id(self) -> tuple[int, int]:
        """What the tallies know it by."""
        return (self.store, self.item.number)


class Stores:
    """Both stores as one; nothing raises. What ends here is told to the tallies.

    A spool that fails is said once, and once more when it works again.

    Args:
        clock: monotonic, in seconds; what is in memory goes by it.
        epoch: seconds since the epoch, for the spool, which several processes share.

    Attributes:
        tallies: follow what is put until it ends.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float],
        epoch: Callable[[], float],
    ) -> None:
        self.tallies = Tallies()
        self._clock = clock
        self._epoch = epoch
        # What is put is told to the tallies before anybody can take it.
        self._lock = threading.Lock()
        self._memory = MemoryQueue(config.max_queued_tasks, config.max_queued_bytes)
        self._spool: Spool | None = None
        if config.spool is not None:
            self._spool = Spool(config.spool, config.max_spool_bytes, epoch)
        self._failing = False
        self._closed = False
        self._told: set[str] = set()
        self._owed: list[Callable[[], None]] = []

    @property
    def durable(self) -> bool:
        """Whether the next task will be on disk, as far as is known."""
        return self._spool is not None and not self._failing

    def queued_bytes(self) -> int:
        """Bytes that wait in the spool, or in memory where there is none or it fails."""
        if self._spool is not None:
            try:
                return self._spool.held_bytes()
            except SpoolError as error:
                self._failed(error)
        return self._memory.held_bytes

    def put(self, key: str, body: bytes, spans: int) -> bool:
        """Keeps a body; False if a task had to be given up."""
        with self._lock:
            store, number, given_up = self._put(key, body, spans)
            self.tallies.waits((store, number), spans)
        return self._gave_up(store, given_up)

    def _put(self, key: str, body: bytes, spans: int) -> tuple[int, int, list[GivenUp]]:
        if self._spool is not None:
            try:
                kept = (SPOOL, *self._spool.put(key, body, spans))
            except SpoolError as error:
                self._failed(error)
            else:
                self._works()
                return kept
        return (MEMORY, *self._memory.put(key, body, spans))

    def _gave_up(self, store: int, given_up: Iterable[GivenUp]) -> bool:
        nothing_lost = True
        for each in given_up:
            reason = SPOOL_FULL if store == SPOOL else each.reason
            if self.tallies.lost((store, each.number), reason):
                nothing_lost = False
                self._tell_loss(reason)
        return nothing_lost

    def _tell_loss(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            logger.error("A task was lost (%s); further ones are counted", reason)

    def take(self) -> Place | None:
        """The next item that is ready: what is in memory first, it is in danger."""
        with self._lock:
            item = self._memory.take(self._clock())
            if item is not None:
                return Place(MEMORY, item)
            if self._spool is None:
                return None
            try:
                self._pay()
                item = self._spool.take(self._epoch())
            except SpoolError as error:
                self._failed(error)
                return None
            if item is None:
                return None
            self._works()
            return Place(SPOOL, item)

    def wait_s(self) -> float | None:
        """Seconds until an item is ready; None if none waits."""
        waits = [self._memory_wait_s(), self._spool_wait_s()]
        soonest = min((wait for wait in waits if wait is not None), default=None)
        return None if soonest is None else max(0.0, soonest)

    def _memory_wait_s(self) -> float | None:
        ready = self._memory.next_ready()
        return None if ready is None else ready - self._clock()

    def _spool_wait_s(self) -> float | None:
        if self._spool is None:
            return None
        try:
            ready = self._spool.next_ready()
        except SpoolError as error:
            self._failed(error)
            return None
        return None if ready is None else ready - self._epoch()

    def waiting(self) -> bool:
        """Whether anything waits, of this process or of others."""
        return self.wait_s() is not None

    def hurry(self) -> None:
        """Makes every waiting item ready now."""
        for store in self._both():
            try:
                store.hurry()
            except SpoolError as error:
                self._failed(error)

    def done(self, place: Place) -> None:
        """A delivered item: counted, even if the spool cannot forget it now."""
        self._settle(lambda: self._store(place).done(place.item))
        self.tallies.delivered(place.id)

    def release(self, place: Place, pause_s: float, *, failed: bool) -> None:
        """An item that could not be delivered now."""
        now = self._epoch if place.durable else self._clock
        store, ready_s = self._store(place), now() + pause_s
        self._settle(lambda: store.release(place.item, ready_s, failed=failed))

    def refuse(self, place: Place, reason: str, message: str) -> None:
        """An item that the service refused."""
        self._settle(lambda: self._store(place).refuse(place.item, reason, message))
        self.tallies.refused(place.id, reason)

    def _settle(self, step: Callable[[], None]) -> None:
        """Notes in the store what became of an item, now or when the spool works."""
        try:
            step()
        except SpoolError as error:
            self._owed.append(step)
            self._failed(error)

    def _pay(self) -> None:
        """Catches up on what a failing spool could not note."""
        while self._owed:
            self._owed[0]()
            del self._owed[0]

    def replace(self, place: Place, body: bytes) -> Place:
        """An item with a smaller body."""
        try:
            return Place(place.store, self._store(place).replace(place.item, body))
        except SpoolError as error:
            self._failed(error)
            return Place(place.store, replace(place.item, body=body, shrunk=True))

    def reconcile(self) -> None:
        """Learns what other processes did with tasks of ours in the spool."""
        ours = [number for store, number in self.tallies.waiting() if store == SPOOL]
        if self._spool is None or not ours:
            return
        try:
            remaining = self._spool.remaining(ours)
        except SpoolError as error:
            self._failed(error)
            return
        for number in ours:
            place = (SPOOL, number)
            if number not in remaining:
                self.tallies.delivered(place)
            elif (reason := remaining[number]) is not None:
                if reason in (FULL, TOO_LARGE):
                    self.tallies.lost(place, SPOOL_FULL)
                else:
                    self.tallies.refused(place, reason)

    def sync(self) -> float | None:
        """As `Spool.sync`; None without a spool."""
        if self._spool is None:
            return None
        try:
            return self._spool.sync()
        except SpoolError as error:
            self._failed(error)
            return None

    def all_safe(self, places: set[tuple[int, int]]) -> bool:
        """Whether all of these would survive the process."""
        return all(store == SPOOL for store, _ in places)

    def close(self) -> int:
        """Gives up what is in memory; returns how many tasks that loses."""
        self._closed = True
        lost = sum(
            self.tallies.lost(place, "shutdown")
            for place in self.tallies.waiting()
            if place[0] == MEMORY
        )
        if self._spool is not None:
            self._spool.close()
        return lost

    def after_fork_in_child(self) -> None:
        """Leaves the parent's file to the parent."""
        if self._spool is not None:
            self._spool.after_fork_in_child()

    def _store(self, place: Place) -> Store:
        if place.durable and self._spool is not None:
            return self._spool
        return self._memory

    def _both(self) -> list[Store]:
        return [self._memory] if self._spool is None else [self._memory, self._spool]

    def _failed(self, error: SpoolError) -> None:
        if not self._failing and not self._closed:
            self._failing = True
            logger.error("The spool cannot be used; tasks wait in memory: %s", error)

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            logger.warning("The spool works again")
