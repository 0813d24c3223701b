"""From requests to the bridge, as fast as tasks can go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.bodies import BusyError

if TYPE_CHECKING:
    from infinium_otel.bridge import Bridge, Load
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record

TASK_BYTES = 1024 * 1024
"""The most a task can take; most take a hundredth of that."""

FULL = 0.75
"""The part of any bound past which nothing is taken: a request may bring much."""

MAX_WAIT_S = 60.0


def fullness(load: Load, config: Config) -> float:
    """The part of the tightest bound that is taken.

    What is open becomes tasks, so it has to find room where they wait.
    """
    room = config.max_queued_bytes if config.spool is None else config.max_spool_bytes
    coming = min(load.bytes_open, load.tasks_open * TASK_BYTES)
    shares = [
        load.spans_open / config.max_open_spans,
        load.tasks_open / config.max_open_traces,
        load.bytes_open / config.max_open_bytes,
        (load.bytes_queued + coming) / room,
    ]
    if config.spool is None:
        tasks = load.tasks_queued + load.tasks_open
        shares.append(tasks / config.max_queued_tasks)
    return max(shares)


class Intake:
    """Takes records while there is room for what becomes of them.

    Args:
        bridge: assembles and delivers.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def accept(self, records: list[Record]) -> None:
        """Take the records of one request.

        Raises:
            BusyError: too much waits; `retry_after` says when some will have gone.
        """
        load = self._bridge.load()
        config = self._bridge.config
        if self._bridge.closed or fullness(load, config) >= FULL:
            some = (load.tasks_queued + load.tasks_open) / 4
            raise BusyError(min(MAX_WAIT_S, some / config.requests_per_second))
        for record in records:
            self._bridge.ended(record)
        self._bridge.attend()
