"""Delivers finished tasks: now if it works, in the background until it does."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.courier import ClientCourier, TransportCourier
from infinium_otel.delivery.dispatch import Dispatch
from infinium_otel.delivery.pace import draw
from infinium_otel.delivery.stores import Place, Stores
from infinium_otel.limits import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.counts import Counts
    from infinium_otel.delivery.courier import Courier
    from infinium_otel.delivery.queue import Finished, Item
    from infinium_otel.protocol import Outcome

logger = logging.getLogger(__name__)

IDLE_S = 2.0
"""A worker with nothing to do ends after so many seconds; the next task starts one."""

SPOOLED_EXIT_S = 2.0
"""With a spool nothing is lost by leaving, so nobody waits longer for an endpoint."""


class Sender:
    """A queue, in memory or on disk, and the means to empty it.

    Nothing starts before it is needed: no thread, no socket, no file handle of a spool
    before the first `submit` (an existing spool is drained from the first `wake`).

    Args:
        config: must hold credentials unless *client* is given.
        client: anything with `send_task_data(task)`; used instead of our own transport.
        clock: a monotonic clock in seconds.
        epoch: seconds since the epoch, the clock that processes share.
        draw: a random number, 0 to 1; for the jitter of backoff.

    Attributes:
        on_attempt: told of each attempt at a delivery: its outcome, and the seconds it
            took.
    """

    def __init__(
        self,
        config: Config,
        *,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
        draw: Callable[[], float] = draw,
    ) -> None:
        self._config = config
        self._epoch = epoch
        self._clock = clock
        self._draw = draw
        self.on_attempt: Callable[[Outcome, float], None] = lambda *_: None
        self._courier: Courier
        if client is None:
            self._courier = TransportCourier(config.require_credentials())
        else:
            self._courier = ClientCourier(client)
        self._reset()

    def _reset(self) -> None:
        self._stores = Stores(self._config, clock=self._clock, epoch=self._epoch)
        self._tallies = self._stores.tallies
        self._dispatch = Dispatch(
            self._config, self._stores, self._attempt, self._clock, self._draw
        )
        self._changed = self._dispatch.changed
        self._workers: set[threading.Thread] = set()
        self._losses_told = 0

    @property
    def counts(self) -> Counts:
        """Where everything submitted is now."""
        return self._tallies.counts()

    @property
    def queued_bytes(self) -> int:
        """Bytes of the tasks that wait, with a spool those of other processes too."""
        return self._stores.queued_bytes()

    @property
    def durable(self) -> bool:
        """Whether what is submitted is on disk when `submit` returns."""
        return self._stores.durable

    @property
    def losses(self) -> int:
        """Tasks that will not arrive and that no spool keeps."""
        return self._dispatch.refused_unkept + sum(self.counts.tasks.lost.values())

    def checkpoint(self) -> Callable[[], bool]:
        """What to ask later: has all that was submitted until now come to its end?

        A task has once it is delivered, on disk, refused for good or given up.
        """
        submitted = self._tallies.waiting()
        return lambda: self._stores.all_safe(submitted & self._tallies.waiting())

    def submit(self, finished: Finished) -> bool:
        """Queues a task; with a spool it is on disk when this returns. Never raises.

        Returns:
            False if a task, this or an older one, had to be given up; it is counted.
        """
        spans = finished.spans
        self._tallies.submitted(spans)
        if self._dispatch.closed:
            self._tallies.lost_at_once(spans, "after shutdown")
            return False
        try:
            made = encoded(finished.task, self._dispatch.max_body_bytes)
        except Exception:  # the task may come from anywhere
            logger.exception("A task could not be encoded and is lost")
            self._tallies.lost_at_once(spans, "not encodable")
            return False
        if made.stages:
            self._tallies.shrunk()
        kept = self._stores.put(finished.key, made.body, spans)
        with self._changed:
            self._changed.notify_all()
        return kept

    def attempt(self, deadline_s: float) -> None:
        """First attempt at everything queued, in the caller's thread.

        Returns at the first failure that a retry may mend, and never sleeps a backoff
        nor for the rate limit: what is left goes in the background.

        Args:
            deadline_s: seconds from now this may take.
        """
        self._deliver_until(self._clock() + deadline_s, patient=False)
        self.wake()

    def flush(self, deadline_s: float) -> bool:
        """Delivers everything submitted before, waiting for retries.

        With a spool one attempt is made and the rest is safe: it is not waited for.

        Returns:
            True only if all of it is delivered or safe in the spool, and nothing was
            lost since the flush before. Without a spool a task that the service
            refused is lost.
        """
        outstanding = self._tallies.waiting()
        with self._changed:
            self._dispatch.gate.hurry()
        self._stores.hurry()
        patient = not self._stores.durable
        self._deliver_until(
            self._clock() + deadline_s, patient=patient, only=outstanding
        )
        self._stores.reconcile()
        self.wake()
        left = self._tallies.waiting() & outstanding
        lost = self._lost_since_told()
        return self._stores.all_safe(left) and not lost

    def shutdown(self, deadline_s: float) -> bool:
        """As `flush`, then stops the workers and closes; later submits are lost.

        With a spool it takes at most 2 seconds. Calling it again does nothing.
        """
        if self._dispatch.closed:
            return True
        if self._stores.durable:
            deadline_s = min(deadline_s, SPOOLED_EXIT_S)
        deadline = self._clock() + deadline_s
        safe = self.flush(deadline_s)
        with self._changed:
            self._dispatch.closed = True
            self._changed.notify_all()
            while self._dispatch.in_flight and self._clock() < deadline:
                self._changed.wait(deadline - self._clock())
        lost = self._stores.close()
        if lost:
            logger.error("Tasks not delivered before shutdown, and lost: %d", lost)
        self._courier.close()
        return safe and not lost

    def wake(self) -> None:
        """Starts background delivery if anything is queued, also by earlier runs."""
        with self._changed:
            self._changed.notify_all()
            enough = self._dispatch.closed or len(self._workers) >= self._dispatch.most
        if not enough and self._stores.waiting():
            self._start_worker()

    def sync(self) -> float | None:
        """Keeps what was submitted from a loss of power, if it is time to.

        Returns:
            Seconds until it is; None if there is nothing to keep.
        """
        return self._stores.sync()

    def after_fork_in_child(self) -> None:
        """Forgets the parent's queue, threads and connections; never blocks or logs."""
        self._stores.after_fork_in_child()
        self._courier.after_fork_in_child()
        self._reset()

    def _lost_since_told(self) -> bool:
        before, self._losses_told = self._losses_told, self.losses
        return self._losses_told > before

    def _start_worker(self) -> None:
        worker = threading.Thread(
            target=self._work, name="infinium-otel-sender", daemon=True
        )
        with self._changed:
            self._workers.add(worker)
        try:
            worker.start()
        except RuntimeError:  # the interpreter is shutting down
            with self._changed:
                self._workers.discard(worker)

    def _work(self) -> None:
        try:
            while not self._dispatch.closed and self._work_once():
                pass
        except Exception:
            logger.exception("The sender's worker failed; the next task starts another")
        finally:
            with self._changed:
                self._workers.discard(threading.current_thread())

    def _work_once(self) -> bool:
        """Delivers one task, or waits for one; False if there is nothing to wait for."""
        claim = self._dispatch.claim()
        if isinstance(claim, Place):
            self._deliver(claim, self._config.timeout_s)
            return True
        with self._changed:
            pause = IDLE_S if claim is None else claim
            notified = not self._dispatch.closed and self._changed.wait(pause)
            if notified or claim is not None or self._more_waits():
                return True
            # With the lock still held: what comes from now on starts another worker.
            self._workers.discard(threading.current_thread())
            return False

    def _more_waits(self) -> bool:
        return not self._dispatch.closed and self._stores.waiting()

    def _deliver_until(
        self,
        deadline: float,
        *,
        patient: bool,
        only: set[tuple[int, int]] | None = None,
    ) -> None:
        """Delivers in the caller's thread.

        Args:
            deadline: by the sender's clock.
            patient: wait for backoff and rate limit; else return where one is due.
            only: return when none of these places waits any more; None for no end.
        """
        while (left := deadline - self._clock()) > 0:
            if only is not None and not self._tallies.any_waits(only):
                return
            claim = self._dispatch.claim()
            if isinstance(claim, Place):
                timeout_s = min(left, self._config.timeout_s)
                outcome = self._deliver(claim, timeout_s)
                if outcome.kind == "credentials":
                    return
                if outcome.kind == "unavailable" and not patient:
                    return
                continue
            with self._changed:
                if not self._dispatch.in_flight and (claim is None or not patient):
                    return
                self._changed.wait(left if claim is None else min(left, claim))

    def _deliver(self, place: Place, timeout_s: float) -> Outcome:
        outcome = self._dispatch.deliver(place, timeout_s)
        if outcome.kind == "delivered" and self._config.concurrency > 1:
            self.wake()
        return outcome

    def _attempt(self, item: Item, timeout_s: float) -> Outcome:
        began_s = self._clock()
        outcome = self._courier.deliver(item, timeout_s)
        self.on_attempt(outcome, self._clock() - began_s)
        return outcome
