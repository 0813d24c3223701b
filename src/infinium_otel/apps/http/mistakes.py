"""What senders do wrong: counted, and logged once for each sender."""

from __future__ import annotations

import logging
from collections import Counter
from threading import Lock

logger = logging.getLogger(__name__)

MAX_LINES = 100
"""Lines in all: a client can cause them, from many addresses."""


class MistakeLog:
    """Counts mistakes, and logs each kind once for each sender. Thread-safe.

    Args:
        max_lines: logged in all; then one more that announces silence.

    Attributes:
        counts: how often each kind was made.
    """

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self.counts: Counter[str] = Counter()
        self._max_lines = max_lines
        self._logged: set[tuple[str, str]] = set()
        self._lock = Lock()

    def add(self, kind: str, sender: str, message: str) -> None:
        """Count a mistake of *sender*, and log it if it is the first of its kind."""
        with self._lock:
            self.counts[kind] += 1
            if (kind, sender) in self._logged or len(self._logged) > self._max_lines:
                return
            self._logged.add((kind, sender))
            is_last = len(self._logged) > self._max_lines
        if is_last:
            logger.warning("Further mistakes of senders are only counted, as %r", kind)
        else:
            logger.warning("%s: %s", sender or "a sender", message)
