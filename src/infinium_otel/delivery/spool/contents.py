"""What a spool holds, for the command line: look at it, retry or drop what it refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.spool.file import connected
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Kept:
    """A task in a spool.

    Args:
        state: "waiting", "sending" or "refused".
        size: bytes of its body; 0 if the body was given up.
        attempts: how often delivery failed.
        at_s: when it was queued or refused, seconds since the epoch.
        reason: why it was refused, a status or a word; "" if it was not.
        message: the service's own words; "" if it said nothing.
    """

    key: str
    state: str
    size: int
    spans: int
    attempts: int
    at_s: float
    reason: str = ""
    message: str = ""


def listing(path: str) -> list[Kept]:
    """All tasks in the spool at *path*: those that wait, oldest first, then refused.

    Raises:
        SpoolError: there is no spool, or it cannot be read.
    """
    with _existing(path) as connection:
        waiting = connection.execute(
            "SELECT key, CASE WHEN owner IS NULL THEN 'waiting' ELSE 'sending' END,"
            " size, spans, attempts, queued_at FROM queue ORDER BY id"
        ).fetchall()
        refused = connection.execute(
            "SELECT key, 'refused', size, spans, 0, refused_at, reason, message"
            " FROM refused ORDER BY refused_at, id"
        ).fetchall()
    return [Kept(*row) for row in (*waiting, *refused)]


def retry(path: str, keys: Sequence[str] = ()) -> int:
    """Queues refused tasks again; returns how many.

    Args:
        path: of the spool.
        keys: which; () for all whose body is there.

    Raises:
        SpoolError: there is no spool, or it cannot be written.
    """
    with _existing(path) as connection:
        chosen = _chosen(connection, "refused", keys, "size > 0")
        for number in chosen:
            connection.execute(
                "INSERT OR IGNORE INTO queue (key, body, size, spans, queued_at)"
                " SELECT key, body, size, spans, refused_at FROM refused WHERE id = ?",
                (number,),
            )
            connection.execute("DELETE FROM refused WHERE id = ?", (number,))
        return len(chosen)


def drop(path: str, keys: Sequence[str] = ()) -> int:
    """Deletes tasks for good; returns how many.

    Args:
        path: of the spool.
        keys: which, waiting or refused; () for all that were refused.

    Raises:
        SpoolError: there is no spool, or it cannot be written.
    """
    with _existing(path) as connection:
        refused = _chosen(connection, "refused", keys, "1")
        waiting = _chosen(connection, "queue", keys, "owner IS NULL") if keys else []
        for table, numbers in (("refused", refused), ("queue", waiting)):
            for number in numbers:
                connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))  # noqa: S608 - one of two names
        return len(refused) + len(waiting)


def _chosen(
    connection: sqlite3.Connection, table: str, keys: Sequence[str], condition: str
) -> list[int]:
    rows = connection.execute(f"SELECT id, key FROM {table} WHERE {condition}")  # noqa: S608 - names stand in this file
    return [number for number, key in rows if not keys or key in keys]


@contextmanager
def _existing(path: str) -> Iterator[sqlite3.Connection]:
    """One transaction on a spool that is there."""
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib costs an import
        raise SpoolError(f"{path}: there is no such spool", field="spool")
    try:
        with closing(connected(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: {error}", field="spool") from None
