"""The running numbers behind `Counts`."""

from __future__ import annotations

import threading
from collections import Counter

from infinium_otel.delivery.counts import Counts, Tally


class Tallies:
    """Follows every task of this process from `submitted` to where it ends.

    Thread-safe. A task is known by the store it waits in and its number there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, int], tuple[int, int]] = {}
        self._queued = Counter[str]()
        self._submitted = Counter[str]()
        self._delivered = Counter[str]()
        self._refused: dict[str, Counter[str]] = {}
        self._lost: dict[str, Counter[str]] = {}
        self._shrunk = 0

    def submitted(self, spans: int) -> None:
        """A task came in."""
        with self._lock:
            self._submitted.update(tasks=1, spans=spans)

    def waits(self, place: tuple[int, int], spans: int) -> None:
        """It waits at *place*; another of the same key may wait there already."""
        with self._lock:
            tasks, before = self._waiting.get(place, (0, 0))
            self._waiting[place] = (tasks + 1, before + spans)
            self._queued.update(tasks=1, spans=spans)

    def delivered(self, place: tuple[int, int]) -> None:
        """What waited at *place* is delivered."""
        with self._lock:
            self._delivered.update(self._left(place))

    def refused(self, place: tuple[int, int], reason: str) -> int:
        """The service refused it for good; returns how many tasks of ours that is."""
        with self._lock:
            return self._end(self._refused, self._left(place), reason)

    def lost(self, place: tuple[int, int], reason: str) -> int:
        """It was given up; returns how many tasks of ours that is."""
        with self._lock:
            return self._end(self._lost, self._left(place), reason)

    def lost_at_once(self, spans: int, reason: str) -> None:
        """A task was given up before it waited anywhere."""
        with self._lock:
            self._end(self._lost, {"tasks": 1, "spans": spans}, reason)

    def shrunk(self) -> None:
        """A task was cut to fit."""
        with self._lock:
            self._shrunk += 1

    def waiting(self) -> set[tuple[int, int]]:
        """The places where something of ours waits."""
        with self._lock:
            return set(self._waiting)

    def any_waits(self, places: set[tuple[int, int]]) -> bool:
        """Whether something of ours waits at any of *places*."""
        with self._lock:
            return not places.isdisjoint(self._waiting)

    def counts(self) -> Counts:
        """All numbers at one moment."""
        with self._lock:
            return Counts(self._tally("tasks"), self._tally("spans"), self._shrunk)

    def _tally(self, unit: str) -> Tally:
        return Tally(
            self._submitted[unit],
            self._delivered[unit],
            self._queued[unit],
            {reason: numbers[unit] for reason, numbers in self._refused.items()},
            {reason: numbers[unit] for reason, numbers in self._lost.items()},
        )

    def _left(self, place: tuple[int, int]) -> dict[str, int]:
        tasks, spans = self._waiting.pop(place, (0, 0))
        self._queued["tasks"] -= tasks
        self._queued["spans"] -= spans
        return {"tasks": tasks, "spans": spans}

    def _end(
        self, ends: dict[str, Counter[str]], numbers: dict[str, int], reason: str
    ) -> int:
        if numbers["tasks"]:
            ends.setdefault(reason, Counter()).update(numbers)
        return numbers["tasks"]
