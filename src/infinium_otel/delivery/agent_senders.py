"""Several agents' senders as one: each has a queue, a circuit breaker and connections."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

from infinium_otel.delivery.circuit_breaker import (
    CLOSED,
    CREDENTIALS_REFUSED,
    UNAVAILABLE,
)
from infinium_otel.delivery.counters import add_snapshots
from infinium_otel.delivery.starts import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infinium_otel.delivery.circuit_breaker import State
    from infinium_otel.delivery.counters import CounterSnapshot
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Deliverable
    from infinium_otel.delivery.sender import Sender

BEST_FIRST: tuple[State, ...] = (CLOSED, UNAVAILABLE, CREDENTIALS_REFUSED)


class AgentSenders:
    """Passes each task to the sender of its agent, so that none holds up another.

    A task's agent is its attribute `agent`, as of `infinium_otel.pipeline.CompletedTask`.
    Ids of tasks are unique over all senders.

    Args:
        senders: by the agent's name; "" is the default one.

    Attributes:
        by_name: as given.
    """

    def __init__(self, senders: Mapping[str, Sender]) -> None:
        self.by_name = dict(senders)
        self._senders = tuple(senders.values())
        self._indexes = {name: index for index, name in enumerate(senders)}

    # -- tasks ---------------------------------------------------------------------

    def submit(self, completed: Deliverable) -> bool:
        """As `Sender.submit`."""
        return self.enqueue(completed)[1]

    def enqueue(self, completed: Deliverable) -> tuple[tuple[int, int] | None, bool]:
        """As `Sender.enqueue`."""
        index = self._indexes[getattr(completed, "agent", "")]
        task_id, is_lossless = self._senders[index].enqueue(completed)
        return (None if task_id is None else self._widen(index, task_id)), is_lossless

    def withdraw(self, task_id: tuple[int, int]) -> bool:
        """As `Sender.withdraw`."""
        store, wide = task_id
        number, index = divmod(wide, len(self._senders))
        return self._senders[index].withdraw((store, number))

    @property
    def undecided_ids(self) -> set[tuple[int, int]]:
        """As `Sender.undecided_ids`."""
        return {
            self._widen(index, task_id)
            for index, sender in enumerate(self._senders)
            for task_id in sender.undecided_ids
        }

    def _widen(self, index: int, task_id: tuple[int, int]) -> tuple[int, int]:
        store, number = task_id
        return store, number * len(self._senders) + index

    # -- what is going on ----------------------------------------------------------

    @property
    def counts(self) -> CounterSnapshot:
        """As `Sender.counts`, of all together."""
        if len(self._senders) == 1:
            return self._senders[0].counts
        return add_snapshots(sender.counts for sender in self._senders)

    @property
    def queued_tasks(self) -> int:
        """As `Sender.queued_tasks`, of all together; read for every message and task."""
        return sum(sender.queued_tasks for sender in self._senders)

    @property
    def queued_bytes(self) -> int:
        """As `Sender.queued_bytes`, of all together."""
        return sum(sender.queued_bytes for sender in self._senders)

    @property
    def queued_bytes_in_memory(self) -> int:
        """As `Sender.queued_bytes_in_memory`, of all together."""
        return sum(sender.queued_bytes_in_memory for sender in self._senders)

    @property
    def durable(self) -> bool:
        """As `Sender.durable`: whether this holds for every agent."""
        return all(sender.durable for sender in self._senders)

    @property
    def state(self) -> State:
        """As `Sender.state`: the best of them, since one agent is no reason to stop."""
        return min((each.state for each in self._senders), key=BEST_FIRST.index)

    @property
    def in_flight(self) -> int:
        """As `Sender.in_flight`, of all together."""
        return sum(sender.in_flight for sender in self._senders)

    @property
    def is_held(self) -> bool:
        """As `Sender.is_held`, of any."""
        return any(sender.is_held for sender in self._senders)

    @property
    def losses(self) -> int:
        """As `Sender.losses`, of all together."""
        return sum(sender.losses for sender in self._senders)

    @property
    def on_attempt(self) -> Callable[[AttemptResult, float], None]:
        """As `Sender.on_attempt`; set for all."""
        return self._senders[0].on_attempt

    @on_attempt.setter
    def on_attempt(self, callback: Callable[[AttemptResult, float], None]) -> None:
        for sender in self._senders:
            sender.on_attempt = callback

    # -- delivery ------------------------------------------------------------------

    def attempt(self, deadline_s: float) -> None:
        """As `Sender.attempt`."""
        self._run_each(lambda sender, left_s: sender.attempt(left_s), deadline_s)

    def flush(self, deadline_s: float) -> bool:
        """As `Sender.flush`, of all at once."""
        return self._run_each(lambda sender, left_s: sender.flush(left_s), deadline_s)

    def shutdown(self, deadline_s: float) -> bool:
        """As `Sender.shutdown`, of all at once."""
        return self._run_each(
            lambda sender, left_s: sender.shutdown(left_s), deadline_s
        )

    def reopen(self) -> None:
        """As `Sender.reopen`."""
        for sender in self._senders:
            sender.reopen()

    def wake(self) -> None:
        """As `Sender.wake`."""
        for sender in self._senders:
            sender.wake()

    def sync(self) -> float | None:
        """As `Sender.sync`."""
        times = [sender.sync() for sender in self._senders]
        return min((each for each in times if each is not None), default=None)

    def before_fork(self) -> None:
        """As `Sender.before_fork`."""
        for sender in self._senders:
            sender.before_fork()

    def after_fork_in_parent(self) -> None:
        """As `Sender.after_fork_in_parent`."""
        for sender in self._senders:
            sender.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """As `Sender.after_fork_in_child`."""
        for sender in self._senders:
            sender.after_fork_in_child()

    def _run_each(
        self, step: Callable[[Sender, float], bool | None], deadline_s: float
    ) -> bool:
        """Run a step for every sender, at once: one without a response delays no other."""
        deadline = time.monotonic() + deadline_s
        results: list[bool | None] = [None] * len(self._senders)

        def run(index: int) -> None:
            left_s = max(0.0, deadline - time.monotonic())
            results[index] = step(self._senders[index], left_s)

        if self.is_held:  # other threads wait for us
            for index in range(len(self._senders)):
                run(index)
            return all(results)
        threads = [
            threading.Thread(target=run, args=(index,), daemon=True)
            for index in range(1, len(self._senders))
        ]
        for index, thread in enumerate(threads, 1):
            try:
                start_thread(thread)
            except RuntimeError:  # the interpreter is shutting down
                run(index)
        run(0)
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        return all(cast("bool", each) for each in results)
