"""Removes the tasks that are too old or too many, now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.apps.serve.store import Retention, Store

logger = logging.getLogger(__name__)

INTERVAL_S = 60.0
"""Seconds between checks."""


class Pruner:
    """Keeps a store within its bounds.

    Args:
        retention: which tasks are kept; None for all.
    """

    def __init__(self, store: Store, retention: Retention | None) -> None:
        self._store = store
        self._retention = retention
        self.removed = 0

    def prune(self) -> None:
        """Remove what is too old or too much; the first time is logged."""
        if self._retention is None:
            return
        before = self.removed
        while count := self._store.prune(self._retention, time.time_ns() // 1_000_000):
            self.removed += count
        if self.removed > before == 0:
            logger.warning(
                "Tasks past --keep-days or --keep-mib are removed, the oldest first: "
                "%d now. Further ones are removed without a message",
                self.removed,
            )

    async def watch(self) -> None:
        """Prune until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.prune)
            except Exception:
                # a disk that is full now may have room later
                logger.exception("old tasks could not be removed")
            await asyncio.sleep(INTERVAL_S)
