"""The end of a runner: flushes, shutdowns, and what still comes after the exit hook."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.delivery.locks import Lock
    from infinium_otel.delivery.task_sender import TaskSender
    from infinium_otel.runtime.feeder import PipelineFeeder
    from infinium_otel.runtime.journal_coordinator import JournalCoordinator
    from infinium_otel.runtime.last_delivery import LastDelivery
    from infinium_otel.runtime.local_spans import LocalSpans
    from infinium_otel.runtime.verdict_follower import VerdictFollower
    from infinium_otel.runtime.worker import Worker

TURN = 100
"""Traces mapped at a time: between two turns their tasks are sent."""
SPOOLED_EXIT_S = 1.5
"""Seconds the last shutdown may take with a spool, as nothing is lost then."""
SPOOLED_DRAIN_S = 0.4
"""The same for the shutdowns before it: together they take less than two seconds."""
LOCK_S = 5.0
"""Seconds to wait for the lock where the caller has no deadline. Not forever: a signal
handler may have interrupted the thread that holds it."""
IMPORT_S = 60.0
"""Seconds a fork waits for an import of ours: a child that inherits half of one would wait
for the rest for ever."""


class ClosableRunner:
    """What can be flushed and closed; `PipelineRunner` gives it its parts."""

    config: Config
    inbox: deque[Any]
    worker: Worker
    _clock: Callable[[], float]
    _lock: Lock
    _waiting: deque[None]
    _sender: TaskSender
    _journal: JournalCoordinator
    _feeder: PipelineFeeder
    _last_delivery: LastDelivery
    _local_spans: LocalSpans | None
    _closed: bool
    _has_lost: bool
    _refuse_inbox: Callable[[], None]
    verdicts: VerdictFollower | None

    @contextmanager
    def _try_lock(self, timeout_s: float) -> Iterator[bool]:
        """Run a block with the lock held, or with False if it was not free in time."""
        if self._sender.is_held or self._journal.is_held:
            timeout_s = (
                0.0  # a signal handler: who holds our lock may wait for that one
            )
        self._waiting.append(None)
        try:
            held = self._lock.acquire(timeout=max(0.0, timeout_s))
        finally:
            self._waiting.pop()
        try:
            yield held
        finally:
            if held:
                self._lock.release()

    @property
    def sender(self) -> TaskSender:
        """What delivers the tasks."""
        return self._sender

    @property
    def closed(self) -> bool:
        """True once it was shut down: further spans are refused."""
        return self._closed

    def flush(self, timeout_s: float, *, everything: bool = False) -> bool:
        """Deliver everything that has ended, or store it on disk.

        Args:
            timeout_s: seconds this may take.
            everything: include open traces that are safe in the journal.

        Returns:
            True only if all of it is delivered or on disk, and nothing was lost since
            the previous flush.
        """
        deadline = self._clock() + timeout_s
        with self._try_lock(timeout_s) as held:
            if not held:
                return False
            self._recover()
            self._feeder.drain(self.inbox)
            if everything or not self._journal.holds_all:
                self._feeder.flush()
        delivered = self._sender.flush(max(0.0, deadline - self._clock()))
        self._flush_local_spans(deadline)
        has_lost, self._has_lost = self._has_lost, False
        return delivered and not has_lost

    def _recover(self) -> None:
        """Submit what dead processes left; their spool may have tasks as well."""
        if self._journal.to_recover:
            self._feeder.recover()
            self._sender.wake()

    def drain(self, timeout_s: float) -> bool:
        """As `shutdown`, for one of several handles: the runner stays open."""
        deadline = self._empty_pipeline(timeout_s, SPOOLED_DRAIN_S)
        return deadline is not None and self._last_delivery.deliver(deadline)

    def shutdown(self, timeout_s: float) -> bool:
        """As `flush` of everything, then close: further spans are refused."""
        if self._closed:
            return self._shut_down_late()
        losses = self._sender.losses
        deadline = self._empty_pipeline(timeout_s, SPOOLED_EXIT_S, close=True)
        if deadline is None:
            return False
        if not self._last_delivery.deliver(deadline):
            deadline = self._clock()  # it gave up
        self._journal.release_delivered()
        if self.verdicts is not None:
            self.verdicts.stop(max(0.0, deadline - self._clock()))
        safe = self._sender.shutdown(max(0.0, min(1.0, deadline - self._clock())))
        self._flush_local_spans(deadline)
        self._journal.close()
        self.worker.stop(max(0.0, deadline - self._clock()))
        return safe and not self._has_lost and self._sender.losses == losses

    def _flush_local_spans(self, deadline: float) -> None:
        if self._local_spans is not None:
            self._local_spans.flush(max(0.0, deadline - self._clock()))

    def abandon(self) -> bool:
        """Close at once; what is not delivered is lost, unless it is on disk."""
        self._closed = True
        if not self._journal.has_journal:
            self._refuse_inbox()
        self._last_delivery.end_late()
        self._journal.close()
        return self._sender.shutdown(0.0)

    # -- after the exit hook -------------------------------------------------------

    def finish(self, timeout_s: float) -> None:
        """As `shutdown`, before handlers of the exit that may still end spans.

        These are delivered at once, by the thread that ends them, or counted as lost.
        """
        if self._closed:
            return
        began_s = self._clock()
        self.shutdown(timeout_s)
        deadline = began_s + timeout_s
        if self._sender.durable:
            deadline = self._clock() + SPOOLED_DRAIN_S
        self._last_delivery.begin_late(deadline)

    @property
    def _is_over(self) -> bool:
        """Whether spans are refused: it was shut down, and not by the exit hook."""
        return self._closed and not self._last_delivery.is_late

    def _deliver_late(self, step: Callable[[], Any]) -> bool:
        with self._try_lock(LOCK_S) as held:
            return held and self._last_delivery.deliver_late(step)

    def _shut_down_late(self) -> bool:
        losses = self._sender.losses
        self._deliver_late(self._feed_everything)
        self._last_delivery.end_late()
        self._journal.close()
        return self._sender.losses == losses

    def _feed_everything(self) -> None:
        self._feeder.drain(self.inbox)
        self._feeder.flush()

    def _empty_pipeline(
        self, timeout_s: float, spooled_s: float, *, close: bool = False
    ) -> float | None:
        """Submit everything that has ended.

        Returns:
            The deadline for its delivery: *spooled_s* at most if it is on disk. None if
            the lock was not free in time.
        """
        began_s = self._clock()
        least_s = min(timeout_s, spooled_s) if self._journal.has_journal else timeout_s
        with self._try_lock(least_s) as held:
            if not held:
                return None
            self._closed = close
            self.worker.needs_wake = self.worker.needs_wake or close
            self._recover()
            self._feeder.drain(self.inbox)
            remain = self._feeder.flush(TURN)
        while remain:
            self._make_room(began_s + timeout_s)
            with self._try_lock(timeout_s) as held:
                remain = held and self._feeder.flush(TURN)
        return began_s + (least_s if self._sender.durable else timeout_s)

    def _make_room(self, deadline: float) -> None:
        """Deliver what is queued, before more is mapped than the queue can hold."""
        self._sender.wake()
        queued = self._sender.counts.tasks.queued
        if not self._sender.durable and queued > self.config.max_queued_tasks // 2:
            self._last_delivery.deliver(deadline)
