"""Files with contents of tasks: for their owner alone, and never another's.

A file of such a name may exist already: readable by everybody, or planted by another user
as a link to a file of ours, which would then be written to.
"""

from __future__ import annotations

import errno
import logging
import os
import stat

logger = logging.getLogger(__name__)

PRIVATE = 0o600
OTHERS = 0o077
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Flag of `os.open` that rejects symbolic links; 0 on systems without it."""
SQLITE_HEADER = b"SQLite format 3\0"
"""How a file begins. Source: sqlite.org, "Database File Format", section 1.3."""
SQLITE_SUFFIXES = ("-wal", "-shm", "-journal")


def prepare_database(path: str) -> None:
    """Create a SQLite file, or check the one that exists, and the files beside it.

    SQLite gives the files beside it the mode of the database. An existing file is never
    opened here: closing it would drop the locks that this process has on it.

    Source: sqlite.org, "How To Corrupt An SQLite Database File", section 2.2.

    Raises:
        OSError: a file is a link, or belongs to another user, or cannot be created.
    """
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | NOFOLLOW
        os.close(os.open(path, flags, PRIVATE))
    except FileExistsError:
        make_private(path)
    check_side_files(path)


def is_database(path: str) -> bool:
    """Whether a file is a SQLite file, or empty, as a new one is; what is no file is too.

    Only for programs that have not opened it: see `prepare_database`.

    Raises:
        OSError: it cannot be read.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib costs an import
        return True
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        head = file.read(len(SQLITE_HEADER))
    return head in (b"", SQLITE_HEADER)


def check_side_files(path: str) -> None:
    """Check the files that SQLite keeps beside a database.

    Raises:
        OSError: one is a link, or belongs to another user.
    """
    for suffix in SQLITE_SUFFIXES:
        make_private(path + suffix)


def make_private(path: str) -> None:
    """Check a file, and take its permissions from others; it may be absent.

    Raises:
        OSError: it is a link or no file, or it belongs to another user.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    _check_kind(status, path)
    if not hasattr(os, "geteuid"):  # pragma: no cover - Windows
        return
    if status.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "belongs to another user", path)
    if status.st_mode & OTHERS:
        try:
            os.chmod(path, PRIVATE)  # noqa: PTH101 - pathlib costs an import
        except FileNotFoundError:  # pragma: no cover - SQLite has just removed it
            return
        logger.warning("%s could be read by other users; its mode is now 0600", path)


def open_private(path: str, *, append: bool = False) -> int:
    """Open a file to write it anew, or at its end; returns its descriptor.

    A device or a pipe, such as /dev/stdout, is opened as it is.

    Raises:
        OSError: it is a link to a file, or belongs to another user, or cannot be opened.
    """
    flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if append else 0)
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as above
        return os.open(path, flags)
    make_private(path)
    file = os.open(path, flags | NOFOLLOW, PRIVATE)
    if not append:
        os.ftruncate(file, 0)
    return file


def _check_kind(status: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link, which is not followed", path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a file", path)
    if status.st_nlink > 1:
        raise OSError(errno.EMLINK, "is a file with another name too (hard link)", path)
