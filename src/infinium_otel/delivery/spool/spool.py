"""The queue on disk. It stores finished request bodies and knows nothing of spans."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.delivery.queue import FULL, TOO_LARGE, GivenUp, Item
from infinium_otel.delivery.spool.database import Database
from infinium_otel.delivery.spool.owners import Owner
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

LONGEST_DELAY_S = 1_000.0
"""No delay is this long; a longer one is a clock that was set back."""

LIVENESS_S = 1.0
"""Seconds between two looks for processes that died holding tasks."""

MAX_MESSAGE_LENGTH = 500
MOST_REMEMBERED = 10_000
"""Of tasks that had to make room, so many are still listed."""


class Spool:
    """Tasks in a SQLite file (WAL), shared by the processes that name the same path.

    A task is on disk when `put` returns. What is taken belongs to the taker until it is
    done, released or refused, or until the taker's process has ended. Past *max_bytes*
    the oldest tasks that nobody has taken are given up; refused tasks have a tenth of
    that, and lose their oldest likewise. Thread-safe. The file is opened when it is
    first needed.

    Args:
        path: of the file; files beside it begin with its name.
        max_bytes: of bodies that wait.
        epoch: seconds since the epoch: the clock that processes share.
    """

    def __init__(
        self, path: str, max_bytes: int, epoch: Callable[[], float] = time.time
    ) -> None:
        self._max_bytes = max_bytes
        self._epoch = epoch
        self._database = Database(path)
        self._reading = self._database.reading
        self._writing = self._database.writing
        self._owner = Owner(self._database.path)
        self._looked_s = 0.0

    def put(self, key: str, body: bytes, spans: int) -> tuple[int, list[GivenUp]]:
        """Keeps a body, unless one of its key waits already; it is on disk on return.

        Raises:
            SpoolError: it could not be written.
        """
        with self._writing() as connection:
            known = connection.execute("SELECT id FROM queue WHERE key = ?", (key,))
            row = known.fetchone()
            if row:
                return int(row[0]), []
            added = connection.execute(
                "INSERT INTO queue (key, body, size, spans, queued_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, body, len(body), spans, self._epoch()),
            )
            number = int(added.lastrowid or 0)
            self._database.unsynced.wrote()
            return number, self._make_room(connection, number)

    def _make_room(self, connection: sqlite3.Connection, newest: int) -> list[GivenUp]:
        given_up = []
        while _bytes(connection, "queue") > self._max_bytes:
            oldest = connection.execute(
                "SELECT id FROM queue WHERE owner IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            if oldest is None:
                break
            alone = oldest[0] == newest
            reason = TOO_LARGE if alone else FULL
            self._put_away(connection, oldest[0], reason, "")
            self._forget_body(connection, oldest[0])
            given_up.append(GivenUp(oldest[0], reason))
        return given_up

    def take(self, now_s: float) -> Item | None:
        """The next item that is ready: the one that failed least, then the oldest.

        Raises:
            SpoolError: the file failed.
        """
        with self._writing() as connection:
            self._inherit_from_the_dead(connection)
            row = connection.execute(
                "SELECT id, key, body, spans, attempts, shrunk FROM queue"
                " WHERE owner IS NULL AND (not_before <= ? OR not_before > ?)"
                " ORDER BY attempts, id LIMIT 1",
                (now_s, now_s + LONGEST_DELAY_S),
            ).fetchone()
            if row is None:
                return None
            owner = self._owner.claim()
            connection.execute(
                "UPDATE queue SET owner = ? WHERE id = ?", (owner, row[0])
            )
            number, key, body, spans, attempts, shrunk = row
            return Item(number, key, body, spans, attempts, bool(shrunk))

    def _inherit_from_the_dead(self, connection: sqlite3.Connection) -> None:
        now = self._epoch()
        if 0 <= now - self._looked_s < LIVENESS_S:
            return
        self._looked_s = now
        rows = connection.execute(
            "SELECT DISTINCT owner FROM queue WHERE owner IS NOT NULL"
        )
        for name in self._owner.dead([row[0] for row in rows]):
            connection.execute("UPDATE queue SET owner = NULL WHERE owner = ?", (name,))
            self._owner.bury(name)

    def done(self, item: Item) -> None:
        """Forgets a delivered item."""
        with self._writing() as connection:
            connection.execute("DELETE FROM queue WHERE id = ?", (item.number,))

    def release(self, item: Item, not_before_s: float, *, failed: bool) -> None:
        """Gives an item back, to be taken again from then on."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE queue SET owner = NULL, not_before = ?, attempts = attempts + ?"
                " WHERE id = ?",
                (not_before_s, int(failed), item.number),
            )

    def refuse(self, item: Item, reason: str, message: str) -> None:
        """Puts an item into the refused table, with the reason."""
        with self._writing() as connection:
            self._put_away(connection, item.number, reason, message)
            while _bytes(connection, "refused") > self._max_bytes // 10:
                connection.execute(
                    "DELETE FROM refused WHERE id ="
                    " (SELECT id FROM refused WHERE size > 0 ORDER BY refused_at LIMIT 1)"
                )

    def _put_away(
        self, connection: sqlite3.Connection, number: int, reason: str, message: str
    ) -> None:
        connection.execute(
            "INSERT INTO refused"
            " (id, key, body, size, spans, reason, message, refused_at)"
            " SELECT id, key, body, size, spans, ?, ?, ? FROM queue WHERE id = ?",
            (reason, message[:MAX_MESSAGE_LENGTH], self._epoch(), number),
        )
        connection.execute("DELETE FROM queue WHERE id = ?", (number,))

    def _forget_body(self, connection: sqlite3.Connection, number: int) -> None:
        """Leaves of a task that made room its name and the reason, for a while."""
        connection.execute(
            "UPDATE refused SET body = x'', size = 0 WHERE id = ?", (number,)
        )
        connection.execute(
            "DELETE FROM refused WHERE size = 0 AND id <= ?",
            (number - MOST_REMEMBERED,),
        )

    def replace(self, item: Item, body: bytes) -> Item:
        """Gives an item a smaller body."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE queue SET body = ?, size = ?, shrunk = 1 WHERE id = ?",
                (body, len(body), item.number),
            )
        return replace(item, body=body, shrunk=True)

    def hurry(self) -> None:
        """Makes every waiting item ready now."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE queue SET not_before = 0 WHERE owner IS NULL AND not_before > 0"
            )

    def next_ready(self) -> float | None:
        """When the next item that nobody has taken is ready; None if none waits.

        Items that another process has taken count as ready in a while: it may die.
        """
        with self._reading() as connection:
            (ready,) = connection.execute(
                "SELECT min(not_before) FROM queue WHERE owner IS NULL"
            ).fetchone()
            if ready is not None:
                too_far = ready > self._epoch() + LONGEST_DELAY_S
                return 0.0 if too_far else float(ready)
            taken = connection.execute(
                "SELECT 1 FROM queue WHERE owner IS NOT NULL AND owner != ? LIMIT 1",
                (self._owner.name,),
            ).fetchone()
        return self._epoch() + LIVENESS_S if taken else None

    def remaining(self, numbers: list[int]) -> dict[int, str | None]:
        """Of these items, those that still wait (None) or were refused (the reason)."""
        query = "SELECT reason FROM refused WHERE id = ?"
        found: dict[int, str | None] = {}
        with self._reading() as connection:
            rows = connection.execute("SELECT id FROM queue INDEXED BY ready")
            waiting = {row[0] for row in rows}
            for number in numbers:
                if number in waiting:
                    found[number] = None
                elif row := connection.execute(query, (number,)).fetchone():
                    found[number] = row[0]
        return found

    def held_bytes(self) -> int:
        """Bytes of the bodies that wait or are under way, of all processes.

        Raises:
            SpoolError: it could not be read.
        """
        with self._reading() as connection:
            return _bytes(connection, "queue")

    def sync(self) -> float | None:
        """Has the disk keep what was put, if it is time to.

        Returns:
            Seconds until it is; None if the disk has everything.

        Raises:
            SpoolError: the disk failed.
        """
        return self._database.sync()

    def close(self) -> None:
        """Gives back what was taken and closes the file. Further use fails."""
        if self._database.connection is not None:
            with contextlib.suppress(SpoolError), self._reading() as connection:
                connection.execute(
                    "UPDATE queue SET owner = NULL WHERE owner = ?", (self._owner.name,)
                )
                connection.execute("PRAGMA incremental_vacuum")
        self._owner.resign()
        self._database.close()

    def after_fork_in_child(self) -> None:
        """Leaves file and tasks to the parent."""
        self._database.after_fork_in_child()
        self._owner.after_fork_in_child()


def _bytes(connection: sqlite3.Connection, table: str) -> int:
    row = connection.execute("SELECT bytes FROM totals WHERE name = ?", (table,))
    found: int = row.fetchone()[0]
    return found
