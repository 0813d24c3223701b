"""Opening the spool's file: private to its user, moved aside if it is damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import time

from infinium_otel.delivery.locks import sleep
from infinium_otel.delivery.storage.private_files import (
    check_side_files,
    prepare_database,
)
from infinium_otel.delivery.storage.spool.schema import migrate
from infinium_otel.errors import SpoolError

logger = logging.getLogger(__name__)

BUSY_S = 2.0
"""Seconds a process waits for another that is writing."""
RETRY_S = 0.01
"""Seconds between two attempts to open a file that another process is creating."""


def open_or_create(path: str) -> sqlite3.Connection:
    """Connect to the spool at *path*; creates it if it does not exist.

    A damaged file, or one that is not a database, is moved aside and replaced.

    Raises:
        SpoolError: the file cannot be used; the message explains why.
        sqlite3.Error: SQLite cannot use the file.
    """
    deadline_s = time.monotonic() + BUSY_S
    while True:
        try:
            return _connect_or_replace(path)
        except sqlite3.OperationalError as error:
            # Another process is creating the file: SQLite does not wait for all of that.
            if "locked" not in str(error) or time.monotonic() > deadline_s:
                raise
            sleep(RETRY_S)


def _connect_or_replace(path: str) -> sqlite3.Connection:
    try:
        return connect(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        aside = _move_aside(path)
        logger.error("The spool %s is damaged; it was moved to %s", path, aside)  # noqa: TRY400 - the trace adds nothing
    return connect(path)


def connect(path: str) -> sqlite3.Connection:
    """Connect to the spool at *path*; creates it if it does not exist.

    Raises:
        SpoolError: the file cannot be used; the message explains why.
        sqlite3.Error: SQLite cannot use the file, or it is not a database.
    """
    _prepare(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # Committed data survives a kill at any time; synced data survives a power loss.
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection, path)
        _check_totals(connection)
        check_side_files(path)  # as SQLite opened them
    except UnicodeDecodeError:
        # SQLite's message quotes what it read, which is not text
        connection.close()
        raise sqlite3.DatabaseError("the file is damaged") from None
    except OSError as error:
        connection.close()
        raise _to_spool_error(error, path) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _check_totals(connection: sqlite3.Connection) -> None:
    query = "SELECT typeof(bytes) FROM totals WHERE name IN ('queue', 'refused')"
    if connection.execute(query).fetchall() != [("integer",), ("integer",)]:
        raise sqlite3.DatabaseError("the totals are damaged")


def _prepare(path: str) -> None:
    """Create the file with mode 0600, before SQLite creates it with another mode."""
    try:
        folder = os.path.dirname(path)  # noqa: PTH120 - pathlib costs an import
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
        prepare_database(path)
    except OSError as error:
        raise _to_spool_error(error, path) from None


def _to_spool_error(error: OSError, path: str) -> SpoolError:
    """The error with the name of the spool, or of the file beside it that is wrong."""
    named = str(error.filename)
    where = named if named.startswith(path) else path
    return SpoolError(f"{where}: {error.strerror}", field="spool")


def _move_aside(path: str) -> str:
    aside = f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    try:
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(path + suffix):  # noqa: PTH110 - as above
                os.replace(path + suffix, aside + suffix)  # noqa: PTH105 - as above
    except OSError as error:
        raise SpoolError(f"{path}: {error.strerror}", field="spool") from None
    return aside
