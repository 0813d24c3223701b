"""`--send`: tasks go into a spool, and from there to Infinium; may be interrupted.

The spool also records which tasks were put into it, by key. A second run over the same
input continues where the first one ended, however it ended: a task is put in again only
if the first run was killed between storing and recording it, and then under the same
idempotency key.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.storage.spool.backfill_log import BackfillLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.config import Config
    from infinium_otel.pipeline import CompletedTask

MOST_WAITING = 500
"""Tasks in the spool past which no more are added until some are delivered."""

LOOK_S = 0.1
"""Seconds between checks of what waits."""

STALLED_S = 30.0
"""Seconds without a delivered task after which sending stops for now."""


@dataclass(slots=True)
class SendResult:
    """The result of a backfill.

    Args:
        put: tasks that this run queued.
        known: tasks that an earlier run had put there.
        delivered: tasks delivered during this run.
        refused: tasks that the service refused; they stay in the spool.
        waiting: tasks that wait in the spool.
        lost: tasks that the spool did not take, and that were not delivered.
    """

    put: int = 0
    known: int = 0
    delivered: int = 0
    refused: int = 0
    waiting: int = 0
    lost: int = 0


def send(
    tasks: Iterable[CompletedTask],
    config: Config,
    show_waiting: Callable[[int], None] = lambda _tasks: None,
) -> SendResult:
    """Deliver tasks through the spool of *config*.

    Ends when the spool is empty, or when nothing could be delivered for a while: the next
    run, or any process with this spool, sends what waits.

    Args:
        tasks: in any order.
        config: the settings, with a spool.
        show_waiting: called with the number of tasks that wait, while all are waited for.

    Raises:
        SpoolError: the spool cannot be used, so nothing could be resumed.
    """
    with closing(BackfillLog(str(config.spool))) as log:
        sender = Sender(config)
        result = SendResult()
        try:
            sender.wake()
            for task in tasks:
                if log.has(task.key):
                    result.known += 1
                    continue
                if not _wait_for_room(sender, log, MOST_WAITING):
                    break
                sender.submit(task)
                if sender.durable:  # else it is in memory, which may not be delivered
                    log.add(task.key)
                result.put += 1
                sender.wake()
            _wait_for_room(sender, log, 1, show_waiting)
        finally:
            sender.shutdown(0.0)
        counts = sender.counts.tasks
        result.delivered = counts.delivered
        result.refused = sum(counts.refused.values())
        result.waiting = log.count_queued()
        result.lost = sum(counts.lost.values())
    return result


def _wait_for_room(
    sender: Sender,
    log: BackfillLog,
    most: int,
    show_waiting: Callable[[int], None] = lambda _tasks: None,
) -> bool:
    """Wait until fewer than *most* tasks wait; False if none is delivered."""
    before, since = None, time.monotonic()
    while (waiting := log.count_queued()) >= most:
        if waiting != before:
            before, since = waiting, time.monotonic()
        elif time.monotonic() - since > STALLED_S:
            return False
        show_waiting(waiting)
        sender.wake()
        time.sleep(LOOK_S)
    return True
