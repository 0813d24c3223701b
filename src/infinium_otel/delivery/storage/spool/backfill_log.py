"""Which tasks a backfill has put into a spool, so that it can be resumed."""

from __future__ import annotations

import sqlite3

from infinium_otel.delivery.storage.spool.file import open_or_create
from infinium_otel.errors import SpoolError


class BackfillLog:
    """The keys of all tasks ever put into a spool by a backfill, stored in its file.

    Args:
        path: of the spool.

    Raises:
        SpoolError: the spool cannot be used.
    """

    def __init__(self, path: str) -> None:
        self._connection = open_or_create(path)
        self._execute("CREATE TABLE IF NOT EXISTS backfilled (key TEXT PRIMARY KEY)")

    def has(self, key: str) -> bool:
        """Whether the task with this key was put into the spool."""
        rows = self._execute("SELECT 1 FROM backfilled WHERE key = ?", key)
        return rows.fetchone() is not None

    def add(self, key: str) -> None:
        """Record that the task with this key was put into the spool."""
        self._execute("INSERT OR IGNORE INTO backfilled VALUES (?)", key)

    def count_queued(self) -> int:
        """Tasks queued in the spool, by any process."""
        count: int = self._execute("SELECT count(*) FROM queue").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _execute(self, statement: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise SpoolError(f"the spool: {error}", field="spool") from None
