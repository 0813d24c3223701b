"""A token bucket shared by any number of threads and event loops."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import RLock

if TYPE_CHECKING:
    from collections.abc import Callable


draw = random.SystemRandom().random
"""A random number, 0 to 1. The module-level generator of `random` belongs to the host
program: it may be seeded for reproducible results, and forked children would share it."""


class TokenBucket:
    """Allows *rate* events per second over time, and *burst* at once after idle time.

    Each caller reserves its own slot in the future, so waiting callers never share one.

    Args:
        rate: events per second.
        burst: events allowed at once.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._at_s = clock()
        self._lock = RLock()

    def reserve(self) -> float:
        """Reserve a slot.

        Returns:
            Seconds to wait before using it.
        """
        with self._lock:
            self._refill()
            self._tokens -= 1.0
            return max(0.0, -self._tokens / self._rate)

    def try_reserve(self) -> float:
        """Reserve a slot only if one is available now.

        Returns:
            0 if it was reserved; else seconds until one is available, and nothing was
            reserved.
        """
        with self._lock:
            self._refill()
            if self._tokens < 1.0:
                return (1.0 - self._tokens) / self._rate
            self._tokens -= 1.0
            return 0.0

    def cancel(self) -> None:
        """Return a reserved slot that was not used."""
        with self._lock:
            self._tokens = min(self._burst, self._tokens + 1.0)

    def set_rate(self, rate: float) -> None:
        """Change the rate from now on."""
        with self._lock:
            self._refill()
            self._rate = rate

    def _refill(self) -> None:
        now = self._clock()
        earned = max(0.0, now - self._at_s) * self._rate
        self._tokens = min(self._burst, self._tokens + earned)
        self._at_s = now
