"""Which processes using a spool are alive, by file locks instead of process ids.

A process with claimed tasks locks a file of its own beside the spool. The kernel drops
the lock when the process ends, for any reason. A process that then gets the lock may
release the tasks that the dead process had claimed.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING

from infinium_otel.delivery.storage.file_lock import try_lock
from infinium_otel.delivery.storage.private_files import NOFOLLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

INFIX = "-owner-"


class OwnerLock:
    """This process's lock file beside a spool.

    Args:
        spool: path of the spool.

    Attributes:
        name: identifies this process in the spool; "" while the lock is not held.
    """

    def __init__(self, spool: str) -> None:
        self._spool = spool
        self._file: int | None = None
        self.name = ""

    def acquire(self) -> str:
        """Take the lock if it is not held yet; returns the owner's name.

        Raises:
            OSError: the file cannot be created.
        """
        if self._file is None:
            self.name = uuid.uuid4().hex
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | NOFOLLOW
            self._file = os.open(self._get_path(self.name), flags, 0o600)
            try_lock(self._file)
        return self.name

    def find_dead(self, names: Iterable[str]) -> list[str]:
        """Those of *names* whose process has ended."""
        return [name for name in names if name != self.name and self._is_dead(name)]

    def _is_dead(self, name: str) -> bool:
        """Whether the lock is free, so that the process has ended."""
        try:
            file = os.open(self._get_path(name), os.O_RDWR | NOFOLLOW)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            return try_lock(file)
        finally:
            os.close(file)

    def remove(self, name: str) -> None:
        """Remove the file of a dead owner."""
        with contextlib.suppress(OSError):
            os.unlink(self._get_path(name))  # noqa: PTH108 - pathlib costs an import

    def release(self) -> None:
        """Release the lock and remove the file."""
        if self._file is not None:
            self.remove(self.name)
            os.close(self._file)
            self._file, self.name = None, ""

    def after_fork_in_child(self) -> None:
        """Drop the copied descriptor; the parent keeps lock and file.

        A lock of `flock` lasts until every copy of its descriptor is closed.
        """
        if self._file is not None:
            os.close(self._file)
            self._file, self.name = None, ""

    def _get_path(self, name: str) -> str:
        return f"{self._spool}{INFIX}{name}"
