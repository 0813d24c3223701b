"""How long the end of a program may wait for the delivery of what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach

from infinium_otel.delivery.transport.suppression import OWN_WORK

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.task_sender import TaskSender

STALLED_S = 5.0
"""Seconds an exit waits for an endpoint that accepts nothing."""
RECENT_S = 0.5
"""A failed attempt that ended this many seconds ago belongs to the same exit."""


class LastDelivery:
    """Delivers the remaining tasks; gives up once the endpoint accepts nothing.

    Args:
        sender: has the tasks.
        clock: seconds, monotonic.
    """

    def __init__(self, sender: TaskSender, clock: Callable[[], float]) -> None:
        self._sender = sender
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self._stalled_s = STALLED_S
        self._failed_s = 0.0
        self._failed_at_s = float("-inf")
        self._late_until_s: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no task is queued."""
        return self._sender.counts.tasks.queued == 0

    @property
    def is_late(self) -> bool:
        """Whether `deliver_late` still delivers."""
        return self._late_until_s is not None

    def note_attempt(self, began_s: float) -> None:
        """Record an attempt that left tasks undelivered: an exit has waited that long.

        Args:
            began_s: by the clock.
        """
        self._failed_at_s = self._clock()
        self._failed_s = self._failed_at_s - began_s

    def deliver(self, deadline: float) -> bool:
        """Deliver until *deadline*; without a spool, stop early if nothing is accepted.

        Returns:
            True if everything is delivered, or on disk.
        """
        if self._sender.durable:
            return self._sender.flush(max(0.0, deadline - self._clock()))
        if self._clock() - self._failed_at_s < RECENT_S:
            self._stalled_s = max(0.0, self._stalled_s - self._failed_s)
            self._failed_at_s = float("-inf")
        while not self.is_empty:
            left_s = deadline - self._clock()
            before = self._sender.counts.tasks.queued
            self._sender.flush(max(0.0, min(self._stalled_s, left_s)))
            if self._sender.counts.tasks.queued >= before:
                self._stalled_s = 0.0  # wait for it only once per exit
                break
            if left_s <= self._stalled_s:
                break
        return self.is_empty

    def begin_late(self, deadline: float) -> None:
        """From now on only `deliver_late` delivers, until *deadline*."""
        self._late_until_s = deadline

    def end_late(self) -> None:
        """Deliver nothing more."""
        self._late_until_s = None

    def deliver_late(self, step: Callable[[], Any]) -> bool:
        """Take the step, deliver the tasks it completes, and count the rest as lost.

        Returns:
            False if it is too late: the step was not taken.
        """
        if self._late_until_s is None:
            return False
        token = attach(OWN_WORK)  # no log line of ours may come back as a record
        try:
            self._sender.reopen()
            step()
            self.deliver(self._late_until_s)
            self._sender.shutdown(0.0)
        finally:
            detach(token)
        return True
