"""Log lines that a client can cause at will: each kind once a minute."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 60.0
MAX_KINDS = 100


class RepeatFilter(logging.Filter):
    """Drops a line if one of its kind was logged within a minute.

    The kind is the text before its arguments. The next line that is logged contains how
    many were dropped.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Report whether to log *record*."""
        kind, now_s = (record.levelno, str(record.msg)), self._clock()
        since_s, dropped = self._seen.get(kind, (now_s - INTERVAL_S, 0))
        if now_s - since_s < INTERVAL_S:
            self._seen[kind] = since_s, dropped + 1
            return False
        if len(self._seen) >= MAX_KINDS:
            self._seen.clear()
        self._seen[kind] = now_s, 0
        if dropped:
            record.msg = f"{record.getMessage()} (and {dropped} more like it)"
            record.args = ()
        return True


def log_once_a_minute(*names: str) -> None:
    """Filter the loggers of these names."""
    for name in names:
        target = logging.getLogger(name)
        if not any(isinstance(each, RepeatFilter) for each in target.filters):
            target.addFilter(RepeatFilter())
