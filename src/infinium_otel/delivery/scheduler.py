"""Which task may be sent now, and what happens to it after the attempt."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from infinium_otel.delivery.circuit_breaker import (
    CLOSED,
    CREDENTIALS_REFUSED,
    CircuitBreaker,
    State,
)
from infinium_otel.taskdata.limits import MAX_BODY_BYTES, shrink_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.pace import Pace
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.retry_limit import RetryLimit
    from infinium_otel.delivery.task_queue import Lease, TaskQueue

# The sender's name: users filter by it, and one logger covers all of sending.
logger = logging.getLogger("infinium_otel.delivery.sender")

NO_ACCESS = "credentials refused"
"""Why a task is with the dead letters although its agent's secret may become right: its
agent is one of several, and would hold up the others."""

GIVEN_UP = "retries exhausted"
"""Why a task is with the dead letters although the service never refused it for good."""

KEEP_AGAIN_S = 5.0
"""Seconds until the next attempt at a refused task that could not be kept."""

BUSY_S = 2.0
"""Longest wait for another request to end; the end of one cuts it short."""

MIN_BODY_BYTES = 4_096
"""A 413 for a body of this size is not about its size, so it is not shrunk further."""


class DeliveryScheduler:
    """One circuit breaker, rate limit and size limit for all sending threads.

    Args:
        queue: holds the tasks, before and after each attempt.
        attempt: sends an item within so many seconds; never raises.
        clock: a monotonic clock in seconds.
        draw: a random number, 0 to 1, for the jitter of the backoff.
        pace: how fast and how concurrently to send.
        retry_limit: when to stop trying a task; None tries for ever.
        keep_refused: as `Sender.keep_refused`.
        on_delivered: as `Sender.on_delivered`.
        label: as for `Sender`.

    Attributes:
        breaker: pauses sending after a failure.
        changed: that of the queue; notified when a request has ended; guards the attributes.
        in_flight: requests being sent.
        closed: True once no task may be claimed any more.
        max_body_bytes: the largest body the service is known to accept.
        refused_unkept: refused tasks that no spool keeps.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        queue: TaskQueue,
        attempt: Callable[[Item, float], AttemptResult],
        clock: Callable[[], float],
        draw: Callable[[], float],
        pace: Pace,
        *,
        retry_limit: RetryLimit | None = None,
        keep_refused: Callable[[Item, str, str], bool | None] = lambda *_: None,
        on_delivered: Callable[[Item, AttemptResult], None] = lambda *_: None,
        label: str = "",
    ) -> None:
        self._label = label
        self._pace = pace
        self._retry_limit = retry_limit
        self._keep_refused = keep_refused
        self._on_delivered = on_delivered
        self._queue = queue
        self._attempt = attempt
        self._clock = clock
        self._draw = draw
        self.breaker = CircuitBreaker()
        self.changed = queue.changed
        self.in_flight = 0
        self.closed = False
        self.max_body_bytes = MAX_BODY_BYTES
        self.refused_unkept = 0
        self._refused_since_s = math.inf

    @property
    def max_in_flight(self) -> int:
        """Requests that may be sent at once: one while the breaker is not closed."""
        return self._pace.max_in_flight if self.breaker.is_closed else 1

    def claim(self) -> Lease | float | None:
        """A task to send now; else seconds to wait; None if nothing is queued."""
        with self.changed:
            if self.closed:
                return None
            pause_s = self.breaker.wait_s(self._clock())
            if pause_s > 0:
                return pause_s
            if self.in_flight >= self.max_in_flight:
                return BUSY_S
            pause_s = self._pace.try_reserve()
            if pause_s > 0:
                return pause_s
            lease = self._queue.claim()
            if lease is not None:
                self.in_flight += 1
                return lease
            self._pace.cancel()
        return self._queue.wait_s()

    def try_reserve(self) -> float:
        """Reserve a request that delivers nothing, in the pace of those that do.

        Returns:
            0 if it may be sent now; else seconds to wait, and nothing was reserved.
        """
        with self.changed:
            pause_s = self.breaker.wait_s(self._clock())
            return pause_s if pause_s > 0 else self._pace.try_reserve()

    def deliver(self, lease: Lease, timeout_s: float) -> AttemptResult:
        """Make one attempt at a claimed task and update the queue with the result.

        An exception that interrupts it, such as KeyboardInterrupt or that of a time limit,
        returns the task to the queue.
        """
        try:
            began_s = self._clock()
            result = self._attempt(lease.item, timeout_s)
            with self.changed:
                self._pace.record(result, self._clock() - began_s)
            if result.kind == "too_large":
                lease, result = self._deliver_smaller(lease, result, timeout_s)
            self._apply(lease, result)
        except BaseException:
            self._queue.nack(lease, 0.0, failed=False)
            raise
        else:
            return result
        finally:
            with self.changed:
                self.in_flight -= 1
                self.changed.notify_all()

    def _deliver_smaller(
        self, lease: Lease, result: AttemptResult, timeout_s: float
    ) -> tuple[Lease, AttemptResult]:
        """Retry once at half the size, and apply that limit to later tasks too."""
        size = len(lease.item.body)
        smaller = shrink_body(lease.item.body, max(MIN_BODY_BYTES, size // 2))
        if lease.item.shrunk or len(smaller.body) >= size:
            return lease, result
        self.max_body_bytes = max(MIN_BODY_BYTES, min(self.max_body_bytes, size - 1))
        self._queue.counters.count_shrunk()
        lease = self._queue.replace(lease, smaller.body)
        result = self._attempt(lease.item, timeout_s)
        if result.kind == "too_large":
            self.max_body_bytes = max(MIN_BODY_BYTES, len(smaller.body) // 2)
        return lease, result

    def _apply(self, lease: Lease, result: AttemptResult) -> None:
        jitter = self._draw()
        with self.changed:
            has_changed = self.breaker.record(result, self._clock(), jitter)
            state, pause_s = self.breaker.state, self.breaker.wait_s(self._clock())
        if has_changed:
            _log_state(state, result, self._label)
        limit = self._retry_limit
        if limit is not None:
            limit.record(lease.id, result)
        if result.kind != "credentials":
            self._refused_since_s = math.inf
        if result.kind == "delivered":
            # Before the task leaves the queue: after a kill it is delivered again.
            self._on_delivered(lease.item, result)
            self._queue.ack(lease)
        elif result.kind == "unavailable":
            if limit is not None and limit.is_exceeded(lease.id):
                self._give_up(lease, result, pause_s)
            else:
                self._queue.nack(lease, pause_s, failed=True)
        elif result.kind == "credentials":
            self._queue.nack(lease, 0.0, failed=False)
            self._give_up_agent(result)
        else:
            self._refuse(lease, result)

    def _give_up(self, lease: Lease, result: AttemptResult, pause_s: float) -> None:
        """Take a task that fails again and again out of the queue, if it can be kept."""
        if not self._keep_refused(lease.item, GIVEN_UP, result.message):
            self._queue.nack(lease, pause_s, failed=True)
            return
        if GIVEN_UP not in self._queue.counters.snapshot().tasks.refused:
            logger.error(
                "A task failed %d times while others were delivered (%s); it is kept "
                "with the dead letters, and further ones are counted",
                lease.item.attempts + 1,
                result.message,
            )
        self._queue.refuse(lease, GIVEN_UP, result.message)

    def _give_up_agent(self, result: AttemptResult) -> None:
        """Take all tasks of an agent out of the queue that is refused for long.

        Only where it is one of several, whose tasks have to share the queue, and only if
        they can be kept.
        """
        now_s = self._clock()
        self._refused_since_s = min(self._refused_since_s, now_s)
        limit = self._retry_limit
        if limit is None or not self._label:
            return
        if now_s - self._refused_since_s < limit.max_age_s:
            return
        while (lease := self._queue.claim()) is not None:
            if not self._keep_refused(lease.item, NO_ACCESS, result.message):
                self._queue.nack(lease, KEEP_AGAIN_S, failed=False)
                return
            if NO_ACCESS not in self._queue.counters.snapshot().tasks.refused:
                logger.error(
                    "The credentials of the agent %s are still refused (%s); its tasks "
                    "are kept with the dead letters, and further ones are counted",
                    self._label,
                    result.reason,
                )
            self._queue.refuse(lease, NO_ACCESS, result.message)

    def _refuse(self, lease: Lease, result: AttemptResult) -> None:
        reason = result.reason if result.status else "validation"
        is_kept = self._keep_refused(lease.item, reason, result.message)
        if is_kept is False:  # not now: it must not be lost
            self._queue.nack(lease, KEEP_AGAIN_S, failed=False)
            return
        if reason not in self._queue.counters.snapshot().tasks.refused:
            logger.error(
                "Infinium refused a task (%s%s); it is %s, and further ones are counted",
                reason,
                _HINTS.get(reason, ""),
                "kept with the dead letters"
                if is_kept
                else "kept in the spool"
                if lease.durable
                else "lost",
            )
        with self.changed:
            self.refused_unkept += not (lease.durable or is_kept)
        self._queue.refuse(lease, reason, result.message)


_HINTS = {"404": ", as for a wrong path in INFINIUM_BASE_URL"}
"""What else a status may mean, by the status."""


def _log_state(state: State, result: AttemptResult, label: str) -> None:
    """Log a change of the breaker's state: one line per change, not per failure."""
    of_agent = f" of the agent {label}" if label else ""
    if state == CLOSED:
        logger.warning("Infinium accepts tasks%s again", of_agent)
    elif state == CREDENTIALS_REFUSED:
        logger.error(
            "Infinium refused %s (%s); tasks are kept and retried with one request "
            "every 30 seconds",
            f"the credentials{of_agent}" if label else "the agent's credentials",
            result.reason,
        )
    else:
        logger.warning(
            "Infinium is unavailable (%s); tasks%s are kept and retried",
            result.failure.detail if result.failure else result.reason,
            of_agent,
        )
