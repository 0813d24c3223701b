"""What a loss of power may cost: what is written is on the disk soon after.

A write that the kernel has is safe from the end of the process. To have the disk keep it
takes milliseconds, which no thread of the application should wait; so it is done later,
for all that was written meanwhile.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC_S = 0.5
"""Seconds a write may wait for the disk."""


class Unsynced:
    """Since when something was written that the disk may not have.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def wrote(self) -> None:
        """Something was written now."""
        if self._since_s is None:
            self._since_s = self._clock()

    def due_s(self) -> float | None:
        """Seconds until it has to be synced; None if there is nothing."""
        if self._since_s is None:
            return None
        return max(0.0, self._since_s + SYNC_S - self._clock())

    def clear(self) -> None:
        """It is being synced."""
        self._since_s = None


def sync(path: str) -> None:
    """Has the disk keep what was written to a file.

    Raises:
        OSError: it is not there, or the disk failed.
    """
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
