"""The threads that deliver in the background, while there is something to deliver."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import (
    begin_thread,
    end_thread,
    is_patched_late,
    must_hand_over,
)
from infinium_otel.delivery.starts import start_thread
from infinium_otel.delivery.task_queue import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.scheduler import DeliveryScheduler
    from infinium_otel.delivery.task_queue import TaskQueue

logger = logging.getLogger(__name__)

IDLE_S = 2.0
"""An idle worker ends after this time; the next task starts a new one."""


class Workers:
    """Starts threads when tasks are queued; each ends when it has been idle.

    Args:
        scheduler: which task is next, and how many may be sent at once.
        queue: the queued tasks.
        deliver: sends one task.
    """

    def __init__(
        self,
        scheduler: DeliveryScheduler,
        queue: TaskQueue,
        deliver: Callable[[Lease], object],
    ) -> None:
        self._scheduler = scheduler
        self._queue = queue
        self._deliver = deliver
        self._changed = scheduler.changed
        self.threads: dict[threading.Thread, bool] = {}
        """The running ones, and whether each is native."""

    def wake(self) -> None:
        """Let the idle ones look again, and start another if there is work for it."""
        with self._changed:
            self._changed.notify_all()
            enough = (
                self._scheduler.closed
                or must_hand_over()
                or self._count() >= self._scheduler.max_in_flight
            )
        if not enough and self._queue.has_tasks():
            self.start()

    def start(self) -> None:
        """Start one more."""
        is_native = not is_patched_late()
        # It gets itself: after a late patch by gevent, `current_thread` is another.
        worker = threading.Thread(
            target=lambda: self._work(worker, is_native=is_native),
            name="infinium-otel-sender",
            daemon=True,
        )
        with self._changed:
            self.threads[worker] = is_native
        try:
            start_thread(worker)
        except RuntimeError:  # the interpreter is shutting down
            with self._changed:
                self.threads.pop(worker, None)

    def _count(self) -> int:
        """Count those that go on: after a late patch the native ones end."""
        is_late = is_patched_late()
        return sum(not (is_late and is_native) for is_native in self.threads.values())

    def _work(self, worker: threading.Thread, *, is_native: bool) -> None:
        begin_thread(is_native=is_native)
        try:
            while not (self._scheduler.closed or must_hand_over()):
                if not self._work_once(worker):
                    break
        except BaseException:  # nobody waits for what is raised in this thread
            logger.exception("The sender's worker failed; the next task starts another")
        finally:
            with self._changed:
                self.threads.pop(worker, None)
            end_thread()

    def _work_once(self, worker: threading.Thread) -> bool:
        """Deliver one task, or wait for one; False if the worker may end."""
        claim = self._scheduler.claim()
        if isinstance(claim, Lease):
            self._deliver(claim)
            return True
        with self._changed:
            pause_s = IDLE_S if claim is None else claim
            notified = not self._scheduler.closed and self._changed.wait(pause_s)
            if notified or claim is not None or self._has_more():
                return True
            # Still under the lock, so that the next task starts another worker.
            self.threads.pop(worker, None)
            return False

    def _has_more(self) -> bool:
        return not self._scheduler.closed and self._queue.has_tasks()
