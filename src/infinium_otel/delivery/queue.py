"""Tasks waiting in memory, bounded; the spool has the same shape."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from infinium_otel.taskdata import TaskData

TOO_LARGE = "larger than the queue"
FULL = "queue full"


@dataclass(frozen=True, slots=True)
class Item:
    """A finished request body on its way.

    Args:
        number: names it in its store.
        key: the idempotency key.
        spans: how many spans the task was made of.
        attempts: how often it failed.
        shrunk: it was refused as too large once and shrunk.
    """

    number: int
    key: str
    body: bytes = field(repr=False)
    spans: int
    attempts: int = 0
    shrunk: bool = False


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An item that had to make room.

    Args:
        number: as `Item.number`; of the newcomer too, if it is the one.
    """

    number: int
    reason: str


class Finished(Protocol):
    """What a sender takes; `infinium_otel.pipeline.Finished` is one.

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
    """Where items wait: put, take, then done, released or refused."""

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[GivenUp]]:
        """Keeps a body; returns its number and what had to make room."""
        ...

    def take(self, now_s: float) -> Item | None:
        """The next item that is ready, for the caller alone; None if there is none."""
        ...

    def done(self, item: Item) -> None:
        """Forgets a delivered item."""
        ...

    def release(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Gives an item back, to be taken again from then on."""
        ...

    def refuse(self, item: Item, reason: str, message: str) -> None:
        """Puts an item away for good."""
        ...

    def replace(self, item: Item, body: bytes) -> Item:
        """Gives an item a smaller body."""
        ...

    def hurry(self) -> None:
        """Makes every waiting item ready now."""
        ...

    def next_ready(self) -> float | None:
        """When the next waiting item is ready; None if none waits."""
        ...


@dataclass(slots=True)
class _Entry:
    item: Item
    not_before_s: float = -math.inf
    taken: bool = False


class MemoryQueue:
    """Items in memory; past a bound the oldest that are not under way are given up.

    Args:
        max_items: how many wait at most.
        max_bytes: of bodies, likewise.
    """

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._entries: dict[int, _Entry] = {}
        self._bytes = 0
        self._numbers = count(1)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held_bytes(self) -> int:
        """Bytes of the bodies that wait or are under way."""
        return self._bytes

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[GivenUp]]:
        """Keeps a body; returns its number and what had to make room."""
        with self._lock:
            number = next(self._numbers)
            if len(body) > self._max_bytes:
                return number, [GivenUp(number, TOO_LARGE)]
            self._entries[number] = _Entry(Item(number, key, body, spans))
            self._bytes += len(body)
            return number, self._make_room()

    def _make_room(self) -> list[GivenUp]:
        given_up = []
        for number in list(self._entries):
            if len(self._entries) <= self._max_items and self._bytes <= self._max_bytes:
                break
            if not self._entries[number].taken:
                self._remove(number)
                given_up.append(GivenUp(number, FULL))
        return given_up

    def _remove(self, number: int) -> None:
        entry = self._entries.pop(number, None)
        if entry is not None:
            self._bytes -= len(entry.item.body)

    def take(self, now_s: float) -> Item | None:
        """The next item that is ready: the one that failed least, then the oldest."""
        with self._lock:
            best: _Entry | None = None
            for entry in self._entries.values():
                if entry.taken or entry.not_before_s > now_s:
                    continue
                if best is None or entry.item.attempts < best.item.attempts:
                    best = entry
                    if not best.item.attempts:
                        break
            if best is None:
                return None
            best.taken = True
            return best.item

    def done(self, item: Item) -> None:
        """Forgets a delivered item."""
        with self._lock:
            self._remove(item.number)

    def release(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Gives an item back, to be taken again from then on."""
        with self._lock:
            entry = self._entries[item.number]
            attempts = entry.item.attempts + failed
            entry.item = replace(entry.item, attempts=attempts)
            entry.not_before_s = not_before_s
            entry.taken = False

    def refuse(self, item: Item, reason: str, message: str) -> None:  # noqa: ARG002 - memory keeps no reasons
        """Forgets a refused item: memory is for what may yet be delivered."""
        self.done(item)

    def replace(self, item: Item, body: bytes) -> Item:
        """Gives an item a smaller body."""
        with self._lock:
            entry = self._entries[item.number]
            self._bytes += len(body) - len(item.body)
            entry.item = replace(entry.item, body=body, shrunk=True)
            return entry.item

    def hurry(self) -> None:
        """Makes every waiting item ready now."""
        with self._lock:
            for entry in self._entries.values():
                entry.not_before_s = -math.inf

    def next_ready(self) -> float | None:
        """When the next waiting item is ready; None if none waits."""
        with self._lock:
            times = [e.not_before_s for e in self._entries.values() if not e.taken]
            return min(times, default=None)
