"""The spool's tables, and the migration of older files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

APPLICATION_ID = 0x494F5350
"""Identifies our files among SQLite databases: "IOSP"."""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Update the tables to the newest version, in one transaction.

    Raises:
        SpoolError: the file belongs to another program or to a newer version.
    """
    version = _read_pragma(connection, "user_version")
    if version == len(MIGRATIONS) and _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _read_pragma(connection, "user_version")
    if not _is_ours(connection) and not _is_empty(connection):
        connection.rollback()
        raise SpoolError(f"{path}: is another program's database", field="spool")
    if version > len(MIGRATIONS):
        connection.rollback()
        raise SpoolError(f"{path}: was written by a newer version", field="spool")
    for migration in MIGRATIONS[version:]:
        migration(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.commit()


def _is_ours(connection: sqlite3.Connection) -> bool:
    return _read_pragma(connection, "application_id") == APPLICATION_ID


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT name FROM sqlite_master").fetchone()
    return tables is None


def _read_pragma(connection: sqlite3.Connection, pragma: str) -> int:
    value: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


# The body is the last column: SQLite reads the columns behind it through its pages.
QUEUE = """
    CREATE TABLE queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        spans INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        shrunk INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0,
        queued_at REAL NOT NULL,
        owner TEXT,
        body BLOB NOT NULL
    )
"""
REFUSED = """
    CREATE TABLE refused (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        size INTEGER NOT NULL,
        spans INTEGER NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        refused_at REAL NOT NULL,
        body BLOB NOT NULL
    )
"""
INDEXES = (
    "CREATE INDEX next ON queue (owner, attempts, id, not_before)",
    "CREATE INDEX ready ON queue (owner, not_before)",
)
TOTALS = (
    "CREATE TABLE totals (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL)",
    "INSERT INTO totals VALUES ('queue', 0), ('refused', 0)",
)
"""The bytes in each table, which the triggers keep: no sum over all rows is needed."""
TRIGGERS = (
    ("in", "INSERT", "+ new.size"),
    ("out", "DELETE", "- old.size"),
    ("new", "UPDATE OF size", "+ new.size - old.size"),
)


def _create_tables(connection: sqlite3.Connection) -> None:
    for statement in (QUEUE, *INDEXES, REFUSED, *TOTALS):
        connection.execute(statement)
    for table in ("queue", "refused"):
        for name, event, change in TRIGGERS:
            connection.execute(
                f"""
                CREATE TRIGGER {table}_{name} AFTER {event} ON {table} BEGIN
                    UPDATE totals SET bytes = bytes {change} WHERE name = '{table}';
                END
                """  # noqa: S608 - names and expressions from above
            )


AWAITED = """
    CREATE TABLE awaited (
        key TEXT PRIMARY KEY,
        result_id TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        span_id TEXT NOT NULL,
        agent TEXT NOT NULL,
        delivered_at REAL NOT NULL,
        polls INTEGER NOT NULL DEFAULT 0,
        not_before REAL,
        ended_at REAL
    )
"""
"""Delivered runs whose interpretation is awaited: `not_before` is null once it is not."""


def create_awaited(connection: sqlite3.Connection) -> None:
    """Create the table of the runs whose interpretation is awaited."""
    connection.execute(AWAITED)
    connection.execute("CREATE INDEX awaited_due ON awaited (not_before)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create_tables,
    create_awaited,
)
"""Migration n updates a file from version n to n + 1."""
