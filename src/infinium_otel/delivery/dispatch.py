"""Which task may be sent now, and what becomes of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from infinium_otel.delivery.gate import Gate
from infinium_otel.delivery.notices import tell, tell_refusal
from infinium_otel.delivery.pace import TokenBucket
from infinium_otel.limits import MAX_BODY_BYTES, shrunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.stores import Place, Stores
    from infinium_otel.protocol import Outcome

BUSY_S = 2.0
"""Where another request must end first, its end cuts this wait short."""

MIN_BODY_BYTES = 4_096
"""A service that refuses even this as too large does not mean the size."""


class Dispatch:
    """One gate, one rate limit and one limit of size for all threads that send.

    Args:
        config: the settings.
        stores: where tasks wait, and where they are put afterwards.
        attempt: delivers an item within so many seconds; never raises.
        clock: a monotonic clock in seconds.
        draw: a random number, 0 to 1; for the jitter of backoff.

    Attributes:
        changed: notified when a request has ended; guards what is said here.
        in_flight: requests under way.
        closed: nothing is handed out any more.
        max_body_bytes: what the service is known to take.
        refused_unkept: tasks that it refused and that no spool keeps.
    """

    def __init__(
        self,
        config: Config,
        stores: Stores,
        attempt: Callable[[Item, float], Outcome],
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._concurrency = config.concurrency
        self._stores = stores
        self._attempt = attempt
        self._clock = clock
        self._draw = draw
        self._bucket = TokenBucket(config.requests_per_second, config.burst, clock)
        self.gate = Gate()
        self.changed = threading.Condition()
        self.in_flight = 0
        self.closed = False
        self.max_body_bytes = MAX_BODY_BYTES
        self.refused_unkept = 0

    @property
    def most(self) -> int:
        """Requests that may be under way at once: one while the last one failed."""
        return 1 if self.gate.paced else self._concurrency

    def claim(self) -> Place | float | None:
        """A task to deliver now; else seconds to wait; None if nothing waits."""
        with self.changed:
            if self.closed:
                return None
            pause = self.gate.wait_s(self._clock())
            if pause > 0:
                return pause
            if self.in_flight >= self.most:
                return BUSY_S
            pause = self._bucket.take()
            if pause > 0:
                return pause
            place = self._stores.take()
            if place is not None:
                self.in_flight += 1
                return place
            self._bucket.give_back()
        return self._stores.wait_s()

    def deliver(self, place: Place, timeout_s: float) -> Outcome:
        """Makes one attempt at a claimed task, and puts it where it belongs then."""
        try:
            outcome = self._attempt(place.item, timeout_s)
            if outcome.kind == "too_large":
                place, outcome = self._deliver_smaller(place, outcome, timeout_s)
            self._settle(place, outcome)
            return outcome
        finally:
            with self.changed:
                self.in_flight -= 1
                self.changed.notify_all()

    def _deliver_smaller(
        self, place: Place, outcome: Outcome, timeout_s: float
    ) -> tuple[Place, Outcome]:
        """Half the size, once; the limit is remembered for the tasks to come."""
        size = len(place.item.body)
        smaller = shrunk(place.item.body, max(MIN_BODY_BYTES, size // 2))
        if place.item.shrunk or len(smaller.body) >= size:
            return place, outcome
        self.max_body_bytes = max(MIN_BODY_BYTES, min(self.max_body_bytes, size - 1))
        self._stores.tallies.shrunk()
        place = self._stores.replace(place, smaller.body)
        outcome = self._attempt(place.item, timeout_s)
        if outcome.kind == "too_large":
            self.max_body_bytes = max(MIN_BODY_BYTES, len(smaller.body) // 2)
        return place, outcome

    def _settle(self, place: Place, outcome: Outcome) -> None:
        drawn = self._draw()
        with self.changed:
            is_news = self.gate.note(outcome, self._clock(), drawn)
            state, pause = self.gate.state, self.gate.wait_s(self._clock())
        if is_news:
            tell(state, outcome)
        if outcome.kind == "delivered":
            self._stores.done(place)
        elif outcome.kind == "unavailable":
            self._stores.release(place, pause, failed=True)
        elif outcome.kind == "credentials":
            self._stores.release(place, 0.0, failed=False)
        else:
            self._refuse(place, outcome)

    def _refuse(self, place: Place, outcome: Outcome) -> None:
        reason = outcome.reason if outcome.status else "validation"
        if reason not in self._stores.tallies.counts().tasks.refused:
            tell_refusal(reason, kept=place.durable)
        with self.changed:
            self.refused_unkept += not place.durable
        self._stores.refuse(place, reason, outcome.message)
