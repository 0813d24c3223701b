"""Warns when the user's hooks delay the delivery of finished runs.

A hook raises nothing but exceptions here, which lose no run (see `foreign_code`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.foreign_code import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config

logger = logging.getLogger(__name__)

SLOW_S = 5.0
"""Seconds the hooks may take for the runs of one batch."""


class HookTimer:
    """Times the hooks `should_send` and `redact`; warns once while they are slow.

    Args:
        clock: seconds, monotonic.

    Attributes:
        is_in_hook: whether a hook runs now, in any thread.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._took_s: float | None = None
        self._was_slow = False
        self.is_in_hook = False

    def wrap(self, config: Config) -> Config:
        """*config* with timed hooks."""
        hooks = {"should_send": config.should_send, "redact": config.redact}
        timed = {name: self._wrap_hook(h) for name, h in hooks.items() if callable(h)}
        return config.but(**timed) if timed else config

    def _wrap_hook(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        hook = guard(hook)

        def call(*args: Any) -> Any:
            began_s = self._clock()
            self.is_in_hook = True
            try:
                return hook(*args)
            finally:
                self.is_in_hook = False
                took_s = self._clock() - began_s
                self._took_s = (self._took_s or 0.0) + took_s

        return call

    def end_batch(self) -> None:
        """End a batch of runs; warn if its hooks were slow and the last ones were not."""
        if self._took_s is None:  # no hook was called
            return
        is_slow = self._took_s > SLOW_S
        if is_slow and not self._was_slow:
            logger.warning(
                "The hooks should_send and redact delay delivery: they took %.1f s for "
                "the runs of one batch. The application does not wait for them.",
                self._took_s,
            )
        self._took_s, self._was_slow = None, is_slow
