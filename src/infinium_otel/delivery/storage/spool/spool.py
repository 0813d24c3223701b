"""The queue on disk. It stores finished request bodies and does not depend on spans."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.delivery.queue import FULL, TOO_LARGE, Evicted, Item
from infinium_otel.delivery.storage.spool.awaited_runs import AwaitedRuns
from infinium_otel.delivery.storage.spool.database import Database
from infinium_otel.delivery.storage.spool.owner_lock import OwnerLock
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.delivery.locks import RLock

LONGEST_DELAY_S = 1_000.0
"""Longer than any real delay; a longer one means that the clock was set back."""

LIVENESS_S = 1.0
"""Seconds between two checks for processes that died with claimed tasks."""

MAX_MESSAGE_LENGTH = 500
MAX_EVICTED_ROWS = 10_000
"""Tasks dropped to make room that are still listed."""


class Spool:
    """Tasks in a SQLite file (WAL), shared by all processes that use the same path.

    A task is on disk when `put` returns. A claimed task belongs to its process until ack,
    nack or refuse, or until that process ends. Past *max_bytes* the oldest unclaimed
    tasks are dropped; refused tasks have a tenth of that limit, and the oldest are
    dropped in the same way. Thread-safe. The file is opened on first use.

    Args:
        path: of the file; names of the files beside it begin with its name.
        max_bytes: bytes of all queued bodies.
        epoch: seconds since the epoch: the clock that processes share.
        lock: that of what it is part of; None for one of its own.
    """

    def __init__(
        self,
        path: str,
        max_bytes: int,
        epoch: Callable[[], float] = time.time,
        lock: RLock | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._epoch = epoch
        self._database = Database(path, lock)
        self._connect = self._database.connect
        self._transaction = self._database.transaction
        self._owner_lock = OwnerLock(self._database.path)
        self._checked_s = 0.0

    @property
    def awaited(self) -> AwaitedRuns:
        """The delivered runs whose interpretation is awaited."""
        return AwaitedRuns(self._database)

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[Evicted]]:
        """Queue a body, unless its key is queued already; it is on disk on return.

        Raises:
            SpoolError: it could not be written.
        """
        with self._transaction() as connection:
            query = "SELECT id FROM queue WHERE key = ?"
            row = connection.execute(query, (key,)).fetchone()
            if row:
                return int(row[0]), []
            inserted = connection.execute(
                "INSERT INTO queue (key, body, size, spans, queued_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, body, len(body), spans, self._epoch()),
            )
            number = int(inserted.lastrowid or 0)
            self._database.unsynced.mark()
            return number, self._make_room(connection, number)

    def _make_room(self, connection: sqlite3.Connection, newest: int) -> list[Evicted]:
        evicted = []
        while _get_bytes(connection, "queue") > self._max_bytes:
            oldest = connection.execute(
                "SELECT id FROM queue WHERE owner IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            if oldest is None:
                break
            reason = TOO_LARGE if oldest[0] == newest else FULL
            self._move_to_refused(connection, oldest[0], reason, "")
            self._drop_body(connection, oldest[0])
            evicted.append(Evicted(oldest[0], reason))
        return evicted

    def claim(self, now_s: float) -> Item | None:
        """The next item that is due: fewest failed attempts first, then the oldest.

        Raises:
            SpoolError: the file failed.
        """
        with self._transaction() as connection:
            self._reclaim_from_dead_owners(connection)
            row = connection.execute(
                "SELECT id, key, body, spans, attempts, shrunk FROM queue"
                " WHERE owner IS NULL AND (not_before <= ? OR not_before > ?)"
                " ORDER BY attempts, id LIMIT 1",
                (now_s, now_s + LONGEST_DELAY_S),
            ).fetchone()
            if row is None:
                return None
            owner = self._owner_lock.acquire()
            connection.execute(
                "UPDATE queue SET owner = ? WHERE id = ?", (owner, row[0])
            )
            number, key, body, spans, attempts, shrunk = row
            return Item(number, key, body, spans, attempts, bool(shrunk))

    def _reclaim_from_dead_owners(self, connection: sqlite3.Connection) -> None:
        now = self._epoch()
        if 0 <= now - self._checked_s < LIVENESS_S:
            return
        self._checked_s = now
        rows = connection.execute(
            "SELECT DISTINCT owner FROM queue WHERE owner IS NOT NULL"
        )
        for name in self._owner_lock.find_dead([row[0] for row in rows]):
            connection.execute("UPDATE queue SET owner = NULL WHERE owner = ?", (name,))
            self._owner_lock.remove(name)

    def ack(self, item: Item) -> None:
        """Remove a delivered item."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM queue WHERE id = ?", (item.number,))

    def nack(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Return a claimed item, to be claimed again at *not_before_s* or later."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE queue SET owner = NULL, not_before = ?, attempts = attempts + ?"
                " WHERE id = ?",
                (not_before_s, int(failed), item.number),
            )

    def refuse(self, item: Item, reason: str, message: str) -> None:
        """Move an item into the table of refused tasks, with the reason."""
        with self._transaction() as connection:
            self._move_to_refused(connection, item.number, reason, message)
            while _get_bytes(connection, "refused") > self._max_bytes // 10:
                connection.execute(
                    "DELETE FROM refused WHERE id ="
                    " (SELECT id FROM refused WHERE size > 0 ORDER BY refused_at LIMIT 1)"
                )

    def _move_to_refused(
        self, connection: sqlite3.Connection, number: int, reason: str, message: str
    ) -> None:
        connection.execute(
            "INSERT INTO refused"
            " (id, key, body, size, spans, reason, message, refused_at)"
            " SELECT id, key, body, size, spans, ?, ?, ? FROM queue WHERE id = ?",
            (reason, message[:MAX_MESSAGE_LENGTH], self._epoch(), number),
        )
        connection.execute("DELETE FROM queue WHERE id = ?", (number,))

    def _drop_body(self, connection: sqlite3.Connection, number: int) -> None:
        """Keep only key and reason of a dropped task, and only for the newest ones."""
        connection.execute(
            "UPDATE refused SET body = x'', size = 0 WHERE id = ?", (number,)
        )
        connection.execute(
            "DELETE FROM refused WHERE size = 0 AND id <= ?",
            (number - MAX_EVICTED_ROWS,),
        )

    def replace(self, item: Item, body: bytes) -> Item:
        """Give an item a smaller body."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE queue SET body = ?, size = ?, shrunk = 1 WHERE id = ?",
                (body, len(body), item.number),
            )
        return replace(item, body=body, shrunk=True)

    def make_due(self) -> None:
        """Make every waiting item due now."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE queue SET not_before = 0 WHERE owner IS NULL AND not_before > 0"
            )

    def next_due(self) -> float | None:
        """When the next unclaimed item is due; None if none waits.

        Items claimed by another process count as due in a second: it may have died.
        """
        with self._connect() as connection:
            (due,) = connection.execute(
                "SELECT min(not_before) FROM queue WHERE owner IS NULL"
            ).fetchone()
            if due is not None:
                is_too_far = due > self._epoch() + LONGEST_DELAY_S
                return 0.0 if is_too_far else float(due)
            claimed = connection.execute(
                "SELECT 1 FROM queue WHERE owner IS NOT NULL AND owner != ? LIMIT 1",
                (self._owner_lock.name,),
            ).fetchone()
        return self._epoch() + LIVENESS_S if claimed else None

    def find_remaining(self, numbers: list[int]) -> dict[int, str | None]:
        """Those of *numbers* that are queued (None) or refused (the reason), by number."""
        query = "SELECT reason FROM refused WHERE id = ?"
        found: dict[int, str | None] = {}
        with self._connect() as connection:
            rows = connection.execute("SELECT id FROM queue INDEXED BY ready")
            waiting = {row[0] for row in rows}
            for number in numbers:
                if number in waiting:
                    found[number] = None
                elif row := connection.execute(query, (number,)).fetchone():
                    found[number] = row[0]
        return found

    def get_queued_bytes(self) -> int:
        """Bytes of all queued bodies, of all processes and claimed ones included.

        Raises:
            SpoolError: it could not be read.
        """
        with self._connect() as connection:
            return _get_bytes(connection, "queue")

    def sync(self) -> float | None:
        """Fsync what was written, if it is time to.

        Returns:
            Seconds until it is; None if everything is synced.

        Raises:
            SpoolError: the disk failed.
        """
        return self._database.sync()

    def reopen(self) -> None:
        """Accept calls again after `close`."""
        self._database.reopen()

    def close(self) -> None:
        """Return the claimed items and close the file. Later calls raise SpoolError."""
        if self._database.connection is not None:
            with contextlib.suppress(SpoolError), self._connect() as connection:
                connection.execute(
                    "UPDATE queue SET owner = NULL WHERE owner = ?",
                    (self._owner_lock.name,),
                )
                connection.execute("PRAGMA incremental_vacuum")
        self._owner_lock.release()
        self._database.close()

    def before_fork(self) -> None:
        """Close the connection; `after_fork_in_parent` must be called."""
        self._database.before_fork()

    def after_fork_in_parent(self) -> None:
        """Continue."""
        self._database.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Drop the connection and the lock, which belong to the parent."""
        self._database.after_fork_in_child()
        self._owner_lock.after_fork_in_child()


def _get_bytes(connection: sqlite3.Connection, table: str) -> int:
    query = "SELECT bytes FROM totals WHERE name = ?"
    row = connection.execute(query, (table,)).fetchone()
    if row is None or not isinstance(row[0], int):
        raise sqlite3.DatabaseError("the totals are damaged")
    return row[0]
