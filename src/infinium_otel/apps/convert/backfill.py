"""`--send`: tasks into a spool, and from there to Infinium; to be interrupted at will.

Which tasks went into the spool is written down in it, by key. A second run over the
same input finds that and goes on where the first one ended, whatever ended it: a task
is put in again only if the first run was killed between the two, and then under the same
idempotency key.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.spool.file import opened
from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.config import Config
    from infinium_otel.pipeline import Finished

MOST_WAITING = 500
"""Tasks in the spool past which no more are put into it until some have gone."""

LOOK_S = 0.1
"""Seconds between two looks at what waits."""

PATIENCE_S = 30.0
"""Seconds without a task delivered after which the endpoint is given up for now."""


@dataclass(slots=True)
class Sent:
    """What a backfill came to.

    Args:
        put: tasks that went into the spool by this run.
        known: tasks that an earlier run had put there.
        delivered: tasks that arrived during this run.
        refused: tasks that the service does not want; they are in the spool.
        waiting: tasks that are still in the spool.
    """

    put: int = 0
    known: int = 0
    delivered: int = 0
    refused: int = 0
    waiting: int = 0


class Marks:
    """The keys of the tasks that went into a spool.

    Args:
        path: of the spool.

    Raises:
        SpoolError: it cannot be used.
    """

    def __init__(self, path: str) -> None:
        self._connection = opened(path)
        self._run("CREATE TABLE IF NOT EXISTS backfilled (key TEXT PRIMARY KEY)")

    def holds(self, key: str) -> bool:
        """True if that task went in."""
        found = self._run("SELECT 1 FROM backfilled WHERE key = ?", key)
        return found.fetchone() is not None

    def add(self, key: str) -> None:
        """Remember that it did."""
        self._run("INSERT OR IGNORE INTO backfilled VALUES (?)", key)

    def waiting(self) -> int:
        """Tasks in the spool that wait, whoever put them there."""
        count: int = self._run("SELECT count(*) FROM queue").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _run(self, statement: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise SpoolError(f"the spool: {error}", field="spool") from None


def send(finished: Iterable[Finished], config: Config) -> Sent:
    """Deliver tasks through the spool of *config*.

    Returns when everything in the spool has left it, or when the endpoint took nothing
    for a while: what waits is sent by the next run, or by any process with this spool.

    Raises:
        SpoolError: the spool cannot be used, so nothing could be resumed.
    """
    with closing(Marks(str(config.spool))) as marks:
        sender = Sender(config)
        sent = Sent()
        try:
            sender.wake()
            for task in finished:
                if marks.holds(task.key):
                    sent.known += 1
                    continue
                if not _wait(sender, marks, MOST_WAITING):
                    break
                sender.submit(task)
                marks.add(task.key)
                sent.put += 1
                sender.wake()
            _wait(sender, marks, 1)
        finally:
            sender.shutdown(0.0)
        counts = sender.counts.tasks
        sent.delivered = counts.delivered
        sent.refused = sum(counts.refused.values())
        sent.waiting = marks.waiting()
    return sent


def _wait(sender: Sender, marks: Marks, most: int) -> bool:
    """Wait until fewer than *most* tasks are left; False if they stay."""
    before, since = None, time.monotonic()
    while (waiting := marks.waiting()) >= most:
        if waiting != before:
            before, since = waiting, time.monotonic()
        elif time.monotonic() - since > PATIENCE_S:
            return False
        sender.wake()
        time.sleep(LOOK_S)
    return True
