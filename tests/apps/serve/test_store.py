"""The SQLite file of tasks."""

from __future__ import annotations

import json
import sqlite3
import threading

import pytest

from infinium_otel.apps.serve import schema
from infinium_otel.apps.serve.listing import ORDERS, Query
from infinium_otel.apps.serve.store import Arrival, Retention, Store
from support.runs import AGENT_ID, hostile, research, run, some


def arrival(task: dict, key: str | None = None, agent_id: str = AGENT_ID) -> Arrival:
    return Arrival(task, json.dumps(task).encode(), agent_id, key, "api", 1_000)


def names(store: Store, **query) -> list[str]:
    return [row["name"] for row in store.page(Query(**query)).rows]


def test_body_is_unchanged(store):
    """A task is stored byte for byte."""
    body = b'{ "name": "a", "description": "b",\n "duration": 1.50e0}'
    task = run()
    stored = Arrival(task, body, AGENT_ID, None, "api", 1)
    (trace_id,) = store.add([stored])
    assert store.find(trace_id).body == body


def test_same_key_is_stored_once(store):
    """Two deliveries with one key of one agent are one task."""
    first = store.add([arrival(run("a"), "k")])
    again = store.add([arrival(run("b"), "k"), arrival(run("c"), "k", "other")])
    assert again[0] == first[0] != again[1]
    assert names(store) == ["c", "a"]


def test_without_a_key_every_delivery_counts(store):
    """Equal tasks without a key are two tasks."""
    store.add([arrival(run("a")), arrival(run("a"))])
    assert names(store) == ["a", "a"]


def test_all_or_none(store):
    """A batch is stored as a whole or not at all."""
    broken = Arrival({"name": "x"}, b"{}", AGENT_ID, None, "api", 1)
    with pytest.raises(KeyError):
        store.add([arrival(run("a")), broken])
    assert names(store) == []
    store.add([arrival(run("b"))])
    assert names(store) == ["b"]


def test_survives_a_restart(tmp_path):
    """Stored tasks are there when the file is opened again."""
    path = str(tmp_path / "tasks.db")
    first = Store(path)
    (trace_id,) = first.add([arrival(research())])
    first.close()
    second = Store(path)
    assert second.find(trace_id).row["name"] == "Recommend a heat pump"
    assert second.last() == 1
    second.close()


def test_other_files(tmp_path):
    """A file of another program, or of another version, is not changed."""
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
    ("query", "expected"),
    [
        pytest.param({}, ["hard", "soft", "plain"], id="last-ended-first"),
        pytest.param({"order": "newest"}, ["soft", "hard", "plain"], id="newest"),
        pytest.param({"order": "oldest"}, ["plain", "hard", "soft"], id="oldest"),
        pytest.param({"limit": 1, "offset": 1}, ["soft"], id="page"),
        pytest.param({"errors": "1"}, ["hard"], id="errors"),
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
def test_queries(store, query, expected):
    """The list is filtered, searched, ordered and paged."""
    store.add(
        [
            arrival(run("plain", output_summary="申请退款")),
            arrival(
                run(
                    "hard",
                    current_datetime="2026-11-20T09:30:01Z",
                    errors=[{"error_type": "Unlucky", "message": "boom"}],
                    llm_usage={"calls": [{"model": "m1"}, {"model": "m2"}]},
                )
            ),
            arrival(run("soft", environment={"framework": "beta"})),
        ]
    )
    assert names(store, **query) == expected
    page = store.page(Query(**query))
    if "limit" not in query:
        assert page.total == len(expected)
    assert page.last == 3


FIRST = (
    "seq, trace_id, agent_id, source, received_ms, name, agent, ended_ms, duration_s, "
    "steps, llm_calls, tool_calls, prompt_tokens, completion_tokens, total_tokens, "
    "cost_usd, errors, otel_trace_id, incomplete"
)
"""The columns of version 1."""


def make_first(path: str, tasks: list[dict]) -> None:
    """Write a file as version 1 did."""
    newer = Store(path + ".new")
    newer.add([arrival(task) for task in tasks])
    newer.close()
    db = sqlite3.connect(path)
    db.executescript(schema.SCHEMA + "PRAGMA user_version = 1;")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content='')")
    db.execute("ATTACH ? AS newer", [path + ".new"])
    db.execute(f"INSERT INTO tasks ({FIRST}) SELECT {FIRST} FROM newer.tasks")
    db.execute("INSERT INTO bodies SELECT * FROM newer.bodies")
    db.execute("INSERT INTO models SELECT * FROM newer.models")
    db.execute("INSERT INTO words (rowid, text) SELECT seq, name FROM tasks")
    db.commit()
    db.close()


def test_a_file_of_the_first_version(tmp_path):
    """It is brought up to date: previews, tags, search, and the order by end."""
    path = str(tmp_path / "tasks.db")
    long = "x " * 40_000 + "needle"
    make_first(path, [run("a", input_summary="Why?", description=long), research()])
    opened = Store(path)
    assert names(opened, words="needle") == ["a"]
    assert opened.page(Query(words="needle")).rows[0]["question"] == "Why?"
    assert opened.remove(opened.page(Query(words="needle")).rows[0]["trace_id"])
    assert names(opened, words="needle") == []
    opened.close()
    db = sqlite3.connect(path)
    plan = db.execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM tasks ORDER BY {ORDERS['ended']} LIMIT 9"
    ).fetchall()
    db.close()
    assert "tasks_by_end" in str(plan)
    assert "B-TREE" not in str(plan)


def test_a_long_upgrade_is_announced(tmp_path, monkeypatch, caplog):
    """Indexing many tasks anew takes a while."""
    monkeypatch.setattr(schema, "MANY", 1)
    make_first(str(tmp_path / "tasks.db"), [run("a"), run("b")])
    Store(str(tmp_path / "tasks.db")).close()
    assert "Indexing 2 tasks anew" in caplog.text


def test_an_upgrade_that_fails_changes_nothing(tmp_path):
    """A body that cannot be read keeps the file as it was, for the older version."""
    path = str(tmp_path / "tasks.db")
    make_first(path, [run("a")])
    db = sqlite3.connect(path)
    db.execute("UPDATE bodies SET body = 'not JSON'")
    db.commit()
    with pytest.raises(ValueError, match="Expecting value"):
        Store(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert "question" not in str(db.execute("PRAGMA table_info(tasks)").fetchall())
    db.close()


def describe(session: str, user: str, **tags: str) -> dict:
    tags |= {"gen_ai.conversation.id": session, "user.id": user, "otel.trace_id": "1"}
    return {"environment": {"custom_tags": tags}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"session": "s1"}, ["b", "a"], id="session"),
        pytest.param({"user": "u2"}, ["b"], id="user"),
        pytest.param({"tag": ("tenant", "acme")}, ["a"], id="tag"),
        pytest.param({"tag": ("otel.trace_id", "1")}, [], id="ids-are-no-tags"),
        pytest.param({"min_cost_usd": 0.5}, ["b"], id="cost"),
        pytest.param({"min_duration_s": 9.0}, ["c"], id="duration"),
        pytest.param({"errors": "1"}, ["c", "b"], id="errors"),
        pytest.param({"errors": "fatal"}, ["c"], id="fatal"),
    ],
)
def test_queries_by_who_and_how_much(store, query, expected):
    """Filters by conversation, user, tag, cost, duration, and kind of error."""
    recovered = {"error_type": "X", "message": "m", "recoverable": True}
    fatal = {"error_type": "X", "message": "m", "recoverable": False}
    store.add(
        [
            arrival(run("a", **describe("s1", "u1", tenant="acme"))),
            arrival(
                run(
                    "b",
                    **describe("s1", "u2", tenant="other"),
                    llm_usage={"estimated_cost_usd": 0.5},
                    errors=[recovered],
                )
            ),
            arrival(run("c", errors=[recovered, fatal]) | {"duration": 9.5}),
        ]
    )
    assert names(store, **query) == expected


def test_removing_a_task(store):
    """It is gone from the list, the search and the choices; others stay."""
    first, second = store.add([arrival(research()), arrival(run("stays"))])
    assert store.remove(first).row["trace_id"] == first
    assert names(store) == ["stays"]
    assert names(store, words="heat") == []
    assert store.choices()["models"] == []
    assert store.find(first) is None
    assert store.remove(first) is None
    assert store.find(second) is not None


def test_pruning_by_age_and_size(store):
    """The oldest tasks go first, until age and size are within the bounds."""
    store.add([arrival(run(f"{n}", description="d" * 1_000)) for n in range(10)])
    size = sum(len(body) for body, _ in store.export(Query()))
    keep = Retention(max_bytes=size // 2, max_age_ms=10_000)
    assert store.prune(keep, now_ms=2_000) == 5
    assert sorted(names(store)) == ["5", "6", "7", "8", "9"]
    assert store.prune(keep, now_ms=2_000) == 0
    assert store.prune(keep, now_ms=11_001) == 5
    assert names(store) == []


def test_pruning_is_bounded(store, monkeypatch):
    """One step removes a bounded number; the next goes on."""
    monkeypatch.setattr("infinium_otel.apps.serve.store.MAX_PRUNED", 3)
    store.add([arrival(run(f"{n}")) for n in range(7)])
    keep = Retention(max_bytes=10**9, max_age_ms=0)
    assert [store.prune(keep, 2_000) for _ in range(4)] == [3, 3, 1, 0]


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
    """A task is found by its own id; by the id of its trace, the newest is found."""
    tags = {"custom_tags": {"otel.trace_id": "ab" * 16}}
    first, second = store.add(
        [arrival(run("a", environment=tags)), arrival(run("b", environment=tags))]
    )
    assert store.find(first).row["name"] == "a"
    assert store.find("ab" * 16).row["trace_id"] == second
    assert store.find("cd" * 16) is None


def test_choices(store):
    """The filters offer the agents and models that occur and have a name."""
    store.add([arrival(research()), arrival(run(environment={"framework": "f"}))])
    store.add([arrival(run(), agent_id="")])
    assert store.choices() == {
        "agents": ["f", "home-advisor"],
        "models": ["claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini"],
    }


def test_hostile_task(store):
    """A task of hostile texts is stored and found like any other."""
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
