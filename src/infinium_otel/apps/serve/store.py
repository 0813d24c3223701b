"""The tasks that arrived, in one SQLite file: the bodies as received, and their facts."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.facts import Facts, facts_of, words_of
from infinium_otel.apps.serve.listing import ORDERS, spaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.apps.serve.listing import Query

SCHEMA_VERSION = 1
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
CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='unicode61');
"""
MOST_CHOICES = 200
"""Agents and models that a filter offers, at most."""

_STORED = tuple(field.name for field in fields(Facts) if field.name != "models")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One task on its way into the store.

    Args:
        task: the JSON object that *body* holds.
        body: the bytes as received.
        key: the idempotency key; None if the sender gave none.
        source: "api" or "otlp".
    """

    task: Mapping[str, Any]
    body: bytes
    agent_id: str
    key: str | None
    source: str
    received_ms: int

    @property
    def trace_id(self) -> str:
        """The id that the sender is told: the same for the same agent and key."""
        if self.key is None:
            return str(uuid.uuid4())
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.agent_id}/{self.key}"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list: its rows, how many match in all, the last task's number."""

    rows: list[dict[str, Any]]
    total: int
    last: int


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored task: its row of the list, and its body as received."""

    row: dict[str, Any]
    body: bytes


class Store:
    """Tasks in a SQLite file; safe to use from several threads.

    Raises:
        sqlite3.Error: the file cannot be opened, or is no store of this version.
    """

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        try:
            self._prepare(path)
        except sqlite3.Error:
            self._db.close()
            raise

    def _prepare(self, path: str) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(
                f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"{path} was written by another version of infinium-otel"
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Keep *arrivals*, all or none; return their trace ids in the same order.

        A task that is there already, by agent and idempotency key, is not kept twice.
        """
        with self._transaction():
            return [self._add(arrival) for arrival in arrivals]

    def page(self, query: Query) -> Page:
        """The rows that *query* asks for."""
        where, arguments = query.where()
        with self._lock:
            (total,) = self._one(f"SELECT count(*) FROM tasks WHERE {where}", arguments)  # noqa: S608 (conditions are listing's own)
            found = self._db.execute(
                f"SELECT * FROM tasks WHERE {where} ORDER BY {ORDERS[query.order]} LIMIT ? OFFSET ?",  # noqa: S608 (as above)
                [*arguments, query.limit, query.offset],
            ).fetchall()
            rows = [self._row(row) for row in found]
            return Page(rows, total, self._last())

    def find(self, trace_id: str) -> Stored | None:
        """The task of that trace id, or the newest made of that OpenTelemetry trace."""
        with self._lock:
            row = self._one(
                "SELECT * FROM tasks WHERE trace_id = ? OR otel_trace_id = ?"
                " ORDER BY seq DESC",
                [trace_id, trace_id],
            )
            if row is None:
                return None
            (body,) = self._one("SELECT body FROM bodies WHERE seq = ?", [row["seq"]])
            return Stored(self._row(row), body)

    def choices(self) -> dict[str, list[str]]:
        """The agents and models that occur and have a name, in alphabetical order."""
        with self._lock:
            return {
                "agents": self._column(
                    "SELECT DISTINCT agent FROM tasks WHERE agent <> ''"
                ),
                "models": self._column("SELECT DISTINCT model FROM models"),
            }

    def last(self) -> int:
        """The number of the task that came last; 0 if there is none."""
        with self._lock:
            return self._last()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _add(self, arrival: Arrival) -> str:
        trace_id = arrival.trace_id
        if self._one("SELECT 1 FROM tasks WHERE trace_id = ?", [trace_id]):
            return trace_id
        facts = facts_of(arrival.task, arrival.agent_id)
        seq = self._insert(
            "tasks",
            trace_id=trace_id,
            agent_id=arrival.agent_id,
            source=arrival.source,
            received_ms=arrival.received_ms,
            **{name: getattr(facts, name) for name in _STORED},
        )
        self._insert("bodies", seq=seq, body=arrival.body)
        for place, model in enumerate(facts.models):
            self._insert("models", seq=seq, place=place, model=model)
        words = f"{trace_id}\n{words_of(arrival.task, facts)}"
        self._insert("words", rowid=seq, text=spaced(words))
        return trace_id

    def _insert(self, table: str, **values: Any) -> int:
        marks = ", ".join("?" * len(values))
        done = self._db.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 (names are this module's own)
            [*values.values()],
        )
        return int(done.lastrowid or 0)

    def _one(self, sql: str, arguments: list[Any]) -> Any:
        return self._db.execute(sql, arguments).fetchone()

    def _last(self) -> int:
        (last,) = self._one("SELECT coalesce(max(seq), 0) FROM tasks", [])
        return int(last)

    def _column(self, sql: str) -> list[str]:
        found = self._db.execute(f"{sql} ORDER BY 1 LIMIT {MOST_CHOICES}")
        return [value for (value,) in found]

    def _row(self, row: sqlite3.Row) -> dict[str, Any]:
        models = self._db.execute(
            "SELECT model FROM models WHERE seq = ? ORDER BY place", [row["seq"]]
        )
        return {
            **dict(row),
            "incomplete": bool(row["incomplete"]),
            "models": [model for (model,) in models],
        }
