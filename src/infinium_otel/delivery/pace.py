"""A rate limit that holds for one thread and for many, one loop and several."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


draw = random.SystemRandom().random
"""A random number, 0 to 1. The numbers of `random` itself are the host's, who may have
seeded it to have the same ones again; and forked children would share ours."""


class TokenBucket:
    """Allows *rate* things a second over time, and *burst* at once after a quiet time.

    Every caller gets its own place in the future, so that waiters, however many, never
    share one.

    Args:
        clock: a monotonic clock in seconds.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._at_s = clock()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Takes a place.

        Returns:
            Seconds to wait before using it.
        """
        with self._lock:
            self._refill()
            self._tokens -= 1.0
            return max(0.0, -self._tokens / self._rate)

    def take(self) -> float:
        """Takes a place if there is one now.

        Returns:
            0 if it was taken; else seconds until one is free, and nothing was taken.
        """
        with self._lock:
            self._refill()
            if self._tokens < 1.0:
                return (1.0 - self._tokens) / self._rate
            self._tokens -= 1.0
            return 0.0

    def give_back(self) -> None:
        """Returns a place that was taken and not used."""
        with self._lock:
            self._tokens = min(self._burst, self._tokens + 1.0)

    def _refill(self) -> None:
        now = self._clock()
        earned = max(0.0, now - self._at_s) * self._rate
        self._tokens = min(self._burst, self._tokens + earned)
        self._at_s = now
