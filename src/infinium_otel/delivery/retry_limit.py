"""When a task has failed often enough, although the service works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import RLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.protocol import AttemptResult

SERVER_ERROR = 500


@dataclass(slots=True)
class _Failures:
    """How often a task failed, since when, and how many others were delivered before."""

    since_s: float
    delivered_before: int
    count: int = 0


class RetryLimit:
    """Gives up a task that fails while others are delivered; thread-safe.

    An outage is no reason: until the service accepts another task, a failure may have
    nothing to do with this one. For the same reason only errors of the service (5xx) and
    requests without a response count, not that it is busy (429) or cannot be reached.

    Args:
        max_attempts: failed attempts, at most.
        max_age_s: seconds since the first failed attempt, at most.
        clock: seconds, monotonic.

    Attributes:
        max_age_s: as given.
    """

    def __init__(
        self, max_attempts: int, max_age_s: float, clock: Callable[[], float]
    ) -> None:
        self._max_attempts = max_attempts
        self.max_age_s = max_age_s
        self._clock = clock
        self._delivered = 0
        self._failures: dict[tuple[int, int], _Failures] = {}
        self._lock = RLock()

    def record(self, task_id: tuple[int, int], result: AttemptResult) -> None:
        """Record the result of an attempt at a task."""
        with self._lock:
            if result.kind != "unavailable":
                self._delivered += result.kind == "delivered"
                self._failures.pop(task_id, None)
            elif _is_about_the_task(result):
                failures = self._failures.setdefault(
                    task_id, _Failures(self._clock(), self._delivered)
                )
                failures.count += 1

    def is_exceeded(self, task_id: tuple[int, int]) -> bool:
        """Whether to stop trying the task."""
        with self._lock:
            failures = self._failures.get(task_id)
            if failures is None or failures.delivered_before == self._delivered:
                return False
            age_s = self._clock() - failures.since_s
            return failures.count >= self._max_attempts or age_s >= self.max_age_s

    def forget(self, task_id: tuple[int, int]) -> None:
        """Forget a task that is not queued any more."""
        with self._lock:
            self._failures.pop(task_id, None)


def _is_about_the_task(result: AttemptResult) -> bool:
    if result.failure is not None:
        return result.failure.reason in ("timeout", "broken")
    return result.status is not None and result.status >= SERVER_ERROR
