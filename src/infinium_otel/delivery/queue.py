"""What a queue of tasks is, and the one in memory; the spool has the same interface."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Protocol

from infinium_otel.delivery.locks import RLock

if TYPE_CHECKING:
    from infinium_otel.taskdata import TaskData

TOO_LARGE = "larger than the queue"
FULL = "queue full"
OVERDUE_S = 10.0
"""Seconds after which a retry no longer waits for tasks that were not tried yet."""


@dataclass(frozen=True, slots=True)
class Item:
    """A queued request body.

    Args:
        number: identifies it in its store.
        key: the idempotency key.
        spans: how many spans the task was made of.
        attempts: failed attempts so far.
        shrunk: True if it was refused as too large once, and shrunk.
    """

    number: int
    key: str
    body: bytes = field(repr=False)
    spans: int
    attempts: int = 0
    shrunk: bool = False


@dataclass(frozen=True, slots=True)
class Evicted:
    """An item that was dropped to make room.

    Args:
        number: as `Item.number`; that of the new item if it does not fit at all.
        reason: `FULL` or `TOO_LARGE`.
    """

    number: int
    reason: str


class Deliverable(Protocol):
    """What a sender accepts, such as `infinium_otel.pipeline.CompletedTask`.

    Attributes:
        key: the idempotency key, the same for every delivery of this task.
        spans: how many spans the task was made of.
    """

    @property
    def task(self) -> TaskData:
        """The task, redacted."""
        ...

    @property
    def key(self) -> str:
        """See above."""
        ...

    @property
    def spans(self) -> int:
        """See above."""
        ...


class Store(Protocol):
    """A queue of items: put and claim, then ack, nack or refuse."""

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[Evicted]]:
        """Queue a body; returns its number and the items dropped to make room."""
        ...

    def claim(self, now_s: float) -> Item | None:
        """The next item that is due, for this caller only; None if there is none."""
        ...

    def ack(self, item: Item) -> None:
        """Remove a delivered item."""
        ...

    def nack(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Return a claimed item, to be claimed again at *not_before_s* or later.

        Args:
            item: the claimed item.
            not_before_s: by the clock of the store.
            failed: count this as a failed attempt.
        """
        ...

    def refuse(self, item: Item, reason: str, message: str) -> None:
        """Take an item out of the queue for good: the service refused it."""
        ...

    def replace(self, item: Item, body: bytes) -> Item:
        """Give an item a smaller body."""
        ...

    def make_due(self) -> None:
        """Make every waiting item due now."""
        ...

    def next_due(self) -> float | None:
        """When the next waiting item is due; None if none waits."""
        ...


@dataclass(slots=True)
class _Entry:
    item: Item
    not_before_s: float = -math.inf
    claimed: bool = False


class MemoryQueue:
    """Items in memory; past a bound the oldest that are not claimed are dropped.

    Loops run over copies: a signal handler may add an item in the middle of one.

    Args:
        max_items: how many items may be queued.
        max_bytes: how many bytes their bodies may have together.
        lock: that of what it is part of; None for one of its own.
    """

    def __init__(
        self, max_items: int, max_bytes: int, lock: RLock | None = None
    ) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._entries: dict[int, _Entry] = {}
        self._failed: dict[int, _Entry] = {}
        self._bytes = 0
        self._numbers = count(1)
        self._lock = lock or RLock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def queued_bytes(self) -> int:
        """Bytes of all bodies, claimed ones included."""
        return self._bytes

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[Evicted]]:
        """Queue a body; returns its number and the items dropped to make room."""
        with self._lock:
            number = next(self._numbers)
            if len(body) > self._max_bytes:
                return number, [Evicted(number, TOO_LARGE)]
            self._entries[number] = _Entry(Item(number, key, body, spans))
            self._bytes += len(body)
            return number, self._make_room()

    def _make_room(self) -> list[Evicted]:
        evicted: list[Evicted] = []
        if self._is_within_bounds():
            return evicted
        for number in list(self._entries):
            if self._is_within_bounds():
                break
            if not self._entries[number].claimed:
                self._remove(number)
                evicted.append(Evicted(number, FULL))
        return evicted

    def _is_within_bounds(self) -> bool:
        return len(self._entries) <= self._max_items and self._bytes <= self._max_bytes

    def _remove(self, number: int) -> None:
        self._failed.pop(number, None)
        entry = self._entries.pop(number, None)
        if entry is not None:
            self._bytes -= len(entry.item.body)

    def claim(self, now_s: float) -> Item | None:
        """The next item that is due: fewest failed attempts first, then the oldest.

        An item that has been due for long goes before all others: without a pause in
        new items it would never be tried again.
        """
        with self._lock:
            best = self._find_overdue(now_s - OVERDUE_S) or self._find_next(now_s)
            if best is None:
                return None
            best.claimed = True
            return best.item

    def _find_overdue(self, before_s: float) -> _Entry | None:
        overdue = (
            entry
            for entry in list(self._failed.values())
            if not entry.claimed and -math.inf < entry.not_before_s < before_s
        )
        return next(overdue, None)

    def _find_next(self, now_s: float) -> _Entry | None:
        best: _Entry | None = None
        for entry in list(self._entries.values()):
            if entry.claimed or entry.not_before_s > now_s:
                continue
            if best is None or entry.item.attempts < best.item.attempts:
                best = entry
                if not best.item.attempts:
                    break
        return best

    def ack(self, item: Item) -> None:
        """Remove a delivered item."""
        with self._lock:
            self._remove(item.number)

    def nack(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Return a claimed item, to be claimed again at *not_before_s* or later."""
        with self._lock:
            entry = self._entries.get(item.number)
            if entry is None:  # an exception came after its result was noted
                return
            attempts = entry.item.attempts + failed
            entry.item = replace(entry.item, attempts=attempts)
            entry.not_before_s = not_before_s
            entry.claimed = False
            if failed:
                self._failed[item.number] = entry

    def refuse(self, item: Item, reason: str, message: str) -> None:  # noqa: ARG002 - memory keeps no reasons
        """Remove a refused item: memory holds only what may still be delivered."""
        self.ack(item)

    def replace(self, item: Item, body: bytes) -> Item:
        """Give an item a smaller body."""
        with self._lock:
            entry = self._entries[item.number]
            self._bytes += len(body) - len(item.body)
            entry.item = replace(entry.item, body=body, shrunk=True)
            return entry.item

    def withdraw(self, number: int) -> bool:
        """Remove an item unless it is claimed; False if it is, or is not here."""
        with self._lock:
            entry = self._entries.get(number)
            if entry is None or entry.claimed:
                return False
            self._remove(number)
            return True

    def make_due(self) -> None:
        """Make every waiting item due now."""
        with self._lock:
            for entry in list(self._entries.values()):
                entry.not_before_s = -math.inf

    def next_due(self) -> float | None:
        """When the next waiting item is due; None if none waits."""
        with self._lock:
            waiting = [
                each for each in list(self._entries.values()) if not each.claimed
            ]
            return min((each.not_before_s for each in waiting), default=None)
