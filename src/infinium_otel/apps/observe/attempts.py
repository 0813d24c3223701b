"""Counts the requests to the service."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.task_sender import TaskSender


class AttemptCounters:
    """Requests by outcome, and the time they took. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_outcome: Counter[str] = Counter()
        self._total_s = 0.0

    def watch(self, sender: TaskSender) -> None:
        """Count each attempt of *sender*, after what already listens."""
        previous = sender.on_attempt

        def record(result: AttemptResult, duration_s: float) -> None:
            previous(result, duration_s)
            self.add(result, duration_s)

        sender.on_attempt = record

    def add(self, result: AttemptResult, duration_s: float) -> None:
        """Count one attempt."""
        with self._lock:
            self._by_outcome[result.reason] += 1
            self._total_s += duration_s

    def by_outcome(self) -> dict[str, int]:
        """How many, by status; by "timeout", "connect" and so on without a response."""
        with self._lock:
            return dict(self._by_outcome)

    def total(self) -> int:
        """How many in all."""
        with self._lock:
            return self._by_outcome.total()

    def total_s(self) -> float:
        """Seconds they took together."""
        with self._lock:
            return self._total_s
