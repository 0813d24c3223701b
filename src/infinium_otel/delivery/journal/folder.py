"""The folder of journals beside a spool: for its owner alone, each file locked."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

from infinium_otel.delivery.journal.lines import HEADER
from infinium_otel.delivery.locks import NOFOLLOW, lock
from infinium_otel.errors import SpoolError

SUFFIX = ".journal"
CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class Folder:
    """Where the journals of all processes on one spool lie.

    Args:
        spool: path of the spool.
    """

    def __init__(self, spool: str) -> None:
        self.path = Path(f"{os.path.abspath(spool)}{SUFFIX}")  # noqa: PTH100 - no symbolic link is resolved

    def prepare(self) -> None:
        """Makes the folder, mode 0700.

        Raises:
            SpoolError: it cannot be made, or others may write into it.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror}", field="spool") from None
        self._check()

    def _check(self) -> None:
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise SpoolError(f"{self.path}: is no folder", field="spool")
        if hasattr(os, "geteuid") and (
            found.st_uid != os.geteuid() or found.st_mode & 0o077
        ):
            raise SpoolError(
                f"{self.path}: must belong to this user alone (mode 0700)",
                field="spool",
            )

    def new(self, suffix: str = SUFFIX) -> tuple[int, Path]:
        """A new file, locked, with its header; its descriptor and path.

        Raises:
            OSError: it cannot be made.
        """
        path = self.path / f"{uuid.uuid4().hex}{suffix}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | NOFOLLOW | CLOEXEC
        file = os.open(path, flags, 0o600)
        lock(file)
        if _wrote(file, HEADER):
            return file, path
        path.unlink()
        os.close(file)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def orphans(self) -> list[tuple[int, Path]]:
        """Files that no living process holds: open and locked, oldest first.

        Raises:
            SpoolError: others may write into the folder, so nothing in it is believed.
        """
        try:
            self._check()
            paths = sorted(self.path.iterdir(), key=_age)
        except OSError:
            return []
        found = []
        for path in paths:
            if path.suffix == ".tmp" or path.name.endswith(SUFFIX):
                file = _taken(path)
                if file is not None:
                    found.append((file, path))
        return found


def _wrote(file: int, data: bytes) -> bool:
    """Whether all of *data* could be written."""
    with contextlib.suppress(OSError):
        return os.write(file, data) == len(data)
    return False


def _age(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.lstat().st_mtime
    return 0.0


def _taken(path: Path) -> int | None:
    """The file, locked; None if another holds it or it is no file of ours."""
    try:
        file = os.open(path, os.O_RDWR | NOFOLLOW | CLOEXEC)
    except OSError:
        return None
    # A process that compacts puts a new file in its place: then this is a ghost.
    same = path.exists() and os.path.samestat(os.fstat(file), path.lstat())
    if same and stat.S_ISREG(os.fstat(file).st_mode) and lock(file):
        return file
    os.close(file)
    return None
