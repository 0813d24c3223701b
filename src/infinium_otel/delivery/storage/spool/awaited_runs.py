"""Delivered runs whose interpretation is awaited: in the spool, else in memory."""

from __future__ import annotations

import contextlib
import sqlite3
import weakref
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.delivery.locks import RLock
from infinium_otel.delivery.storage.spool.schema import create_awaited
from infinium_otel.delivery.verdicts import AwaitedRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    class Connected(Protocol):
        """What runs transactions: the spool's `Database`, or the one in memory."""

        def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
            """Run a block as one transaction."""
            ...


MAX_RUNS = 10_000
"""Runs that are awaited at once; and as many that are not any more are remembered, so that
a run that is delivered twice is not awaited twice."""
LEASE_S = 60.0
"""Seconds a claimed run belongs to its claimer; that process may die."""


_kept_open: list[sqlite3.Connection] = []
"""Connections of a parent process: a thread that a child does not have may hold them."""


class MemoryDatabase:
    """A database in the memory of this process, created on first use. Thread-safe."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()
        self._finalizer: weakref.finalize[Any, MemoryDatabase] | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block with the connection locked."""
        with self._lock:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    ":memory:", isolation_level=None, check_same_thread=False
                )
                create_awaited(self._connection)
                # A thread that is late may connect again after `close`.
                self._finalizer = weakref.finalize(self, self._connection.close)
            yield self._connection

    def close(self) -> None:
        """Forget the content; the next transaction begins with none."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def after_fork_in_child(self) -> None:
        """Forget the parent's content; never blocks."""
        self._lock = RLock()
        if self._connection is not None:
            _kept_open.append(self._connection)
            self._connection = None
        if self._finalizer is not None:
            self._finalizer.detach()


class AwaitedRuns:
    """The runs whose interpretation is awaited, shared by all processes of a spool.

    Args:
        database: the spool's, or a `MemoryDatabase`.
        most: runs that are awaited at once; beyond that the oldest is dropped.
    """

    def __init__(self, database: Connected, most: int = MAX_RUNS) -> None:
        self._database = database
        self._most = most

    def add(self, run: AwaitedRun, not_before_s: float) -> int:
        """Await *run*, unless it is or was awaited already.

        Returns:
            How many older runs were dropped to make room.

        Raises:
            SpoolError: it could not be written.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO awaited (key, result_id, trace_id, span_id, agent,"
                " delivered_at, polls, not_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*astuple(run), not_before_s),
            )
            surplus = _count(connection) - self._most
            if surplus > 0:
                connection.execute(
                    "DELETE FROM awaited WHERE key IN (SELECT key FROM awaited"
                    " WHERE not_before IS NOT NULL ORDER BY delivered_at LIMIT ?)",
                    (surplus,),
                )
            return max(0, surplus)

    def claim(self, now_s: float, lease_s: float = LEASE_S) -> AwaitedRun | None:
        """The run that is due next; None if none is.

        Args:
            now_s: seconds since the epoch.
            lease_s: seconds after which it may be claimed again: its claimer may die.

        Raises:
            SpoolError: the file failed.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT key, result_id, trace_id, span_id, agent, delivered_at, polls"
                " FROM awaited WHERE not_before <= ? ORDER BY not_before LIMIT 1",
                (now_s,),
            ).fetchone()
            if row is None:
                return None
            _set_due(connection, row[0], now_s + lease_s)
        return AwaitedRun(*row)

    def postpone(self, run: AwaitedRun, not_before_s: float, *, polled: bool) -> None:
        """Return a claimed run, to be claimed again at *not_before_s* or later."""
        with self._database.transaction() as connection:
            _set_due(connection, run.key, not_before_s)
            connection.execute(
                "UPDATE awaited SET polls = polls + ? WHERE key = ?",
                (int(polled), run.key),
            )

    def end(self, run: AwaitedRun, now_s: float) -> None:
        """Await a run no more: it was judged, or given up."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE awaited SET not_before = NULL, ended_at = ? WHERE key = ?",
                (now_s, run.key),
            )
            connection.execute(
                "DELETE FROM awaited WHERE key IN (SELECT key FROM awaited WHERE"
                " not_before IS NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?)",
                (self._most,),
            )

    def get_next_due(self) -> float | None:
        """When the next run is due, in seconds since the epoch; None if none is awaited."""
        with self._database.transaction() as connection:
            query = "SELECT min(not_before) FROM awaited"
            due: float | None = connection.execute(query).fetchone()[0]
        return due

    def count(self) -> int:
        """How many runs are awaited."""
        with self._database.transaction() as connection:
            return _count(connection)


def _count(connection: sqlite3.Connection) -> int:
    query = "SELECT count(*) FROM awaited WHERE not_before IS NOT NULL"
    return int(connection.execute(query).fetchone()[0])


def _set_due(connection: sqlite3.Connection, key: str, due_s: float) -> None:
    connection.execute("UPDATE awaited SET not_before = ? WHERE key = ?", (due_s, key))
