"""Says when the user's own hooks hold up what waits behind them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.config import Config

logger = logging.getLogger(__name__)

SLOW_S = 5.0
"""Seconds a batch of runs may take with hooks in it: thousands of runs take less."""


class Patience:
    """Tells of slow hooks, `should_send` and `redact`, once until they are quick again."""

    def __init__(self, config: Config) -> None:
        self._has_hooks = config.should_send is not None or callable(config.redact)
        self._slow = False

    def look(self, took_s: float) -> None:
        """A batch of runs took *took_s*, with the hooks called for each."""
        slow = self._has_hooks and took_s > SLOW_S
        if slow and not self._slow:
            logger.warning(
                "The hooks should_send and redact hold up delivery: runs that ended "
                "together took %.1f s. The application does not wait for them.",
                took_s,
            )
        self._slow = slow
