"""Delivers finished tasks: at once if possible, else in the background."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.backend import ClientBackend, TransportBackend
from infinium_otel.delivery.caller_delivery import CallerDelivery
from infinium_otel.delivery.pace import FixedPace
from infinium_otel.delivery.rate_limit import draw
from infinium_otel.delivery.result_fetcher import ResultFetcher
from infinium_otel.delivery.scheduler import DeliveryScheduler
from infinium_otel.delivery.task_queue import TaskQueue, are_durable
from infinium_otel.delivery.workers import Workers
from infinium_otel.taskdata.limits import encode_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.backend import Backend
    from infinium_otel.delivery.circuit_breaker import State
    from infinium_otel.delivery.counters import CounterSnapshot
    from infinium_otel.delivery.locks import Condition
    from infinium_otel.delivery.pace import Pace
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Deliverable, Item
    from infinium_otel.delivery.retry_limit import RetryLimit
    from infinium_otel.delivery.task_queue import Lease

logger = logging.getLogger(__name__)

STALLED_S = 0.5
"""An attempt that failed after this time has delayed the caller, who must not wait again."""
SPOOLED_EXIT_S = 2.0
"""With a spool an exit loses nothing, so it waits no longer than this to deliver."""


class Sender(ResultFetcher):
    """A queue, in memory or on disk, and the threads that send what is in it.

    Nothing starts before it is needed: no thread, no socket and no file handle before
    the first `submit` (or the first `wake`, which sends what an existing spool holds).

    Args:
        config: must hold credentials unless *client* is given.
        client: anything with `send_task_data(task)`; used instead of our own transport.
        clock: a monotonic clock in seconds.
        epoch: seconds since the epoch, the clock that processes share.
        draw: a random number, 0 to 1, for the jitter of the backoff.
        pace: how fast and how concurrently to send; None for that of the settings.
        retry_limit: when to stop trying a task; None tries for ever.
        label: the agent's name in the log, where there are several; "" for none.

    Attributes:
        on_attempt: called after each attempt with its result and duration in seconds.
        keep_refused: called with a task that will not be delivered, the reason and the
            service's message; returns True once the task is kept elsewhere, False if it
            cannot be now, so that it stays queued, and None if nothing keeps such tasks.
        on_delivered: called with a delivered task and the response, before the task leaves
            the queue; must not raise.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        config: Config,
        *,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
        draw: Callable[[], float] = draw,
        pace: Pace | None = None,
        retry_limit: RetryLimit | None = None,
        label: str = "",
    ) -> None:
        self._label = label
        self._pace = pace
        self._retry_limit = retry_limit
        self._config = config
        self._epoch = epoch
        self._clock = clock
        self._draw = draw
        self.on_attempt: Callable[[AttemptResult, float], None] = lambda *_: None
        self.keep_refused: Callable[[Item, str, str], bool | None] = lambda *_: None
        self.on_delivered = lambda *_: None
        self._backend: Backend
        if client is None:
            self._backend = TransportBackend(config.require_credentials())
        else:
            self._backend = ClientBackend(client)
        self._reset()

    def _reset(self) -> None:
        self._queue = TaskQueue(self._config, clock=self._clock, epoch=self._epoch)
        self._counters = self._queue.counters
        self._scheduler = DeliveryScheduler(
            self._queue,
            self._attempt,
            self._clock,
            self._draw,
            self._pace or FixedPace(self._config, self._clock),
            retry_limit=self._retry_limit,
            keep_refused=self._keep_refused,
            on_delivered=self._note_delivered,
            label=self._label,
        )
        self._workers = Workers(
            self._scheduler, self._queue, self._deliver_in_background
        )
        self._caller_delivery = CallerDelivery(
            self._scheduler,
            self._counters,
            self._deliver,
            self._clock,
            self._config.timeout_s,
        )
        self._losses_reported = 0
        self._has_stalled = False

    @property
    def _changed(self) -> Condition:
        return self._scheduler.changed

    @property
    def agent_id(self) -> str:
        """Whose tasks it sends; "" with a client that has its own agent."""
        return self._config.agent_id or ""

    @property
    def counts(self) -> CounterSnapshot:
        """The submitted tasks and spans by their current state."""
        return self._counters.snapshot()

    @property
    def queued_tasks(self) -> int:
        """How many tasks of this process are queued, as `counts` has it."""
        return self._counters.queued_tasks

    @property
    def queued_bytes(self) -> int:
        """Bytes of the queued tasks; with a spool, those of other processes too."""
        return self._queue.get_queued_bytes()

    @property
    def queued_bytes_in_memory(self) -> int:
        """Bytes of the queued tasks that this process holds in memory."""
        return self._queue.memory_bytes

    @property
    def durable(self) -> bool:
        """Whether what is submitted is on disk when `submit` returns."""
        return self._queue.durable

    @property
    def state(self) -> State:
        """Whether the service accepts tasks: "closed" is normal, as of a circuit."""
        return self._scheduler.breaker.state

    @property
    def losses(self) -> int:
        """Tasks that will not be delivered and that no spool keeps."""
        return self._scheduler.refused_unkept + sum(self.counts.tasks.lost.values())

    def checkpoint(self) -> Callable[[], bool]:
        """A function that returns True once everything submitted so far is settled.

        A task is settled once it is delivered, on disk, refused for good or dropped.
        """
        submitted = self._counters.get_queued_ids()
        return lambda: are_durable(submitted & self._counters.get_queued_ids())

    def submit(self, completed: Deliverable) -> bool:
        """Queue a task; with a spool it is on disk when this returns. Never raises.

        Returns:
            False if a task, this or an older one, was dropped; it is counted.
        """
        return self.enqueue(completed)[1]

    def enqueue(self, completed: Deliverable) -> tuple[tuple[int, int] | None, bool]:
        """As `submit`; returns also the id of the task in `queued_ids`, None if not queued."""
        spans = completed.spans
        self._counters.count_submitted(spans)
        if self._scheduler.closed:
            self._counters.count_never_queued(spans, "after shutdown")
            return None, False
        try:
            encoded = encode_task(completed.task, self._scheduler.max_body_bytes)
        except Exception:  # the task may be any object
            logger.exception("A task could not be encoded and is lost")
            self._counters.count_never_queued(spans, "not encodable")
            return None, False
        if encoded.stages:
            self._counters.count_shrunk()
        task_id, is_lossless = self._queue.put(completed.key, encoded.body, spans)
        with self._changed:
            self._changed.notify_all()
        return task_id, is_lossless

    def withdraw(self, task_id: tuple[int, int]) -> bool:
        """Take a task back as if it had not been submitted, unless it is being sent."""
        if self._retry_limit is not None:
            self._retry_limit.forget(task_id)
        return self._queue.withdraw(task_id)

    @property
    def undecided_ids(self) -> set[tuple[int, int]]:
        """Ids of the tasks that are neither delivered, on disk, refused nor dropped."""
        return {
            each for each in self._counters.get_queued_ids() if not are_durable([each])
        }

    @property
    def is_held(self) -> bool:
        """Whether the calling thread holds the lock: a signal handler has interrupted it."""
        return self._changed.is_held

    @property
    def in_flight(self) -> int:
        """Requests being sent."""
        return self._scheduler.in_flight

    def attempt(self, deadline_s: float) -> None:
        """Make a first attempt at everything queued, in the caller's thread.

        Returns at the first failure that a retry may fix. Never waits for a backoff or
        for the rate limit: the rest is sent in the background. After a call that waited
        in vain, the next ones leave their tasks to the background until one is delivered.

        Args:
            deadline_s: seconds from now this may take.
        """
        if not self._has_stalled:
            began_s = self._clock()
            self._caller_delivery.run(began_s + deadline_s, wait=False)
            is_slow = self._clock() - began_s > STALLED_S
            self._has_stalled = is_slow and self.counts.tasks.queued > 0
        self.wake()

    def flush(self, deadline_s: float) -> bool:
        """Deliver everything submitted before, waiting for retries.

        With a spool it makes one attempt and does not wait: the rest is safe on disk.

        Returns:
            True only if all of it is delivered or in the spool, and nothing was lost
            since the previous flush. Without a spool a refused task counts as lost.
        """
        outstanding = self._counters.get_queued_ids()
        with self._changed:
            self._scheduler.breaker.half_open()
        self._queue.make_due()
        self._caller_delivery.run(
            self._clock() + deadline_s, wait=not self._queue.durable, only=outstanding
        )
        self._queue.reconcile()
        self.wake()
        remaining = self._counters.get_queued_ids() & outstanding
        has_lost = self._has_new_losses()
        return are_durable(remaining) and not has_lost

    def shutdown(self, deadline_s: float) -> bool:
        """As `flush`, then stop the workers and close; later submits are lost.

        With a spool it takes at most 2 seconds. Calling it again does nothing.
        """
        if self._scheduler.closed:
            return True
        if self._queue.durable:
            deadline_s = min(deadline_s, SPOOLED_EXIT_S)
        deadline = self._clock() + deadline_s
        safe = self.flush(deadline_s)
        with self._changed:
            self._scheduler.closed = True
            self._changed.notify_all()
            while self._scheduler.in_flight and self._clock() < deadline:
                if self._changed.is_nested:  # other threads wait for us
                    break
                self._changed.wait(deadline - self._clock())
        lost = self._queue.close()
        if lost:
            logger.error("Tasks not delivered before shutdown, and lost: %d", lost)
        self._backend.close()
        return safe and not lost

    def reopen(self) -> None:
        """Accept tasks again after `shutdown`, to be delivered by a `flush`."""
        self._queue.reopen()
        self._scheduler.closed = False

    def wake(self) -> None:
        """Start background delivery if anything is queued, even by earlier processes."""
        self._workers.wake()

    def sync(self) -> float | None:
        """Fsync the spool, if it is time to.

        Returns:
            Seconds until it is; None if there is nothing to sync.
        """
        return self._queue.sync()

    def before_fork(self) -> None:
        """Let go of the spool's file; `after_fork_in_parent` must be called."""
        self._queue.before_fork()

    def after_fork_in_parent(self) -> None:
        """Continue."""
        self._queue.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Drop the parent's queue, threads and connections; never blocks or logs."""
        self._queue.after_fork_in_child()
        self._backend.after_fork_in_child()
        self._reset()

    def _has_new_losses(self) -> bool:
        before, self._losses_reported = self._losses_reported, self.losses
        return self._losses_reported > before

    def _deliver_in_background(self, lease: Lease) -> None:
        self._deliver(lease, self._config.timeout_s)

    def _deliver(self, lease: Lease, timeout_s: float) -> AttemptResult:
        result = self._scheduler.deliver(lease, timeout_s)
        if result.kind == "delivered":
            self._has_stalled = False
            if self._scheduler.max_in_flight > 1:
                self.wake()
        return result

    def _keep_refused(self, item: Item, reason: str, message: str) -> bool | None:
        return self.keep_refused(item, reason, message)

    def _attempt(self, item: Item, timeout_s: float) -> AttemptResult:
        began_s = self._clock()
        result = self._backend.deliver(item, timeout_s)
        self.on_attempt(result, self._clock() - began_s)
        return result
