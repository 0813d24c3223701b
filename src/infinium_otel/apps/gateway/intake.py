"""From requests to the bridge, as fast as tasks can go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.bodies import BusyError
from infinium_otel.records import LogEvent

if TYPE_CHECKING:
    from infinium_otel.bridge import Bridge
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record

TASK_BYTES = 1024 * 1024
"""The most a task can take; most take a hundredth of that."""

FULL = 0.75
"""The part of the queue past which nothing is taken: what is open has to fit, too."""

MAX_WAIT_S = 60.0


def capacity(config: Config) -> int:
    """Tasks that may wait before senders are asked to hold back."""
    most = config.max_queued_tasks
    room = config.max_queued_bytes
    if config.spool is not None:
        most = room = config.max_spool_bytes
    return max(1, int(FULL * min(most, room // TASK_BYTES)))


class Intake:
    """Takes records while there is room for what becomes of them.

    Args:
        bridge: assembles and delivers.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._capacity = capacity(bridge.config)

    def accept(self, records: list[Record]) -> None:
        """Take the records of one request.

        Raises:
            BusyError: too many tasks wait; `retry_after` says when some will have gone.
        """
        waiting = self._bridge.stats().tasks_queued
        if self._bridge.closed or waiting >= self._capacity:
            rate = self._bridge.config.requests_per_second
            raise BusyError(min(MAX_WAIT_S, self._capacity / 4 / rate))
        for record in records:
            if isinstance(record, LogEvent):
                self._bridge.logged(record)
            else:
                self._bridge.ended(record)
