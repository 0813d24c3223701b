"""What commands read from a spool, and the tasks that the service refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from infinium_otel.delivery.storage.spool import (
    count_tasks,
    drop,
    list_tasks,
    retry,
)
from infinium_otel.delivery.storage.spool.backfill_log import BackfillLog
from infinium_otel.errors import SpoolError


def test_refused_tasks_are_kept(open_spool, path):
    """A refused task is kept with its reason, and can be queued again."""
    spool = open_spool()
    spool.put("k", b"body", 2)
    spool.refuse(spool.claim(1_000), "422", "name: " + "x" * 600)
    assert spool.claim(1_000) is None
    assert spool.find_remaining([1]) == {1: "422"}
    (kept,) = list_tasks(path)
    assert (kept.key, kept.state, kept.size, kept.spans) == ("k", "refused", 4, 2)
    assert (kept.reason, len(kept.message), kept.at_s) == ("422", 500, 1_000.0)
    assert retry(path) == 1
    assert spool.claim(1_000).body == b"body"
    assert [kept.state for kept in list_tasks(path)] == ["sending"]


def test_refused_tasks_are_bounded(open_spool, path):
    """Refused tasks take at most a tenth of the spool; the oldest are dropped."""
    spool = open_spool(size=1_000)
    for number in range(4):
        spool.put(f"k{number}", b"x" * 40, 1)
        spool.refuse(spool.claim(1_000), "400", "")
    assert [kept.key for kept in list_tasks(path)] == ["k2", "k3"]


def test_retry_and_drop_by_key(open_spool, path):
    """Both accept keys; without any, `drop` keeps queued tasks."""
    spool = open_spool()
    for key in "abc":
        spool.put(key, b"x", 1)
        spool.refuse(spool.claim(1_000), "400", "")
    spool.put("d", b"x", 1)
    spool.put("e", b"x", 1)
    assert retry(path, ["a", "z"]) == 1
    assert drop(path, ["b", "d"]) == 2
    assert drop(path) == 1
    assert [(kept.key, kept.state) for kept in list_tasks(path)] == [
        ("e", "waiting"),
        ("a", "waiting"),
    ]


def test_count_tasks(open_spool, path):
    """Queued and refused tasks are counted without changing the file."""
    spool = open_spool()
    for key in "abc":
        spool.put(key, b"x", 1)
    spool.refuse(spool.claim(1_000), "400", "")
    assert count_tasks(path) == (2, 1)
    Path(path).with_name("other.db").write_bytes(b"not a database" * 100)
    for other in ("other.db", "missing.db"):
        with pytest.raises(SpoolError):
            count_tasks(str(Path(path).with_name(other)))
    assert not Path(path).with_name("missing.db").exists()


def test_backfill_log(open_spool, path):
    """The keys that a backfill has put into a spool survive their delivery."""
    log = BackfillLog(path)
    log.add("k")
    log.add("k")
    spool = open_spool()
    spool.put("k", b"x", 1)
    assert log.count_queued() == 1
    spool.ack(spool.claim(1_000))
    log.close()
    again = BackfillLog(path)
    assert (again.has("k"), again.has("l"), again.count_queued()) == (True, False, 0)
    again.close()
    with pytest.raises(SpoolError, match="the spool: "):
        again.add("l")


@pytest.mark.parametrize("function", [list_tasks, retry, drop])
def test_no_spool(path, function):
    """Reading a spool that does not exist does not create it."""
    with pytest.raises(SpoolError, match="there is no such spool"):
        function(path)
    assert not Path(path).exists()


def test_a_spool_that_fails_while_it_is_read(open_spool, path):
    """An error of SQLite becomes a SpoolError."""
    open_spool().put("k", b"x", 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE refused")
    connection.close()
    with pytest.raises(SpoolError, match="refused"):
        list_tasks(path)
