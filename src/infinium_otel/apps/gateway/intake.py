"""From requests to the bridge, as fast as tasks can go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.bodies import BusyError
from infinium_otel.apps.fleets import FULL, fullness

if TYPE_CHECKING:
    from infinium_otel.bridge import Bridge
    from infinium_otel.otlp import Record

MAX_WAIT_S = 60.0


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
