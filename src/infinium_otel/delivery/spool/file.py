"""Opening the spool's file: for its owner alone, and moved aside if it is broken."""

from __future__ import annotations

import logging
import os
import sqlite3
import time

from infinium_otel.delivery.spool.schema import migrate
from infinium_otel.errors import SpoolError

logger = logging.getLogger(__name__)

BUSY_S = 2.0
"""How long a process waits for another that is writing."""
AGAIN_S = 0.01


def opened(path: str) -> sqlite3.Connection:
    """A connection to the spool at *path*, made if it is not there.

    A file that is no database, or a damaged one, is moved aside, and a new one takes
    its place.

    Raises:
        SpoolError: the file cannot be used; the message says why.
        sqlite3.Error: SQLite cannot use it.
    """
    until_s = time.monotonic() + BUSY_S
    while True:
        try:
            return _connected_or_new(path)
        except sqlite3.OperationalError as error:
            # Another process makes the file: SQLite does not wait for all of that.
            if "locked" not in str(error) or time.monotonic() > until_s:
                raise
            time.sleep(AGAIN_S)


def _connected_or_new(path: str) -> sqlite3.Connection:
    try:
        return connected(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        aside = _move_aside(path)
        logger.error("The spool %s is damaged; it was moved to %s", path, aside)  # noqa: TRY400 - the trace adds nothing
    return connected(path)


def connected(path: str) -> sqlite3.Connection:
    """A connection to the spool at *path*, made if it is not there.

    Raises:
        SpoolError: the file cannot be used; the message says why.
        sqlite3.Error: SQLite cannot use it, or it is no database.
    """
    _prepare(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives a kill at any moment; a loss of power only what was synced.
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection, path)
        _ = connection.execute("SELECT bytes FROM totals").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: str) -> None:
    """Makes the file with mode 0600 before SQLite would make it with another."""
    try:
        folder = os.path.dirname(path)  # noqa: PTH120 - pathlib costs an import
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SpoolError(f"{path}: {error.strerror}", field="spool") from None
    try:
        stranger = hasattr(os, "geteuid") and os.fstat(file).st_uid != os.geteuid()
    finally:
        os.close(file)
    if stranger:
        raise SpoolError(f"{path}: belongs to another user", field="spool")


def _move_aside(path: str) -> str:
    aside = f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    try:
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(path + suffix):  # noqa: PTH110 - as above
                os.replace(path + suffix, aside + suffix)  # noqa: PTH105 - as above
    except OSError as error:
        raise SpoolError(f"{path}: {error.strerror}", field="spool") from None
    return aside
