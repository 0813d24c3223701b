"""The spool's tables, and how an older file becomes a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.errors import SpoolError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

APPLICATION_ID = 0x494F5350
"""Tells our files from other programs' ("IOSP")."""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Brings the tables to the newest version, in one transaction.

    Raises:
        SpoolError: the file is another program's, or a newer version's.
    """
    version = _number(connection, "user_version")
    if version == len(MIGRATIONS) and _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _number(connection, "user_version")
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
    return _number(connection, "application_id") == APPLICATION_ID


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT name FROM sqlite_master").fetchone()
    return tables is None


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    found: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return found


def _first(connection: sqlite3.Connection) -> None:
    # Bodies stand last: what stands behind one is read through all its pages.
    for statement in (
        """
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
        """,
        "CREATE INDEX next ON queue (owner, attempts, id, not_before)",
        "CREATE INDEX ready ON queue (owner, not_before)",
        """
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
        """,
        "CREATE TABLE totals (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL)",
        "INSERT INTO totals VALUES ('queue', 0), ('refused', 0)",
        *(
            statement
            for table in ("queue", "refused")
            for statement in (
                f"""
                CREATE TRIGGER {table}_in AFTER INSERT ON {table} BEGIN
                    UPDATE totals SET bytes = bytes + new.size WHERE name = '{table}';
                END
                """,  # noqa: S608 - the names stand above
                f"""
                CREATE TRIGGER {table}_out AFTER DELETE ON {table} BEGIN
                    UPDATE totals SET bytes = bytes - old.size WHERE name = '{table}';
                END
                """,  # noqa: S608 - the names stand above
                f"""
                CREATE TRIGGER {table}_new AFTER UPDATE OF size ON {table} BEGIN
                    UPDATE totals SET bytes = bytes + new.size - old.size
                    WHERE name = '{table}';
                END
                """,  # noqa: S608 - the names stand above
            )
        ),
    ):
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first,)
"""Each brings a file from the version of its place to the next."""
