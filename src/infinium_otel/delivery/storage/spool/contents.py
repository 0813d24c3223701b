"""The contents of a spool: list them, retry or drop what the service refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.storage.spool.file import connect
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task in a spool.

    Args:
        key: the idempotency key.
        state: "waiting", "sending" or "refused".
        size: bytes of its body; 0 if the body was dropped to make room.
        spans: how many spans the task was made of.
        attempts: failed attempts so far.
        at_s: when it was queued or refused, seconds since the epoch.
        reason: why it was refused: a status or a short text; "" if it was not.
        message: the service's error message; "" if it sent none.
    """

    key: str
    state: str
    size: int
    spans: int
    attempts: int
    at_s: float
    reason: str = ""
    message: str = ""


def list_tasks(path: str) -> list[StoredTask]:
    """List all tasks in the spool at *path*: queued ones, oldest first, then refused.

    Raises:
        SpoolError: the spool does not exist, or it cannot be read.
    """
    with _open_existing(path) as connection:
        waiting = connection.execute(
            "SELECT key, CASE WHEN owner IS NULL THEN 'waiting' ELSE 'sending' END,"
            " size, spans, attempts, queued_at FROM queue ORDER BY id"
        ).fetchall()
        refused = connection.execute(
            "SELECT key, 'refused', size, spans, 0, refused_at, reason, message"
            " FROM refused ORDER BY refused_at, id"
        ).fetchall()
    return [StoredTask(*row) for row in (*waiting, *refused)]


def count_tasks(path: str) -> tuple[int, int]:
    """Count the queued and the refused tasks in the spool at *path*.

    Opens the file read-only: opening it for use would replace a damaged one.

    Raises:
        SpoolError: the file does not exist, is not a spool or is damaged.
    """
    from pathlib import Path  # noqa: PLC0415 - costs an import, needed by few

    query = "SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM refused)"
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            queued, refused = connection.execute(query).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise SpoolError(str(error), field="spool") from None
    return queued, refused


def retry(path: str, keys: Sequence[str] = ()) -> int:
    """Queue refused tasks again; returns how many.

    Args:
        path: of the spool.
        keys: which; () for all that still have their body.

    Raises:
        SpoolError: the spool does not exist, or it cannot be written.
    """
    with _open_existing(path) as connection:
        numbers = _select(connection, "refused", keys, "size > 0")
        for number in numbers:
            connection.execute(
                "INSERT OR IGNORE INTO queue (key, body, size, spans, queued_at)"
                " SELECT key, body, size, spans, refused_at FROM refused WHERE id = ?",
                (number,),
            )
            connection.execute("DELETE FROM refused WHERE id = ?", (number,))
        return len(numbers)


def drop(path: str, keys: Sequence[str] = ()) -> int:
    """Delete tasks permanently; returns how many.

    Args:
        path: of the spool.
        keys: which, queued or refused; () for all refused ones.

    Raises:
        SpoolError: the spool does not exist, or it cannot be written.
    """
    with _open_existing(path) as connection:
        refused = _select(connection, "refused", keys, "1")
        waiting = _select(connection, "queue", keys, "owner IS NULL") if keys else []
        for table, numbers in (("refused", refused), ("queue", waiting)):
            for number in numbers:
                connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))  # noqa: S608 - one of two names
        return len(refused) + len(waiting)


def _select(
    connection: sqlite3.Connection, table: str, keys: Sequence[str], condition: str
) -> list[int]:
    rows = connection.execute(f"SELECT id, key FROM {table} WHERE {condition}")  # noqa: S608 - names from this file
    return [number for number, key in rows if not keys or key in keys]


@contextmanager
def _open_existing(path: str) -> Iterator[sqlite3.Connection]:
    """Run a block as one transaction on a spool that exists."""
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib costs an import
        raise SpoolError(f"{path}: there is no such spool", field="spool")
    try:
        with closing(connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise SpoolError(f"{path}: {error}", field="spool") from None
