"""What delivery is tested with: finished tasks, clocks, clients that are scripted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.tasks import small

if TYPE_CHECKING:
    from infinium_otel.taskdata import TaskData

MANY = 10**9
"""Bytes: more than a test needs."""


@dataclass
class Done:
    """A finished task."""

    task: TaskData
    key: str
    spans: int = 1


def done(number: int, spans: int = 1, **fields) -> Done:
    """A completed task with its own key."""
    return Done(
        small(f"task {number}", **fields), f"{number:032x}-{number:016x}", spans
    )


class Clock:
    """A clock that moves only when a test advances it."""

    def __init__(self, now: float = 1_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now


def keys(spool, now=1_000.0):
    """The keys of all tasks that can be claimed, in order; claims them."""
    found = []
    while (item := spool.claim(now)) is not None:
        found.append(item.key)
    return found


class Status(Exception):  # noqa: N818 - a client's answer
    """What a scripted client raises."""

    def __init__(self, status_code, retry_after=None):
        super().__init__(status_code)
        self.status_code = status_code
        self.retry_after = retry_after


class Client:
    """A client that responds as scripted, then with success."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send_task_data(self, task):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(task.name)


def balanced(counts):
    """Whether every task and every span is in exactly one place."""
    return all(
        tally.submitted
        == tally.delivered
        + tally.queued
        + sum(tally.refused.values())
        + sum(tally.lost.values())
        for tally in (counts.tasks, counts.spans)
    )
