"""The directory of journals beside a spool: private to its user, each file locked."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

from infinium_otel.delivery.storage.file_lock import try_lock
from infinium_otel.delivery.storage.journal.codec import HEADER
from infinium_otel.delivery.storage.private_files import NOFOLLOW
from infinium_otel.errors import SpoolError

SUFFIX = ".journal"


class JournalDirectory:
    """The journals of all processes that use one spool.

    Args:
        spool: path of the spool.
    """

    def __init__(self, spool: str) -> None:
        self.path = Path(f"{os.path.abspath(spool)}{SUFFIX}")  # noqa: PTH100 - must not resolve symbolic links

    def prepare(self) -> None:
        """Create the directory with mode 0700 if it does not exist.

        Raises:
            SpoolError: it cannot be created, or other users may write to it.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror}", field="spool") from None
        self._check()

    def _check(self) -> None:
        status = self.path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise SpoolError(f"{self.path}: is not a directory", field="spool")
        if hasattr(os, "geteuid") and (
            status.st_uid != os.geteuid() or status.st_mode & 0o077
        ):
            raise SpoolError(
                f"{self.path}: must belong to this user alone (mode 0700)",
                field="spool",
            )

    def create_file(self, suffix: str = SUFFIX) -> tuple[int, Path]:
        """Create and lock a file with a header; returns its descriptor and path.

        Raises:
            OSError: it cannot be created.
        """
        path = self.path / f"{uuid.uuid4().hex}{suffix}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | NOFOLLOW
        file = os.open(path, flags, 0o600)
        try_lock(file)
        if _write_all(file, HEADER):
            return file, path
        path.unlink()
        os.close(file)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def lock_orphans(self) -> list[tuple[int, Path]]:
        """Open and lock the files of dead processes, oldest first.

        Raises:
            SpoolError: other users may write to the directory, so it is not trusted.
        """
        try:
            self._check()
            paths = sorted(self.path.iterdir(), key=_get_mtime)
        except OSError:
            return []
        orphans = []
        for path in paths:
            if path.suffix == ".tmp" or path.name.endswith(SUFFIX):
                file = _lock_orphan(path)
                if file is not None:
                    orphans.append((file, path))
        return orphans


def _write_all(file: int, data: bytes) -> bool:
    """Write *data*; False if not all of it could be written."""
    with contextlib.suppress(OSError):
        return os.write(file, data) == len(data)
    return False


def _get_mtime(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.lstat().st_mtime
    return 0.0


def _lock_orphan(path: Path) -> int | None:
    """Open and lock a file; None if it is in use or not a file of ours."""
    try:
        file = os.open(path, os.O_RDWR | NOFOLLOW)
    except OSError:
        return None
    # Compaction replaces the file: then this descriptor is that of a deleted one.
    is_same = path.exists() and os.path.samestat(os.fstat(file), path.lstat())
    if is_same and stat.S_ISREG(os.fstat(file).st_mode) and try_lock(file):
        return file
    os.close(file)
    return None
