"""A spool's connection to its file: transactions, damage, forks and the disk."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

from infinium_otel.delivery.power import Unsynced, sync
from infinium_otel.delivery.spool.file import BUSY_S, opened
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

IMPATIENT_S = 0.05
"""How long a process waits for another that is writing, once it did so in vain."""

_kept_open: list[sqlite3.Connection] = []
"""Connections of a parent process, and to files that were removed: closing one would
have SQLite tidy up files of the same name that others use."""


class Database:
    """Opened when it is first needed, and anew after damage. Thread-safe.

    Args:
        path: of the file; where a relative one leads is decided here, once.

    Attributes:
        connection: the open one; None if there is none.
        unsynced: whether the disk may lack something that was written.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - pathlib costs an import
        self.connection: sqlite3.Connection | None = None
        self.unsynced = Unsynced()
        self._lock = threading.RLock()
        self._impatient = False
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone.

        Raises:
            SpoolError: the file failed, or was closed.
        """
        with self._lock:
            try:
                if self._closed:
                    raise SpoolError(f"{self.path}: was closed", field="spool")
                if self.connection is None:
                    self.connection = opened(self.path)
                elif not os.path.exists(self.path):  # noqa: PTH110 - as above
                    self._write_anew(self.connection)
                yield self.connection
            except (sqlite3.Error, OSError) as error:
                self._abandon(error)
                raise SpoolError(f"{self.path}: {error}", field="spool") from None

    def _write_anew(self, removed: sqlite3.Connection) -> None:
        """Puts what was in a file that somebody removed under us into a new one."""
        _kept_open.append(removed)
        self.connection = opened(self.path)
        removed.backup(self.connection)
        logger.error("The spool %s was removed; it was written anew", self.path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, after a crash or an error, nothing."""
        with self.reading() as connection:
            self._begin(connection)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begins a transaction; nobody waits in vain for another process twice."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._impatient = True
            _wait_at_most(connection, IMPATIENT_S)
            raise
        if self._impatient:
            self._impatient = False
            _wait_at_most(connection, BUSY_S)

    def _abandon(self, error: Exception) -> None:
        """After a failure of the file itself, opens it anew next time."""
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        )
        if damaged and self.connection is not None:
            self.connection.close()
            self.connection = None

    def sync(self) -> float | None:
        """Has the disk keep what was written, if it is time to.

        Returns:
            Seconds until it is; None if the disk has everything.

        Raises:
            SpoolError: the disk failed.
        """
        due_s = self.unsynced.due_s()
        if due_s == 0:
            self._sync()
            return None
        return due_s

    def _sync(self) -> None:
        self.unsynced.clear()
        try:
            # What is committed stands in SQLite's log, which it does not lock.
            sync(f"{self.path}-wal")
        except FileNotFoundError:
            pass  # the last process to close it left everything in the database
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror}", field="spool") from None

    def close(self) -> None:
        """Closes the connection. Further use fails."""
        with self._lock:
            self._closed = True
            connection, self.connection = self.connection, None
            if connection is None:
                return
            if self.unsynced.due_s() is not None:
                with contextlib.suppress(SpoolError):
                    self._sync()
            connection.close()

    def after_fork_in_child(self) -> None:
        """Leaves the connection to the parent; the child opens its own."""
        self._lock = threading.RLock()
        if self.connection is not None:
            _kept_open.append(self.connection)
            self.connection = None


def _wait_at_most(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
