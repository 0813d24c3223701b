"""The tasks in their SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading

import pytest

from infinium_otel.apps.serve.listing import ORDERS, Query
from infinium_otel.apps.serve.store import Arrival, Store
from support.runs import AGENT_ID, hostile, research, run, some


def arrival(task: dict, key: str | None = None, agent_id: str = AGENT_ID) -> Arrival:
    return Arrival(task, json.dumps(task).encode(), agent_id, key, "api", 1_000)


def names(store: Store, **question) -> list[str]:
    return [row["name"] for row in store.page(Query(**question)).rows]


def test_body_comes_back_as_it_came(store):
    """A task is kept byte for byte."""
    body = b'{ "name": "a", "description": "b",\n "duration": 1.50e0}'
    task = run()
    kept = Arrival(task, body, AGENT_ID, None, "api", 1)
    (trace_id,) = store.add([kept])
    assert store.find(trace_id).body == body


def test_same_key_is_kept_once(store):
    """Two deliveries under one key of one agent are one task."""
    first = store.add([arrival(run("a"), "k")])
    again = store.add([arrival(run("b"), "k"), arrival(run("c"), "k", "other")])
    assert again[0] == first[0] != again[1]
    assert names(store) == ["c", "a"]


def test_without_a_key_every_delivery_counts(store):
    """Tasks that are alike are still two."""
    store.add([arrival(run("a")), arrival(run("a"))])
    assert names(store) == ["a", "a"]


def test_all_or_none(store):
    """A batch is kept as a whole or not at all."""
    broken = Arrival({"name": "x"}, b"{}", AGENT_ID, None, "api", 1)
    with pytest.raises(KeyError):
        store.add([arrival(run("a")), broken])
    assert names(store) == []
    store.add([arrival(run("b"))])
    assert names(store) == ["b"]


def test_survives_a_restart(tmp_path):
    """What was kept is there when the file is opened again."""
    path = str(tmp_path / "tasks.db")
    first = Store(path)
    (trace_id,) = first.add([arrival(research())])
    first.close()
    second = Store(path)
    assert second.find(trace_id).row["name"] == "Recommend a heat pump"
    assert second.last() == 1
    second.close()


def test_files_that_are_no_store(tmp_path):
    """A file of another program, or of another version, is left alone."""
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Store(str(other))
    assert other.read_bytes() == b"not a database" * 100
    newer = tmp_path / "newer.db"
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="another version"):
        Store(str(newer))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param({}, ["hard", "soft", "plain"], id="newest-first"),
        pytest.param({"order": "oldest"}, ["plain", "soft", "hard"], id="oldest"),
        pytest.param({"limit": 1, "offset": 1}, ["soft"], id="page"),
        pytest.param({"errors": True}, ["hard"], id="errors"),
        pytest.param({"agent": "beta"}, ["soft"], id="agent"),
        pytest.param({"model": "m2"}, ["hard"], id="model"),
        pytest.param({"since_ms": 1_795_167_000_001}, ["hard"], id="since"),
        pytest.param({"words": "sof"}, ["soft"], id="beginning"),
        pytest.param({"words": "SOFT"}, ["soft"], id="any-case"),
        pytest.param({"words": "unlucky boom"}, ["hard"], id="error-text"),
        pytest.param({"words": "soft boom"}, [], id="every-word"),
        pytest.param({"words": "款"}, ["plain"], id="unspaced-script"),
        pytest.param({"words": '" OR NEAR('}, [], id="syntax-is-text"),
        pytest.param({"words": "ab\0cd"}, [], id="nul"),
    ],
)
def test_questions(store, question, expected):
    """The list is filtered, searched, ordered and paged."""
    store.add(
        [
            arrival(run("plain", output_summary="申请退款")),
            arrival(run("soft", environment={"framework": "beta"})),
            arrival(
                run(
                    "hard",
                    current_datetime="2026-11-20T09:30:01Z",
                    errors=[{"error_type": "Unlucky", "message": "boom"}],
                    llm_usage={"calls": [{"model": "m1"}, {"model": "m2"}]},
                )
            ),
        ]
    )
    assert names(store, **question) == expected
    page = store.page(Query(**question))
    if "limit" not in question:
        assert page.total == len(expected)
    assert page.last == 3


@pytest.mark.parametrize("order", ORDERS)
def test_orders(store, order):
    """Every order gives every task once, page by page."""
    store.add([arrival(some(number)) for number in range(25)])
    seen = []
    for offset in range(0, 25, 10):
        page = store.page(Query(limit=10, offset=offset, order=order))
        seen += [row["seq"] for row in page.rows]
    assert sorted(seen) == list(range(1, 26))


def test_found_by_either_id(store):
    """A task is found by its own id, and by the trace it was made of: the newest."""
    tags = {"custom_tags": {"otel.trace_id": "ab" * 16}}
    first, second = store.add(
        [arrival(run("a", environment=tags)), arrival(run("b", environment=tags))]
    )
    assert store.find(first).row["name"] == "a"
    assert store.find("ab" * 16).row["trace_id"] == second
    assert store.find("cd" * 16) is None


def test_choices(store):
    """The filters offer the agents and models that there are, and have a name."""
    store.add([arrival(research()), arrival(run(environment={"framework": "f"}))])
    store.add([arrival(run(), agent_id="")])
    assert store.choices() == {
        "agents": ["f", "home-advisor"],
        "models": ["claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini"],
    }


def test_hostile_task(store):
    """A task of hostile texts is kept and found like any other."""
    (trace_id,) = store.add([arrival(hostile())])
    assert json.loads(store.find(trace_id).body) == hostile()
    assert len(names(store, words="<script>window.hit")) == 1


def test_many_threads(store):
    """Threads that add and read at once neither fail nor lose a task."""

    def work(number: int) -> None:
        for turn in range(10):
            store.add([arrival(run(f"{number}/{turn}"))])
            store.page(Query())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.page(Query()).total == 40
