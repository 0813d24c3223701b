"""Old tasks are removed in the background."""

from __future__ import annotations

import asyncio
import json
import time

from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.pruner import Pruner
from infinium_otel.apps.serve.store import Arrival, Retention
from support.runs import AGENT_ID, run

DAY_MS = 86_400_000


def add(store, name: str, age_days: int) -> None:
    task = run(name)
    received = time.time_ns() // 1_000_000 - age_days * DAY_MS
    store.add(
        [Arrival(task, json.dumps(task).encode(), AGENT_ID, None, "api", received)]
    )


def names(store) -> list[str]:
    return sorted(row["name"] for row in store.page(Query()).rows)


def test_old_tasks_are_removed_and_it_is_logged_once(store, caplog):
    """What is past the bound on age goes, with one warning that counts it."""
    pruner = Pruner(store, Retention(10**12, 7 * DAY_MS))
    add(store, "old", 8)
    add(store, "new", 6)
    pruner.prune()
    add(store, "older", 9)
    pruner.prune()
    assert names(store) == ["new"]
    assert pruner.removed == 2
    assert caplog.text.count("--keep-days") == 1


def test_without_bounds_nothing_is_removed(store):
    """By default tasks are kept for ever."""
    add(store, "old", 9_000)
    Pruner(store, None).prune()
    assert names(store) == ["old"]


def test_the_watch_goes_on_after_an_error(store, caplog, monkeypatch):
    """A file that cannot be written now is tried again later."""
    monkeypatch.setattr("infinium_otel.apps.serve.pruner.INTERVAL_S", 0.01)
    pruner = Pruner(store, Retention(10**12, 7 * DAY_MS))
    add(store, "old", 8)
    store._db.execute("PRAGMA query_only = 1")

    async def until(holds):
        for _ in range(3_000):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it did not happen")

    async def play():
        watch = asyncio.create_task(pruner.watch())
        await until(lambda: "could not be removed" in caplog.text)
        store._db.execute("PRAGMA query_only = 0")
        await until(lambda: pruner.removed == 1)
        watch.cancel()

    asyncio.run(play())
    assert names(store) == []
