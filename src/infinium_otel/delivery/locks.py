"""Locks on files that end with their process, however it ends."""

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    import msvcrt

    def lock(file: int) -> bool:
        """Takes the lock of an open file; False if another holds it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
        except OSError:
            return False
        return True

else:

    def lock(file: int) -> bool:
        """Takes the lock of an open file; False if another holds it.

        It is held until every copy of *file* is closed, a forked child's too.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Refuses a symbolic link that somebody planted; 0 where there is no such flag."""
