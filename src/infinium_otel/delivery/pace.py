"""How fast and how concurrently to send: fixed by settings, or found by trying."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from infinium_otel.delivery.locks import RLock
from infinium_otel.delivery.rate_limit import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import AttemptResult

TOO_MANY_REQUESTS = 429

START = 10.0
"""Requests a second at first. Source: the vendor's client sends no more by default."""
STEP = 5.0
"""Requests a second added with each step up."""
STEP_S = 1.0
"""Seconds between two steps in one direction: what a step did must show first."""
QUIET_S = 5.0
"""Seconds without a 429 before a step up."""
BACK_OFF = 0.7
"""What a 429 leaves of the rate."""
LEAST = 1.0
"""Requests a second, however many 429 there are."""
SLOW = 3.0
"""So many times the shortest duration means that the service is at its limit..."""
SLOW_S = 0.2
"""...if a request also takes at least so many seconds."""
MAX_CONCURRENCY = 32
"""Concurrent requests, at most: each is a thread and a connection."""
MARGIN = 1.25
"""Concurrent requests kept possible, over what the mean duration needs."""
WEIGHT = 0.1
"""The weight of the newest duration in the mean."""
FORGET = 0.01
"""The shortest duration grows by this share a second: a service may become slower for
good, and is not at its limit then."""


class Pace(Protocol):
    """Decides when a request may be sent; thread-safe."""

    @property
    def max_in_flight(self) -> int:
        """Requests that may be sent at once."""
        ...

    def try_reserve(self) -> float:
        """Reserve a request; returns 0, or the seconds to wait, and reserves nothing."""
        ...

    def cancel(self) -> None:
        """Return a reserved request that was not sent."""
        ...

    def record(self, result: AttemptResult, duration_s: float) -> None:
        """Learn from a request that has ended."""
        ...


class FixedPace:
    """The rate, burst and concurrency of the settings."""

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self._bucket = TokenBucket(config.requests_per_second, config.burst, clock)
        self.try_reserve = self._bucket.try_reserve
        self.cancel = self._bucket.cancel
        self.max_in_flight = config.concurrency

    def record(self, result: AttemptResult, duration_s: float) -> None:
        """Learn nothing: the settings decide."""


class AdaptivePace:
    """As fast as the service accepts: more while it is quick, less after each 429.

    The rate rises by a fixed step while it is what holds requests up and the service
    responds about as quickly as before, and falls by a share with a 429. Concurrency is
    what the rate needs at the mean duration of a request.

    Args:
        clock: a monotonic clock in seconds.
        burst: requests that may be sent at once after a quiet time.
        ceiling: requests a second, at most; the rate starts there if it is finite.
        concurrency: concurrent requests, at most.
        start: requests a second at first, if the ceiling is infinite.
        share: this process's part of the steps up, if others send to the same service.

    Attributes:
        limited_429: how often the rate was lowered.
        share: as given; it may change while the process runs.
    """

    def __init__(  # noqa: PLR0913 - each limit once
        self,
        clock: Callable[[], float],
        *,
        burst: int = 20,
        ceiling: float = math.inf,
        concurrency: int = MAX_CONCURRENCY,
        start: float = START,
        share: float = 1.0,
    ) -> None:
        self._clock = clock
        self._ceiling = ceiling
        self._concurrency = concurrency
        self.share = share
        self._rate = start if math.isinf(ceiling) else ceiling
        self._bucket = TokenBucket(self._rate, burst, clock)
        self._lock = RLock()
        self._raised_s = self._measured_s = clock()
        self._refused_s = self._lowered_s = -math.inf
        self._held_up = False
        self._mean_s = self._best_s = 0.0
        self.limited_429 = 0

    @property
    def rate(self) -> float:
        """Requests a second that may be sent now."""
        return self._rate

    @property
    def ceiling(self) -> float:
        """Requests a second, at most; infinite if only the service limits them."""
        return self._ceiling

    def limit(self, ceiling: float) -> None:
        """Change the ceiling: this process's share of it has changed."""
        with self._lock:
            was_at_ceiling = self._rate >= self._ceiling
            self._ceiling = max(ceiling, LEAST / 10)
            if self._rate > self._ceiling or was_at_ceiling:
                self._set_rate(self._ceiling)

    @property
    def max_in_flight(self) -> int:
        """Requests that may be sent at once: what the rate needs, at the mean duration."""
        needed = math.ceil(min(self._rate, 1e6) * self._mean_s * MARGIN) + 1
        return min(needed, self._concurrency)

    def try_reserve(self) -> float:
        """Reserve a request; returns 0, or the seconds to wait, and reserves nothing."""
        wait_s = self._bucket.try_reserve()
        if wait_s > 0:
            self._held_up = True
        return wait_s

    def cancel(self) -> None:
        """Return a reserved request that was not sent."""
        self._bucket.cancel()

    def record(self, result: AttemptResult, duration_s: float) -> None:
        """Learn from a request that has ended."""
        with self._lock:
            if result.kind == "delivered":
                self._record_duration(duration_s)
            if result.status == TOO_MANY_REQUESTS:
                self._slow_down()
            elif result.kind == "delivered" and self._held_up:
                self._speed_up()

    def _record_duration(self, duration_s: float) -> None:
        now_s = self._clock()
        if not self._mean_s:
            self._mean_s = self._best_s = duration_s
        self._mean_s += (duration_s - self._mean_s) * WEIGHT
        grown = self._best_s * (1 + FORGET) ** (now_s - self._measured_s)
        self._best_s = min(duration_s, grown)
        self._measured_s = now_s

    def _slow_down(self) -> None:
        self._refused_s = now_s = self._clock()
        if now_s - self._lowered_s >= STEP_S:
            self._lowered_s = now_s
            self.limited_429 += 1
            self._set_rate(max(min(LEAST, self._ceiling), self._rate * BACK_OFF))

    def _speed_up(self) -> None:
        now_s = self._clock()
        is_slow = self._mean_s > max(SLOW_S, SLOW * self._best_s)
        is_settled = (
            now_s - self._raised_s >= STEP_S and now_s - self._refused_s >= QUIET_S
        )
        if is_settled and not is_slow and self._rate < self._ceiling:
            self._raised_s = now_s
            self._set_rate(min(self._ceiling, self._rate + STEP * self.share))

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        self._bucket.set_rate(rate)
        self._held_up = False
