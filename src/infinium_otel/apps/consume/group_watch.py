"""Warns while no partition is assigned: librdkafka retries to join in silence."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

IDLE_S = 30.0
"""Seconds without a partition before a warning: the session timeout of most groups."""
STEADY = "steady"
"""The state of a member that has its assignment, if only an empty one. Source: librdkafka's
STATISTICS.md, `cgrp.join_state`."""


class GroupWatch:
    """Watches whether this consumer gets partitions.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._idle_since_s: float | None = None
        self._has_warned = False
        self._state = self._reason = ""

    def note_statistics(self, text: str) -> None:
        """Note why the group last rebalanced.

        Args:
            text: librdkafka's statistics, as JSON. It is read only while no partition is
                assigned: with many partitions it is long.
        """
        if self._idle_since_s is None:
            return
        group = json.loads(text).get("cgrp") or {}
        self._state = group.get("join_state") or ""
        self._reason = group.get("rebalance_reason") or ""

    def look(self, partitions: int) -> None:
        """Warn, once until some are assigned, if there is none for long.

        Args:
            partitions: how many are assigned now.
        """
        if partitions:
            if self._has_warned:
                logger.warning("%d partitions are assigned now", partitions)
            self._idle_since_s, self._has_warned = None, False
            self._state = self._reason = ""
            return
        now_s = self._clock()
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        if now_s - self._idle_since_s < IDLE_S or self._has_warned:
            return
        self._has_warned = True
        if self._state == STEADY:
            logger.warning(
                "No partition is assigned to this consumer, so it reads nothing: the group "
                "has more members than the topic has partitions. Stop some, or add "
                "partitions; it takes over if another one ends"
            )
        else:
            logger.warning(
                "No partition was assigned for %.0f seconds, so nothing is read: the group "
                "does not form (%s). All members need the same "
                "partition.assignment.strategy; if they have it, restart the group",
                IDLE_S,
                self._reason or "no reason is known",
            )
