"""Runs whose interpretation is awaited, in a file and in memory."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.storage.spool import Spool, schema
from infinium_otel.delivery.storage.spool.awaited_runs import (
    LEASE_S,
    AwaitedRuns,
    MemoryDatabase,
)
from infinium_otel.delivery.verdicts import AwaitedRun


def awaited_run(key, delivered_s=0.0):
    return AwaitedRun(key, "id", "a" * 32, "b" * 16, "helper", delivered_s)


@pytest.fixture(params=["spool", "memory"])
def runs(request, tmp_path):
    if request.param == "memory":
        database = MemoryDatabase()
        yield AwaitedRuns(database, most=3)
        database.close()
        return
    spool = Spool(str(tmp_path / "spool.db"), 1_000_000)
    yield AwaitedRuns(spool._database, most=3)
    spool.close()


def test_a_run_from_delivery_to_verdict(runs):
    """It is claimed when it is due, not twice at once, and never after its end."""
    assert runs.get_next_due() is None
    runs.add(awaited_run("k"), 5.0)
    assert runs.get_next_due() == 5.0
    assert runs.claim(4.0) is None
    claimed = runs.claim(5.0)
    assert claimed == awaited_run("k")
    assert runs.claim(6.0) is None
    runs.postpone(claimed, 9.0, polled=True)
    claimed = runs.claim(9.0)
    assert claimed.polls == 1
    runs.end(claimed, 10.0)
    assert runs.get_next_due() is None
    assert runs.count() == 0


def test_a_claimer_that_died(runs):
    """Its run is free again after the lease."""
    runs.add(awaited_run("k"), 0.0)
    assert runs.claim(1.0)
    assert runs.claim(1.0 + LEASE_S - 1) is None
    assert runs.claim(1.0 + LEASE_S).key == "k"


def test_a_task_that_is_delivered_twice(runs):
    """Its run is awaited once, even after its verdict."""
    runs.add(awaited_run("k"), 0.0)
    runs.add(awaited_run("k"), 0.0)
    assert runs.count() == 1
    runs.end(runs.claim(0.0), 1.0)
    runs.add(awaited_run("k"), 0.0)
    assert runs.claim(100.0) is None


def test_too_many_runs(runs):
    """The oldest are dropped, and reported; those that have ended are forgotten so."""
    dropped = [runs.add(awaited_run(f"k{n}", float(n)), 0.0) for n in range(5)]
    assert dropped == [0, 0, 0, 1, 1]
    assert runs.count() == 3
    ended = []
    while claimed := runs.claim(50.0):
        runs.end(claimed, 50.0)
        ended.append(claimed.key)
    assert sorted(ended) == ["k2", "k3", "k4"]
    for n in range(5, 9):
        runs.add(awaited_run(f"k{n}"), 60.0)
        runs.end(runs.claim(60.0), 60.0 + n)
    runs.add(awaited_run("k2"), 70.0)
    assert runs.count() == 1


def test_a_spool_of_an_earlier_version(tmp_path, monkeypatch):
    """The table is added to it, and its tasks stay."""
    path = str(tmp_path / "spool.db")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        before = Spool(path, 1_000_000)
        before.put("k", b"{}", 1)
        before.close()
    after = Spool(path, 1_000_000)
    assert after.claim(1e12).key == "k"
    assert after.awaited.count() == 0
    after.close()


def test_memory_begins_anew_after_it_was_closed():
    """A later run is awaited again; the earlier ones are forgotten."""
    database = MemoryDatabase()
    runs = AwaitedRuns(database)
    runs.add(awaited_run("one"), 0.0)
    database.close()
    assert runs.count() == 0
    runs.add(awaited_run("two"), 0.0)
    assert runs.claim(1.0, 60.0).key == "two"
    database.close()
