"""The words of the stored tasks: full-text search, or plain texts where SQLite has none."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.listing import add_spaces, to_match_query

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

FULL_TEXT = (
    "CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='unicode61',"
    " prefix='1 2 3')"
)
"""A search matches prefixes: without an index of them, a short one reads the entries of
every word that begins with it."""
PLAIN = "CREATE TABLE words (rowid INTEGER PRIMARY KEY, text TEXT NOT NULL)"
FOUND = "CREATE TEMP TABLE IF NOT EXISTS found (seq INTEGER PRIMARY KEY)"


def has_full_text(db: sqlite3.Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    try:
        db.execute("CREATE VIRTUAL TABLE temp.probe USING fts5 (text)")
    except sqlite3.OperationalError:  # pragma: no cover - the tests' SQLite has it
        return False
    db.execute("DROP TABLE temp.probe")
    return True


def create(db: sqlite3.Connection) -> None:
    """Create the index, empty."""
    db.execute(FULL_TEXT if has_full_text(db) else PLAIN)


class SearchIndex:
    """The index in an open file.

    Args:
        db: whose tables are up to date.
        path: of the file, for messages.

    Raises:
        sqlite3.Error: the index is a full-text one, and this SQLite has none.
    """

    def __init__(self, db: sqlite3.Connection, path: str) -> None:
        self._db = db
        (sql,) = db.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'words'"
        ).fetchone()
        self.is_full_text = "fts5" in sql.lower()
        if self.is_full_text and not has_full_text(db):
            raise sqlite3.DatabaseError(
                f"{path} has a full-text index, and the SQLite of this Python was built "
                "without FTS5; use another file or another Python"
            )
        if not self.is_full_text and path != ":memory:":
            logger.warning(
                "The SQLite of this Python was built without full-text search (FTS5): "
                "a search in %s reads every text, and finds parts of words",
                path,
            )

    def add(self, seq: int, text: str) -> None:
        """Index the task with the number *seq* by *text*."""
        self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", [seq, text])

    def remove(self, seq: int, text: str) -> None:
        """Remove a task; *text* is what it was indexed by, which a full-text index needs."""
        if self.is_full_text:
            self._db.execute(
                "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
                [seq, text],
            )
        else:
            self._db.execute("DELETE FROM words WHERE rowid = ?", [seq])

    def find(self, words: str) -> None:
        """Put the numbers of the tasks with *words* into the temporary table `found`."""
        condition, arguments = self._match(words)
        self._db.execute(FOUND)
        self._db.execute("DELETE FROM found")
        self._db.execute(
            f"INSERT INTO found SELECT rowid FROM words WHERE {condition}",  # noqa: S608 (conditions are this module's own)
            arguments,
        )

    def _match(self, words: str) -> tuple[str, list[str]]:
        if self.is_full_text:
            return "words MATCH ?", [to_match_query(words)]
        terms = [*_to_patterns(words.split())]
        return " AND ".join(["text LIKE ? ESCAPE '\\'"] * len(terms)) or "0", terms


def _to_patterns(terms: Iterable[str]) -> Iterable[str]:
    for term in terms:
        escaped = term.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        yield f"%{add_spaces(escaped).strip()}%"
