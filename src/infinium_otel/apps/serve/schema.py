"""The tables of the server's SQLite file, and how older files become newer ones."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING

from infinium_otel.apps.serve import search_index
from infinium_otel.apps.serve.task_row import to_index_text, to_task_row

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

VERSION = 4
MANY = 1_000
"""Tasks whose indexing is announced."""
SCHEMA = """
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL UNIQUE,
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    agent TEXT NOT NULL,
    ended_ms INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    steps INTEGER NOT NULL,
    llm_calls INTEGER NOT NULL,
    tool_calls INTEGER NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,
    errors INTEGER NOT NULL,
    otel_trace_id TEXT,
    incomplete INTEGER NOT NULL
);
CREATE INDEX tasks_by_agent ON tasks (agent);
CREATE INDEX tasks_by_otel_trace ON tasks (otel_trace_id);
CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE models (seq INTEGER NOT NULL, place INTEGER NOT NULL, model TEXT NOT NULL,
    PRIMARY KEY (seq, place));
CREATE INDEX models_by_model ON models (model, seq);
"""
"""Version 1, but for its search index, which version 4 makes anew. A new file is made by
the upgrades as well, so that there is one way."""

SECOND = """
ALTER TABLE tasks ADD COLUMN question TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN fatal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN user TEXT NOT NULL DEFAULT '';
CREATE INDEX tasks_by_session ON tasks (session);
CREATE INDEX tasks_by_user ON tasks (user);
CREATE INDEX IF NOT EXISTS tasks_by_end ON tasks (ended_ms);
CREATE TABLE tags (seq INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (seq, name));
CREATE INDEX tags_by_name ON tags (name, value, seq);
"""

THIRD = """
ALTER TABLE tasks ADD COLUMN rules INTEGER;
ALTER TABLE tasks ADD COLUMN rules_failed INTEGER;
CREATE INDEX tasks_by_failed_rules ON tasks (rules_failed);
CREATE TABLE rules (seq INTEGER PRIMARY KEY, result TEXT NOT NULL);
"""
"""What rules found: how many there were (unknown without a file of rules), and all of it."""

TABLES = ("tasks", "bodies", "models", "tags", "rules")
"""The tables with rows of a task, by its number `seq`."""

ADDED = ("question", "answer", "fatal", "session", "user")


def prepare(db: sqlite3.Connection, path: str) -> None:
    """Create the tables, or bring those of an older version up to date, all or none.

    Raises:
        sqlite3.Error: the file is not a database, or was written by a newer version.
    """
    # SQLite's advice for a file that others may have written
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= VERSION:
        raise sqlite3.DatabaseError(
            f"{path} was written by another version of infinium-otel"
        )
    for number in range(version + 1, VERSION + 1):
        _upgrade(db, number)


def _upgrade(db: sqlite3.Connection, number: int) -> None:
    script, fill = UPGRADES[number]
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in filter(str.strip, script.split(";")):
            db.execute(statement)
        fill(db)
        db.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _fill_second(db: sqlite3.Connection) -> None:
    """Fill what version 2 knows of a task, from the tasks themselves.

    The search index is left to version 4.
    """
    numbers = [seq for (seq,) in db.execute("SELECT seq FROM tasks").fetchall()]
    marks = ", ".join(f"{name} = ?" for name in ADDED)
    for seq in numbers:
        body, agent_id = db.execute(
            "SELECT body, agent_id FROM bodies JOIN tasks USING (seq) WHERE seq = ?",
            [seq],
        ).fetchone()
        task = json.loads(body)
        row = to_task_row(task, agent_id)
        db.execute(
            f"UPDATE tasks SET {marks} WHERE seq = ?",  # noqa: S608 (names are this module's own)
            [*(getattr(row, name) for name in ADDED), seq],
        )
        db.executemany(
            "INSERT INTO tags (seq, name, value) VALUES (?, ?, ?)",
            [(seq, name, value) for name, value in row.tags],
        )


def _fill_fourth(db: sqlite3.Connection) -> None:
    """Index every task anew: with prefixes, and whole, which version 1 was not."""
    db.execute("DROP TABLE IF EXISTS words")
    search_index.create(db)
    numbers = [seq for (seq,) in db.execute("SELECT seq FROM tasks").fetchall()]
    if len(numbers) > MANY:
        logger.warning("Indexing %d tasks anew, once: this takes a while", len(numbers))
    for seq in numbers:
        body, agent_id, trace_id = db.execute(
            "SELECT body, agent_id, trace_id FROM bodies JOIN tasks USING (seq)"
            " WHERE seq = ?",
            [seq],
        ).fetchone()
        db.execute(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            [seq, to_index_text(trace_id, json.loads(body), agent_id)],
        )


def _fill_nothing(_: sqlite3.Connection) -> None:
    """For upgrades without rows to fill."""


UPGRADES: dict[int, tuple[str, Callable[[sqlite3.Connection], None]]] = {
    1: (SCHEMA, _fill_nothing),
    2: (SECOND, _fill_second),
    3: (THIRD, _fill_nothing),
    4: ("", _fill_fourth),
}
"""By the version they lead to: the statements, and what fills the rows there are."""
