"""A spool's connection to its file: transactions, damaged files, forks and fsync."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import RLock
from infinium_otel.delivery.storage.fsync import Unsynced, sync
from infinium_otel.delivery.storage.spool.file import BUSY_S, open_or_create
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

BUSY_AGAIN_S = 0.05
"""The busy timeout after a first one has expired: a caller must not wait twice."""

FORK_S = 5.0
"""Seconds a fork waits for a transaction in another thread to end."""

_kept_open: list[sqlite3.Connection] = []
"""Connections of a parent process and to removed files. They are never closed: SQLite
would then clean up files of the same name that other processes use."""


class Database:
    """A connection that is opened on first use, and again after damage. Thread-safe.

    Args:
        path: of the file; a relative one is resolved here, once.
        lock: that of what it is part of; None for one of its own.

    Attributes:
        connection: the open connection; None if there is none.
        unsynced: whether something was written that is not synced yet.
    """

    def __init__(self, path: str, lock: RLock | None = None) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - pathlib costs an import
        self.connection: sqlite3.Connection | None = None
        self.unsynced = Unsynced()
        self._lock = lock or RLock()
        self._is_held = False
        self._is_impatient = False
        self._closed = False

    @contextlib.contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Lock the connection for this thread, opening it if necessary.

        Raises:
            SpoolError: the file failed, or the spool was closed.
        """
        with self._lock:
            try:
                if self._closed:
                    raise SpoolError(f"{self.path}: was closed", field="spool")
                if self.connection is None:
                    self.connection = open_or_create(self.path)
                elif not os.path.exists(self.path):  # noqa: PTH110 - as above
                    self._rewrite_removed_file(self.connection)
                yield self.connection
            except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
                self._reopen_if_damaged(error)
                raise SpoolError(f"{self.path}: {error}", field="spool") from None

    def _rewrite_removed_file(self, removed: sqlite3.Connection) -> None:
        """Copy the content of a file that was deleted while open into a new one."""
        _kept_open.append(removed)
        self.connection = open_or_create(self.path)
        removed.backup(self.connection)
        logger.error(
            "The spool %s was removed; its content was written to a new file", self.path
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction, which an error or a crash rolls back."""
        with self.connect() as connection:
            self._begin(connection)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction; the full busy timeout is not waited for twice in a row."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._is_impatient = True
            _set_busy_timeout(connection, BUSY_AGAIN_S)
            raise
        if self._is_impatient:
            self._is_impatient = False
            _set_busy_timeout(connection, BUSY_S)

    def _reopen_if_damaged(self, error: Exception) -> None:
        """Have a damaged file opened again at the next use."""
        is_damaged = isinstance(
            error, (sqlite3.DatabaseError, UnicodeDecodeError)
        ) and not isinstance(error, sqlite3.OperationalError)
        if is_damaged and self.connection is not None:
            self.connection.close()
            self.connection = None

    def sync(self) -> float | None:
        """Fsync what was written, if it is time to.

        Returns:
            Seconds until it is; None if everything is synced.

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
            # Committed data is in the WAL file, on which SQLite holds no lock.
            sync(f"{self.path}-wal")
        except FileNotFoundError:
            pass  # the last process to close it moved everything into the database
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror}", field="spool") from None

    def close(self) -> None:
        """Close the connection. Later calls raise SpoolError."""
        with self._lock:
            self._closed = True
            connection, self.connection = self.connection, None
            if connection is None:
                return
            if self.unsynced.due_s() is not None:
                with contextlib.suppress(SpoolError):
                    self._sync()
            connection.close()

    def reopen(self) -> None:
        """Accept calls again after `close`; the next one opens the file."""
        self._closed = False

    def before_fork(self) -> None:
        """Close the connection, so that a child inherits nothing of it.

        SQLite remembers the locks of a process for each file. In a child they would still
        count, but the system has none: a lock of a transaction that was running would
        never be released, and the last other process to close the file would remove the
        WAL file in which the child's tasks are. Source: https://sqlite.org/howtocorrupt.html
        2.6, "Carrying an open database connection across a fork()".
        """
        self._is_held = self._lock.acquire(timeout=FORK_S)
        connection = self.connection
        if not self._is_held or connection is None or connection.in_transaction:
            return
        with contextlib.suppress(SpoolError), self.connect():
            pass  # its content is written to a new file if it was removed
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def after_fork_in_parent(self) -> None:
        """Accept calls again; the next one opens the file."""
        if self._is_held:
            self._is_held = False
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Drop the connection if it is the parent's; the child opens its own."""
        self._lock = RLock()
        self._is_held = self._is_impatient = False
        if self.connection is not None:
            _kept_open.append(self.connection)
            self.connection = None


def _set_busy_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
