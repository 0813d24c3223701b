"""File locks that the kernel drops when their process ends, for any reason."""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    import msvcrt

    def try_lock(file: int) -> bool:
        """Lock an open file; False if it is locked already."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
        except OSError:
            return False
        return True

else:

    def try_lock(file: int) -> bool:
        """Lock an open file; False if it is locked already.

        The lock lasts until every copy of *file* is closed, including those of forked
        children.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
