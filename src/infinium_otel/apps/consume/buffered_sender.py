"""A sender for a source that can wait."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from infinium_otel.delivery.agent_senders import AgentSenders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.delivery.queue import Deliverable
    from infinium_otel.delivery.sender import Sender

TaskId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task or a message comes from.

    Args:
        offset: of the message; of a task, of the first message it may be made of.
    """

    topic: str
    partition: int
    offset: int


class Owner(Protocol):
    """The partition of a task that is held."""

    def on_queued(self, number: int, task_id: TaskId | None) -> None:
        """Learn the id of task *number*; None if it was not queued."""
        ...


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task that is not in the queue yet.

    Args:
        number: identifies it for its owner.
    """

    owner: Owner
    number: int
    task: Deliverable


class BufferedSender(AgentSenders):
    """Senders that hold tasks until there is room for them in the queue.

    A full queue drops its oldest task. One message from Kafka may complete more tasks
    than the queue has room for, so they wait here, and reading is paused meanwhile.

    Args:
        senders: by the agent's name; "" is the default one.

    Attributes:
        buffer: tasks that are not in the queue yet, oldest first.
        sources: where the tasks come from that are not settled, by key.
    """

    def __init__(self, senders: Mapping[str, Sender]) -> None:
        super().__init__(senders)
        self.buffer: deque[HeldTask] = deque()
        self.sources: dict[str, Source] = {}

    def hold(self, held: HeldTask) -> None:
        """Hold a task."""
        self.buffer.append(held)

    def submit_next(self) -> None:
        """Queue the oldest of the tasks held."""
        held = self.buffer.popleft()
        task_id, _ = self.enqueue(held.task)
        held.owner.on_queued(held.number, task_id)

    def release(self, owner: Owner) -> None:
        """Drop the tasks that are held for a partition: its next consumer makes them."""
        self.buffer = deque(held for held in self.buffer if held.owner is not owner)
