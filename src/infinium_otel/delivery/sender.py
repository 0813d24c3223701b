"""Delivers finished tasks: now if it works, in the background until it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.counts import Counts
    from infinium_otel.taskdata import TaskData


class Finished(Protocol):
    """What a sender takes; `infinium_otel.pipeline.Finished` is one.

    Attributes:
        key: the idempotency key, the same for every delivery of this task.
        spans: how many spans the task was made of.
    """

    @property
    def task(self) -> TaskData:
        """The task, redacted."""
        ...

    @property
    def key(self) -> str:
        """See above."""
        ...

    @property
    def spans(self) -> int:
        """See above."""
        ...


class Sender:
    """A queue, in memory or on disk, and the means to empty it.

    Nothing starts before it is needed: no thread, no socket, no file handle of a spool
    before the first `submit` (an existing spool is drained from the first `wake`).

    Args:
        config: must hold credentials unless *client* is given.
        client: anything with `send_task_data(task)`; used instead of our own transport.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        config: Config,
        *,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        raise NotImplementedError

    @property
    def counts(self) -> Counts:
        """Where everything submitted is now."""
        raise NotImplementedError

    @property
    def durable(self) -> bool:
        """Whether what is submitted is on disk when `submit` returns."""
        raise NotImplementedError

    def submit(self, finished: Finished) -> bool:
        """Queues a task; with a spool it is on disk when this returns. Never raises.

        Returns:
            False if a task, this or an older one, had to be given up; it is counted.
        """
        raise NotImplementedError

    def attempt(self, deadline_s: float) -> None:
        """First attempt at everything queued, in the caller's thread.

        Returns at the first failure that a retry may mend, and never sleeps a backoff
        nor for the rate limit: what is left goes in the background.

        Args:
            deadline_s: seconds from now this may take.
        """
        raise NotImplementedError

    def flush(self, deadline_s: float) -> bool:
        """Delivers everything submitted before, waiting for retries.

        Returns:
            True only if all of it is delivered, refused by the service, or safe in the
            spool, and nothing was lost since the flush before.
        """
        raise NotImplementedError

    def shutdown(self, deadline_s: float) -> bool:
        """As `flush`, then stops the workers and closes; later submits are lost.

        With a spool it takes at most 2 seconds. Calling it again does nothing.
        """
        raise NotImplementedError

    def wake(self) -> None:
        """Starts background delivery if anything is queued, also by earlier runs."""
        raise NotImplementedError

    def after_fork_in_child(self) -> None:
        """Forgets the parent's queue, threads and connections; never blocks or logs."""
        raise NotImplementedError
