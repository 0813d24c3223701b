"""What delivers tasks, as everything above delivery sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.circuit_breaker import State
    from infinium_otel.delivery.counters import CounterSnapshot
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Deliverable


class TaskSink(Protocol):
    """Where completed tasks go: a `TaskSender`, or what holds them before one."""

    def submit(self, completed: Any, /) -> bool:
        """Queue a `CompletedTask`; False if a task was lost."""
        ...


class TaskSender(Protocol):
    """One agent's `Sender`, or the `AgentSenders` of several; each as `Sender` has it."""

    on_attempt: Callable[[AttemptResult, float], None]

    @property
    def counts(self) -> CounterSnapshot:
        """The submitted tasks and spans by their current state."""
        ...

    @property
    def queued_bytes(self) -> int:
        """Bytes of the queued tasks."""
        ...

    @property
    def durable(self) -> bool:
        """Whether what is submitted is on disk when `submit` returns."""
        ...

    @property
    def state(self) -> State:
        """Whether the service accepts tasks."""
        ...

    @property
    def is_held(self) -> bool:
        """Whether the calling thread holds a lock: a signal handler has interrupted it."""
        ...

    @property
    def losses(self) -> int:
        """Tasks that will not be delivered and that no spool keeps."""
        ...

    def submit(self, completed: Deliverable) -> bool:
        """Queue a task."""
        ...

    def attempt(self, deadline_s: float) -> None:
        """Make a first attempt at everything queued."""
        ...

    def flush(self, deadline_s: float) -> bool:
        """Deliver everything submitted before."""
        ...

    def shutdown(self, deadline_s: float) -> bool:
        """As `flush`, then close."""
        ...

    def reopen(self) -> None:
        """Accept tasks again after `shutdown`."""
        ...

    def wake(self) -> None:
        """Start background delivery if anything is queued."""
        ...

    def sync(self) -> float | None:
        """Fsync the spool, if it is time to."""
        ...

    def before_fork(self) -> None:
        """Let go of the spool's file; `after_fork_in_parent` must be called."""
        ...

    def after_fork_in_parent(self) -> None:
        """Continue."""
        ...

    def after_fork_in_child(self) -> None:
        """Drop everything: it belongs to the parent."""
        ...
