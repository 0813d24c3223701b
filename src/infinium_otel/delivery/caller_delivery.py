"""Delivery in the thread of a caller, who waits for it: a first attempt, or a flush."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.delivery.task_queue import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.counters import DeliveryCounters
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.scheduler import DeliveryScheduler

OTHERS_S = 1.0
"""Seconds an attempt waits for requests that other threads are sending."""


class CallerDelivery:
    """Sends queued tasks one after the other, until a deadline.

    Args:
        scheduler: which task is next, and when.
        counters: count the queued tasks.
        deliver: makes an attempt that takes so many seconds at most.
        clock: a monotonic clock in seconds.
        timeout_s: seconds one attempt may take.
    """

    def __init__(
        self,
        scheduler: DeliveryScheduler,
        counters: DeliveryCounters,
        deliver: Callable[[Lease, float], AttemptResult],
        clock: Callable[[], float],
        timeout_s: float,
    ) -> None:
        self._scheduler = scheduler
        self._counters = counters
        self._deliver = deliver
        self._clock = clock
        self._timeout_s = timeout_s

    def run(
        self,
        deadline: float,
        *,
        wait: bool,
        only: set[tuple[int, int]] | None = None,
    ) -> None:
        """Deliver until *deadline*, or until nothing is left to do.

        Args:
            deadline: by the clock.
            wait: wait for the backoff and the rate limit; False returns at the first.
            only: return once none of these tasks is queued; None delivers all.
        """
        while (left_s := deadline - self._clock()) > 0:
            if only is not None and not self._counters.is_any_queued(only):
                return
            claim = self._scheduler.claim()
            if isinstance(claim, Lease):
                result = self._deliver(claim, min(left_s, self._timeout_s))
                if result.kind == "credentials":
                    return
                if result.kind == "unavailable" and not wait:
                    return
                continue
            changed = self._scheduler.changed
            with changed:
                if not self._scheduler.in_flight and (claim is None or not wait):
                    return
                if changed.is_nested:  # other threads wait for us
                    return
                if not wait:  # another thread sends it; green threads may wait for us
                    deadline = min(deadline, self._clock() + OTHERS_S)
                    left_s = min(left_s, OTHERS_S)
                changed.wait(left_s if claim is None else min(left_s, claim))
