"""The tasks of one partition that are finished and not settled yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from infinium_otel.apps.consume.buffered_sender import HeldTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.apps.consume.buffered_sender import (
        BufferedSender,
        Source,
        TaskId,
    )
    from infinium_otel.pipeline import CompletedTask

REVISION_LENGTH = 8


@dataclass(slots=True)
class _Unsettled:
    """A task that is not settled; without an id it is in the buffer, or taken back."""

    key: str
    since_s: float
    task_id: TaskId | None = None


class Outbox:
    """Numbers the tasks of a partition, and follows each until it is settled.

    A task is settled once it is delivered, on disk, refused for good or dropped.

    Args:
        sender: receives the tasks.
        find_source: where a task comes from whose first span was read at that time.
    """

    def __init__(
        self, sender: BufferedSender, find_source: Callable[[float], Source]
    ) -> None:
        self._sender = sender
        self._find_source = find_source
        self._unsettled: dict[int, _Unsettled] = {}
        self._numbers = count(1)

    def submit(self, completed: CompletedTask) -> bool:
        """Take a finished task, under a key of its content."""
        key = add_revision(completed.key, completed.span_ids)
        number = next(self._numbers)
        self._unsettled[number] = _Unsettled(key, completed.since_s)
        self._sender.sources[key] = self._find_source(completed.since_s)
        self._sender.hold(HeldTask(self, number, replace(completed, key=key)))
        return True

    def on_queued(self, number: int, task_id: TaskId | None) -> None:
        """Learn the id of task *number*; None if it was not queued."""
        self._unsettled[number].task_id = task_id
        if task_id is None:
            self._remove(number)

    def find_since(self, undecided: set[TaskId]) -> float | None:
        """When the first span of the tasks was read that are not settled.

        Args:
            undecided: ids of the tasks in the queue, as `Sender.undecided_ids`.

        Returns:
            None if all are settled.
        """
        settled = [
            number
            for number, task in self._unsettled.items()
            if task.task_id is not None and task.task_id not in undecided
        ]
        for number in settled:
            self._remove(number)
        return min((task.since_s for task in self._unsettled.values()), default=None)

    def withdraw(self) -> set[TaskId]:
        """Take back every task that is not being sent; returns those that may be.

        What was taken back is never settled here: nothing behind it is committed.
        """
        self._sender.release(self)
        sending: set[TaskId] = set()
        for task in self._unsettled.values():
            if task.task_id is not None and not self._sender.withdraw(task.task_id):
                sending.add(task.task_id)
            else:
                task.task_id = None
                self._sender.sources.pop(task.key, None)
        return sending

    def _remove(self, number: int) -> None:
        self._sender.sources.pop(self._unsettled.pop(number).key, None)


def add_revision(key: str, span_ids: Iterable[str]) -> str:
    """*key* with a digest of the spans in the task.

    After a crash the messages of a run are read again, and may be grouped otherwise: the
    task that was sent as a part before is a whole now. A task of the same spans has the
    same key, and is recognized as a copy; one of other spans is not mistaken for one.
    """
    digest = hashlib.sha256("".join(sorted(span_ids)).encode())
    return f"{key}-r{digest.hexdigest()[:REVISION_LENGTH]}"
