"""The received tasks in one SQLite file: their bodies, and their rows in the list."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve import schema
from infinium_otel.apps.serve.listing import ORDERS
from infinium_otel.apps.serve.rule_results import (
    Evaluate,
    Results,
    add_rules,
    find_rules,
)
from infinium_otel.apps.serve.search_index import SearchIndex
from infinium_otel.apps.serve.stored import Page, StoredTask
from infinium_otel.apps.serve.summary import MAX_RUNS, RunFigures
from infinium_otel.apps.serve.task_row import TaskRow, to_index_text, to_task_row
from infinium_otel.delivery.storage.private_files import prepare_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.apps.serve.listing import Query

MEMORY = ":memory:"
"""SQLite's name for a database without a file."""
MOST_CHOICES = 200
"""Agents and models that a filter offers, at most."""
MAX_PRUNED = 200
"""Tasks that are removed in one step."""

_LISTS = frozenset({"models", "tags"})
_STORED = tuple(f.name for f in fields(TaskRow) if f.name not in _LISTS)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One received task.

    Args:
        task: the JSON object in *body*.
        body: the bytes as received.
        key: the idempotency key; None if the sender set none.
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
        """The id returned to the sender: the same for the same agent and key."""
        if self.key is None:
            return str(uuid.uuid4())
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.agent_id}/{self.key}"))


@dataclass(frozen=True, slots=True)
class Retention:
    """How many tasks are kept.

    Args:
        max_bytes: of all bodies together.
        max_age_ms: since a task was received.
    """

    max_bytes: int
    max_age_ms: int


class Store:
    """Tasks in a SQLite file that its owner alone can read; thread-safe.

    Args:
        path: of the file; `MEMORY` for none.
        evaluate: gives what the rules find in a task that arrives; None has no rules.

    Raises:
        OSError: the file is a link, or belongs to another user.
        sqlite3.Error: the file cannot be opened, or is not a store of this version.
    """

    def __init__(self, path: str, evaluate: Evaluate | None = None) -> None:
        self._evaluate = evaluate
        if path != MEMORY:
            prepare_database(path)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        try:
            schema.prepare(self._db, path)
            self._index = SearchIndex(self._db, path)
        except (sqlite3.Error, ValueError):
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Store *arrivals*, all or none; return their trace ids in the same order.

        A task with the agent and idempotency key of a stored one is not stored again.
        """
        with self._transaction():
            return [self._add(arrival) for arrival in arrivals]

    def page(self, query: Query) -> Page:
        """Return the page that *query* selects."""
        with self._lock:
            where, arguments = self._search(query)
            (total,) = self._one(f"SELECT count(*) FROM tasks WHERE {where}", arguments)  # noqa: S608 (conditions are listing's own)
            selected = self._db.execute(
                f"SELECT * FROM tasks WHERE {where} ORDER BY {ORDERS[query.order]} LIMIT ? OFFSET ?",  # noqa: S608 (as above)
                [*arguments, query.limit, query.offset],
            ).fetchall()
            rows = [self._row(row) for row in selected]
            return Page(rows, total, self._last())

    def find(self, trace_id: str) -> StoredTask | None:
        """Find a task by its trace id, or the newest one of an OpenTelemetry trace."""
        with self._lock:
            row = self._one(
                "SELECT * FROM tasks WHERE trace_id = ? OR otel_trace_id = ?"
                " ORDER BY seq DESC",
                [trace_id, trace_id],
            )
            if row is None:
                return None
            found = self._one("SELECT body FROM bodies WHERE seq = ?", [row["seq"]])
            if found is None or not isinstance(found["body"], bytes):
                raise sqlite3.DatabaseError("the body of a task is damaged")
            rules = find_rules(self._db, row["seq"])
            return StoredTask(self._row(row), found["body"], rules)

    def figures(self, query: Query, group: str) -> list[RunFigures]:
        """What is summed up of the newest runs that *query* selects, at most `MAX_RUNS`.

        Args:
            group: one of `GROUPS`; a run's model is the first that it called.
        """
        column = {"": "''", "agent": "agent", "model": "coalesce(model, '')"}[group]
        with self._lock:
            where, arguments = self._search(query)
            found = self._db.execute(
                f"SELECT {column}, ended_ms, duration_s, prompt_tokens,"  # noqa: S608 (as above)
                " completion_tokens, cost_usd, errors, fatal FROM tasks"
                " LEFT JOIN (SELECT seq AS called, model FROM models WHERE place = 0)"
                f" ON called = seq WHERE {where} ORDER BY ended_ms DESC LIMIT ?",
                [*arguments, MAX_RUNS],
            ).fetchall()
        return [RunFigures(*row) for row in found]

    def export(self, query: Query) -> Iterator[tuple[bytes, Results | None]]:
        """Give all tasks that *query* selects, in its order: body and `rules` of each."""
        with self._lock:
            where, arguments = self._search(query)
            found = self._db.execute(
                f"SELECT seq FROM tasks WHERE {where} ORDER BY {ORDERS[query.order]}",  # noqa: S608 (as above)
                arguments,
            ).fetchall()
        for (seq,) in found:
            with self._lock:
                body = self._one("SELECT body FROM bodies WHERE seq = ?", [seq])
                rules = find_rules(self._db, seq)
            if body is not None and isinstance(body[0], bytes):
                yield body[0], rules

    def remove(self, trace_id: str) -> StoredTask | None:
        """Remove one task; return it, or None if there is none."""
        stored = self.find(trace_id)
        if stored is not None:
            with self._transaction():
                self._remove([stored.row["seq"]])
        return stored

    def replace(self, removed: Iterable[str], arrivals: Iterable[Arrival]) -> list[str]:
        """Store *arrivals* in place of the tasks with the ids *removed*, all or none."""
        with self._transaction():
            for trace_id in removed:
                row = self._one("SELECT seq FROM tasks WHERE trace_id = ?", [trace_id])
                self._remove([row["seq"]] if row else [])
            return [self._add(arrival) for arrival in arrivals]

    def prune(self, keep: Retention, now_ms: int) -> int:
        """Remove the oldest tasks, by arrival, until *keep* holds; return how many.

        At most `MAX_PRUNED` at a time, so that other requests are not held up.
        """
        with self._transaction():
            old = self._db.execute(
                "SELECT seq FROM tasks WHERE received_ms < ? ORDER BY seq LIMIT ?",
                [now_ms - keep.max_age_ms, MAX_PRUNED],
            ).fetchall()
            self._remove([seq for (seq,) in old])
            (size,) = self._one("SELECT coalesce(sum(length(body)), 0) FROM bodies", [])
            surplus = list(self._list_surplus(size - keep.max_bytes))
            self._remove(surplus)
        return len(old) + len(surplus)

    def _list_surplus(self, surplus: int) -> Iterator[int]:
        """The oldest tasks, until their bodies add up to *surplus* bytes."""
        if surplus <= 0:
            return
        rows = self._db.execute(
            "SELECT seq, length(body) FROM bodies ORDER BY seq LIMIT ?", [MAX_PRUNED]
        )
        for seq, size in rows.fetchall():
            if surplus <= 0:
                return
            surplus -= size
            yield seq

    def _search(self, query: Query) -> tuple[str, list[object]]:
        """The SQL condition of *query* and its arguments, once its words were searched."""
        if query.words is not None:
            self._index.find(query.words)
        return query.where()

    def _remove(self, numbers: list[int]) -> None:
        for seq in numbers:
            # The index has no texts of its own: what was indexed has to be given again.
            task, agent_id = self._read_indexed(seq)
            text = to_index_text(task["trace_id"], task["task"], agent_id)
            self._index.remove(seq, text)
            for table in schema.TABLES:
                self._db.execute(f"DELETE FROM {table} WHERE seq = ?", [seq])  # noqa: S608 (names are schema's own)

    def _read_indexed(self, seq: int) -> tuple[dict[str, Any], str]:
        row = self._one(
            "SELECT trace_id, agent_id, body FROM tasks JOIN bodies USING (seq)"
            " WHERE seq = ?",
            [seq],
        )
        task = {"trace_id": row["trace_id"], "task": json.loads(row["body"])}
        return task, row["agent_id"]

    def choices(self) -> dict[str, list[str]]:
        """Return the agents and models to filter by, in alphabetical order."""
        with self._lock:
            return {
                "agents": self._column(
                    "SELECT DISTINCT agent FROM tasks WHERE agent <> ''"
                ),
                "models": self._column("SELECT DISTINCT model FROM models"),
            }

    def last(self) -> int:
        """Return the number of the newest task; 0 if there is none."""
        with self._lock:
            return self._last()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise

    def _add(self, arrival: Arrival) -> str:
        trace_id = arrival.trace_id
        if self._one("SELECT 1 FROM tasks WHERE trace_id = ?", [trace_id]):
            return trace_id
        row = to_task_row(arrival.task, arrival.agent_id)
        seq = self._insert(
            "tasks",
            trace_id=trace_id,
            agent_id=arrival.agent_id,
            source=arrival.source,
            received_ms=arrival.received_ms,
            **{name: getattr(row, name) for name in _STORED},
        )
        self._insert("bodies", seq=seq, body=arrival.body)
        for place, model in enumerate(row.models):
            self._insert("models", seq=seq, place=place, model=model)
        for name, value in row.tags:
            self._insert("tags", seq=seq, name=name, value=value)
        text = to_index_text(trace_id, arrival.task, arrival.agent_id)
        self._index.add(seq, text)
        if self._evaluate is not None:
            add_rules(self._db, seq, self._evaluate(arrival.task))
        return trace_id

    def _insert(self, table: str, **values: Any) -> int:
        marks = ", ".join("?" * len(values))
        cursor = self._db.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 (names are this module's own)
            [*values.values()],
        )
        return int(cursor.lastrowid or 0)

    def _one(self, sql: str, arguments: list[Any]) -> Any:
        return self._db.execute(sql, arguments).fetchone()

    def _last(self) -> int:
        (last,) = self._one("SELECT coalesce(max(seq), 0) FROM tasks", [])
        return int(last)

    def _column(self, sql: str) -> list[str]:
        rows = self._db.execute(f"{sql} ORDER BY 1 LIMIT {MOST_CHOICES}")
        return [value for (value,) in rows if isinstance(value, str)]

    def _row(self, row: sqlite3.Row) -> dict[str, Any]:
        models = self._db.execute(
            "SELECT model FROM models WHERE seq = ? ORDER BY place", [row["seq"]]
        )
        return {
            **{name: _to_plain(value) for name, value in dict(row).items()},
            "incomplete": bool(row["incomplete"]),
            "models": [model for (model,) in models if isinstance(model, str)],
        }


def _to_plain(value: Any) -> Any:
    """A column's value as JSON can have it; None for what we never wrote."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if isinstance(value, bytes) else value
