"""The search index: by words, once per page, and where SQLite has no full-text search."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from infinium_otel.apps.serve import search_index
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.store import Arrival, Store
from support.runs import run

TEXTS = {
    "a": "Where is the railway station in Tel-Aviv?",
    "b": "100% of get_weather calls failed",
    "c": "天気はどうですか",
    "d": "C:\\path and 'quotes' and \"more\"",
    "e": "mail @nasa, #tag GB/s, a=b; don't x\\y [br] <x> health.base multi-agent hi!",
}


def fill(store):
    for name, text in TEXTS.items():
        task = run(name, input_summary=text)
        body = json.dumps(task).encode()
        store.add([Arrival(task, body, "", None, "api", 0)])


def find(store, words):
    return "".join(sorted(row["name"] for row in store.page(Query(words=words)).rows))


@pytest.fixture(params=["full-text", "plain"])
def store(request, tmp_path, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(search_index, "has_full_text", lambda _: False)
    opened = Store(str(tmp_path / "tasks.db"))
    fill(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("rail", "a", id="prefix"),
        pytest.param("STATION where", "a", id="case-and-order"),
        pytest.param("w", "ab", id="one-letter"),
        pytest.param("天気", "c", id="no-spaces"),
        pytest.param("100%", "b", id="percent"),
        pytest.param("get_weather", "b", id="underscore"),
        pytest.param("C:\\path", "d", id="backslash"),
        pytest.param("station failed", "", id="every-word"),
    ],
)
def test_what_is_found(store, words, found):
    """Each word must occur, whichever index the file has."""
    assert find(store, words) == found
    assert store.page(Query(words=words)).total == len(found)


@pytest.mark.parametrize(
    "words",
    ["@nasa", "#tag", "GB/s", "a=b", "don't", "x\\y", "[br]", "<x>", "health.base",
     "multi-agent", "hi!", "multi-agent hi!"],
)  # fmt: skip
def test_words_with_signs(store, words):
    """They are texts, not the syntax of a query.

    Source: calebevans/mulder#152, spences10/ccrecall#23, spences10/ccrecall#29,
    Dicklesworthstone/meta_skill#100, wso2/product-ballerina-integrator#2608.
    """
    assert "e" in find(store, words)


@pytest.mark.parametrize(
    "words", ["-", '"', "'", "*", "( )", "AND", "NEAR(a b)", "^", ":"]
)
def test_signs_alone(store, words):
    """They are no mistake.

    Source: varnamproject/govarnam#27, dbohdan/tinyfts#2.
    """
    assert store.page(Query(words=words)).total <= len(TEXTS)


def test_a_removed_task_is_not_found(store):
    """Nor is it after the file was opened again."""
    (row,) = store.page(Query(words="railway")).rows
    store.remove(row["trace_id"])
    assert find(store, "railway") == ""
    assert len(list(store.export(Query(words="failed")))) == 1
    assert len(store.figures(Query(words="failed"), "")) == 1


def test_a_page_searches_once(tmp_path):
    """The count and the rows share one search, and a short prefix has its own index."""
    opened = Store(str(tmp_path / "tasks.db"))
    fill(opened)
    statements = []
    opened._db.set_trace_callback(statements.append)
    assert find(opened, "w") == "ab"
    assert sum("MATCH" in each for each in statements) == 1
    (sql,) = opened._db.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'words'"
    ).fetchone()
    assert "prefix='1 2 3'" in sql
    opened.close()


def test_without_full_text_search(tmp_path, monkeypatch, caplog):
    """It is logged once; a file that has a full-text index is refused with the cure.

    Source: NousResearch/hermes-agent#13222, shisa-ai/shisad#57, socket-link/ampere#746.
    """
    made = str(tmp_path / "made.db")
    Store(made).close()
    monkeypatch.setattr(search_index, "has_full_text", lambda _: False)
    with pytest.raises(sqlite3.DatabaseError, match="without FTS5; use another file"):
        Store(made)
    Store(str(tmp_path / "plain.db")).close()
    assert caplog.text.count("reads every text") == 1


def test_the_module_is_there():
    """What SQLite itself lists decides, not its version."""
    with closing(sqlite3.connect(":memory:")) as db, db:
        names = {name for (name,) in db.execute("SELECT name FROM pragma_module_list")}
        assert search_index.has_full_text(db) is ("fts5" in names)
    db.close()
