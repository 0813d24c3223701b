"""Spools that are damaged, foreign, newer, or cannot be written."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from infinium_otel.delivery.storage.spool import (
    Spool,
    list_tasks,
)
from infinium_otel.delivery.storage.spool import schema as schemas
from infinium_otel.errors import SpoolError
from support.delivery import MANY, keys


def test_a_damaged_file_is_moved_aside(open_spool, path, caplog):
    """A file that is not a database is moved aside, replaced and logged."""
    Path(path).write_bytes(b"this is no database" * 100)
    open_spool().put("k", b"x", 1)
    (aside,) = Path(path).parent.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no")
    assert "is damaged" in caplog.text


def broken(path, spool):
    """Overwrites all pages but the first under an open connection."""
    spool._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = Path(path).stat().st_size
    with Path(path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xee" * (size - 4096))
    spool._database.connection.execute("PRAGMA shrink_memory")


def test_damage_while_it_is_open(open_spool, path):
    """Damage to an open file is an error, and the file is replaced at the next use."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    broken(path, spool)
    with pytest.raises(SpoolError, match="malformed"):
        spool.claim(1_000)
    spool.put("l", b"x", 1)
    assert keys(spool) == ["l"]
    assert list(Path(path).parent.glob("*.damaged-*"))


def test_another_programs_database(open_spool, path):
    """A database of another program is not changed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(SpoolError, match="another program's database"):
        open_spool().put("k", b"x", 1)


def test_a_newer_versions_spool(open_spool, path):
    """A spool of a newer version is not changed."""
    open_spool().put("k", b"x", 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolError, match="newer version"):
        open_spool().put("k", b"x", 1)


def test_migrations_run_once_each(open_spool, path, monkeypatch):
    """An older file is migrated to the newest version and keeps its content."""
    open_spool().put("k", b"x", 1)
    added = []
    monkeypatch.setattr(schemas, "MIGRATIONS", (*schemas.MIGRATIONS, added.append))
    assert open_spool().claim(1_000).key == "k"
    assert open_spool().claim(1_000) is None
    assert len(added) == 1


def test_a_file_that_cannot_be_written(open_spool, path):
    """A read-only directory is one clear error."""
    with pytest.raises(SpoolError, match=r"spool\.db"):
        open_spool(where="/proc/nowhere/spool.db").put("k", b"x", 1)
    with pytest.raises(SpoolError):
        open_spool(where="/proc/version").put("k", b"x", 1)


def test_another_users_file(open_spool, path, monkeypatch):
    """A file of another user is not trusted."""
    monkeypatch.setattr(os, "geteuid", lambda: 4_242)
    with pytest.raises(SpoolError, match="belongs to another user"):
        open_spool().put("k", b"x", 1)


def test_a_damaged_file_that_cannot_be_moved(open_spool, path, monkeypatch):
    """If moving it aside fails too, the error is a SpoolError."""
    Path(path).write_bytes(b"this is no database" * 100)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SpoolError, match="Permission denied"):
        open_spool().put("k", b"x", 1)


def test_a_full_disk(open_spool, path):
    """A full disk loses only the task that does not fit, with an error."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    pages = spool._database.connection.execute("PRAGMA page_count").fetchone()[0]
    spool._database.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolError, match="full"):
        spool.put("big", b"x" * 100_000, 1)
    assert keys(spool) == ["k"]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_crash_between_any_two_statements(path, at):
    """A crash before any statement leaves a task there once or not at all."""
    script = textwrap.dedent(
        """
        import os, sqlite3, sys
        from infinium_otel.delivery.storage.spool import Spool

        spool = Spool(sys.argv[1], 10**9)
        spool.put("first", b"x", 1)
        left = [int(sys.argv[2])]

        def before(statement):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

        spool._database.connection.set_trace_callback(before)
        spool.put("second", b"x", 1)
        item = spool.claim(0)
        spool.ack(item)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, path, str(at)], check=False)
    assert done.returncode in (0, 9)
    spool = Spool(path, MANY)
    found = keys(spool, 10**10)
    spool.close()
    assert found in (["first"], ["first", "second"], ["second"])


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM totals WHERE name = 'queue'",
        "UPDATE totals SET bytes = 'x' WHERE name = 'refused'",
    ],
)
def test_a_spool_with_damaged_totals_is_replaced(damage, open_spool, path):
    """Damage that SQLite does not see: found by the fuzzer."""
    first = open_spool()
    first.put("k", b"x", 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()
    first.close()
    spool = open_spool()
    spool.put("l", b"x", 1)
    assert spool.claim(1_000).key == "l"
    assert [*Path(path).parent.glob("*.damaged-*")]


def test_totals_damaged_while_in_use_are_one_clear_error(open_spool, path):
    """The file is opened again at the next use, and replaced."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM totals")
        connection.commit()
    with pytest.raises(SpoolError, match="damaged"):
        spool.put("l", b"x", 1)
    spool.put("l", b"x", 1)


def test_a_spool_whose_schema_is_no_text_is_replaced(open_spool, path):
    """SQLite's message quotes it, which Python cannot decode: found by the fuzzer."""
    open_spool().put("k", b"x", 1)
    open_spool().close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = Path(path).read_bytes()
    Path(path).write_bytes(
        data.replace(b"CREATE TABLE totals", b"CREATE TA\x80E totals")
    )
    with contextlib.suppress(SpoolError):
        open_spool().put("l", b"x", 1)
    open_spool().put("l", b"x", 1)


def test_keys_that_are_no_text_are_one_clear_error(open_spool, path):
    """Whoever can write the file can put anything into it."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE queue SET key = CAST(x'80' AS TEXT)")
        connection.commit()
    with pytest.raises(SpoolError):
        list_tasks(path)
    with pytest.raises(SpoolError):
        spool.claim(1_000)
