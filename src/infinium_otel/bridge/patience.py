"""Says when the user's own hooks hold up what waits behind them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config

logger = logging.getLogger(__name__)

SLOW_S = 5.0
"""Seconds the hooks may take for the runs that leave together."""


class Patience:
    """Times the hooks, `should_send` and `redact`; tells of slow ones once.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._took_s: float | None = None
        self._slow = False

    def timing(self, config: Config) -> Config:
        """*config* with hooks that are timed."""
        hooks = {"should_send": config.should_send, "redact": config.redact}
        timed = {name: self._timed(h) for name, h in hooks.items() if callable(h)}
        return config.but(**timed) if timed else config

    def _timed(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            began_s = self._clock()
            try:
                return hook(*args)
            finally:
                took_s = self._clock() - began_s
                self._took_s = (self._took_s or 0.0) + took_s

        return call

    def look(self) -> None:
        """Some runs have left: say it if the hooks were slow and were not before."""
        if self._took_s is None:  # no hook was asked
            return
        slow = self._took_s > SLOW_S
        if slow and not self._slow:
            logger.warning(
                "The hooks should_send and redact hold up delivery: they took %.1f s "
                "for runs that left together. The application does not wait for them.",
                self._took_s,
            )
        self._took_s, self._slow = None, slow
