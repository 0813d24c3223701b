"""Delayed fsync: written data is on the disk soon after, which limits a power loss.

Once the kernel has the data, it survives the end of the process. An fsync takes
milliseconds, for which no application thread should wait. So it is done later, once for
everything written in between.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC_S = 0.5
"""Seconds from a write to its fsync."""


class Unsynced:
    """When the oldest unsynced write was made.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def mark(self) -> None:
        """Record a write."""
        if self._since_s is None:
            self._since_s = self._clock()

    def due_s(self) -> float | None:
        """Seconds until the fsync is due; None if there is nothing to sync."""
        if self._since_s is None:
            return None
        return max(0.0, self._since_s + SYNC_S - self._clock())

    def clear(self) -> None:
        """Record an fsync."""
        self._since_s = None


def sync(path: str) -> None:
    """Fsync a file.

    Raises:
        OSError: the file does not exist, or the disk failed.
    """
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
