"""Which processes on one spool are alive, told by file locks and not by process ids.

A process that has taken tasks holds a lock on a file of its own beside the spool. The
kernel drops the lock when the process ends, however it ends; whoever then gets the lock
knows that what the process had taken is nobody's.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import NOFOLLOW, lock

if TYPE_CHECKING:
    from collections.abc import Iterable

INFIX = "-owner-"


class Owner:
    """This process's mark beside a spool.

    Args:
        spool: path of the spool.
    """

    def __init__(self, spool: str) -> None:
        self._spool = spool
        self._file: int | None = None
        self.name = ""

    def claim(self) -> str:
        """The owner's name, its lock held from now on.

        Raises:
            OSError: the file cannot be made.
        """
        if self._file is None:
            self.name = uuid.uuid4().hex
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | NOFOLLOW
            self._file = os.open(self._path(self.name), flags, 0o600)
            lock(self._file)
        return self.name

    def dead(self, names: Iterable[str]) -> list[str]:
        """Those of *names* whose process is gone."""
        return [name for name in names if name != self.name and self._is_dead(name)]

    def _is_dead(self, name: str) -> bool:
        """Whether nobody holds the lock."""
        try:
            file = os.open(self._path(name), os.O_RDWR | NOFOLLOW)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            return lock(file)
        finally:
            os.close(file)

    def bury(self, name: str) -> None:
        """Removes the file of a dead owner."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(name))  # noqa: PTH108 - pathlib costs an import

    def resign(self) -> None:
        """Gives up the lock and removes the file."""
        if self._file is not None:
            self.bury(self.name)
            os.close(self._file)
            self._file, self.name = None, ""

    def after_fork_in_child(self) -> None:
        """Leaves lock and file to the parent: closing a copy does not unlock."""
        if self._file is not None:
            os.close(self._file)
            self._file, self.name = None, ""

    def _path(self, name: str) -> str:
        return f"{self._spool}{INFIX}{name}"
