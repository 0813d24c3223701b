"""The local server: damaged and hostile database files, and random requests.

A request is answered with a status below 500, whatever it contains. With a damaged
database the status is 503, and the server goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from contextlib import closing
from urllib.parse import quote

import httpx
import pytest

pytest.importorskip("starlette")

from infinium_otel.apps import serve
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.span_archive import SpanArchive
from infinium_otel.apps.serve.store import Arrival, Store
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError
from infinium_otel.otlp import from_json
from support.fuzzing import (
    WORDS,
    mutate_bytes,
    mutate_json,
    run_rounds,
    write_json,
)
from support.otlp_requests import agent_span, traces
from support.runs import AGENT_ID, hostile, research, some

TASKS = [research(), hostile(), some(1), some(2)]
IDS = [
    Arrival(task, b"", AGENT_ID, str(n), "api", n).trace_id
    for n, task in enumerate(TASKS)
]
RECORDS = from_json(traces(agent_span(1), agent_span(2))).records


def fill_store(path):
    store = Store(str(path))
    store.add(
        Arrival(task, json.dumps(task).encode(), AGENT_ID, str(n), "api", n)
        for n, task in enumerate(TASKS)
    )
    archive = SpanArchive(str(path))
    archive.add(RECORDS)
    return store, archive


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The bytes of a database with a few tasks, and with their spans."""
    path = tmp_path_factory.mktemp("serve") / "tasks.db"
    for opened in reversed(fill_store(path)):
        opened._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        opened.close()
    return path.read_bytes()


def serve_database(path, make_requests):
    """What the command answers to requests, with its tasks in *path*.

    Args:
        make_requests: gives the requests of one round after the other, each from the
            answers so far.
    """
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    args = parser.parse_args(["--db", str(path)])
    app, _ = serve.build_application(args, Config())

    async def run():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
        ):
            answers = []
            for make in make_requests:
                for request in make(answers):
                    answer = await http.send(http.build_request(**request))
                    answers += (answer,)
            return answers

    return asyncio.run(run())


PATHS = (
    "/api/tasks", "/api/choices", "/healthz", "/", "/static/", "/api/tasks/{}", "/api/tasks/{}/body",
    "/api/tasks/{}/steps/{}", "/api/tasks/{}/otlp", "/api/tasks/{}/search", "/api/v1/agents/{}/trace", "/v1/traces", "/v1/logs",
    "/api/v1/agents/{}/interpreted-result/{}", "/api/v1/prompts/{}", "/tasks/{}", "/static/{}",
)  # fmt: skip
TEXTS = (
    "", '"', "'", "*", '""', "NEAR(", "a OR b", "a AND", "NOT", "-a", "text:", "{text}:a", "^a", "a + b", "(", ")",
    "'; DROP TABLE tasks; --", "%", "_", "\0", "\ud800", "é" * 40, "日本", "../../etc/passwd", "..%2f..%2fetc/passwd",
    "....//", "C:\\windows", "index.html", "1", "-1", "9" * 40, "1e9", "0x10", "true", "newest", "24h", "9" * 9 + "d",
    "2026-01-31T12:00:00Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", AGENT_ID, "a" * 5000,
)  # fmt: skip
PARAMS = (
    "q",
    "limit",
    "offset",
    "errors",
    "model",
    "agent",
    "since",
    "sort",
    "after",
    "x",
)
HEADERS = (
    "content-type", "content-encoding", "authorization", "x-agent-id", "x-agent-key", "idempotency-key", "origin",
    "last-event-id", "range", "if-none-match", "if-modified-since", "sec-fetch-site", "accept", "x-prompt-id",
)  # fmt: skip
VALUES = (*TEXTS, "application/json", "application/x-protobuf", "text/plain", "gzip", "deflate", "bytes=0-,1-", "cross-site")  # fmt: skip


def draw_text(rng):
    return "".join(rng.choice(TEXTS) for _ in range(rng.randint(1, 3)))


def draw_request(rng, ids):
    path = rng.choice(PATHS)
    while "{}" in path:
        text = rng.choice(ids) if rng.random() < 0.5 else draw_text(rng)[:300]
        path = path.replace("{}", quote(text, safe="/%.", errors="replace"), 1)
    params = {
        rng.choice(PARAMS): draw_text(rng)[:900] for _ in range(rng.randint(0, 4))
    }
    query = "&".join(f"{k}={quote(v, errors='replace')}" for k, v in params.items())
    headers = {
        rng.choice(HEADERS): rng.choice(VALUES).encode("utf-8", "replace")[:500]
        for _ in range(rng.randint(0, 5))
    }
    body = b""
    if rng.random() < 0.5:
        body = write_json(
            rng, mutate_json(rng, rng.choice((TASKS[0], traces(agent_span(1)))))
        )
    method = rng.choice(("GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"))
    return {
        "method": method,
        "url": f"{path}?{query}",
        "headers": {k: v.replace(b"\0", b"") for k, v in headers.items()},
        "content": body,
    }


def test_random_requests_are_answered(database, tmp_path):
    """No request is a server error, and every response has the page's safety headers."""
    (tmp_path / "tasks.db").write_bytes(database)

    def target(rng):
        requests = [draw_request(rng, IDS) for _ in range(8)]
        answers = serve_database(tmp_path / "tasks.db", [lambda _: requests])
        for request, response in zip(requests, answers, strict=True):
            policy = response.headers["content-security-policy"]
            assert response.status_code < 500, (request, response.text[:300])
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in policy
            assert b"root:" not in response.content

    run_rounds("serve-requests", target, ())


def test_random_searches_are_valid_queries(tmp_path):
    """No text of a search is a syntax error of the index, or anything but a search."""
    store, archive = fill_store(tmp_path / "tasks.db")

    def target(rng):
        for _ in range(20):
            words = " ".join(draw_text(rng) for _ in range(rng.randint(1, 4)))
            page = store.page(Query(words=words.strip() or None))
            assert page.total <= len(TASKS)

    run_rounds("serve-searches", target, (UnicodeEncodeError,))
    assert store.page(Query()).total == len(TASKS)
    archive.close()
    store.close()


def read_all(path):
    """The answers to everything that the page reads of a database."""

    def read_lists(_):
        urls = ("/api/tasks", "/api/choices", "/healthz", "/api/tasks?q=a")
        return [{"method": "GET", "url": url} for url in urls]

    def read_tasks(answers):
        listed = answers[0].json().get("tasks", []) if answers[0].is_success else []
        tasks = [quote(str(row["trace_id"]), safe="") for row in listed]
        return [
            {"method": "GET", "url": f"/api/tasks/{task}{part}"}
            for task in tasks
            for part in ("", "/otlp", "/steps/1")
        ]

    return serve_database(path, [read_lists, read_tasks])


def test_damaged_databases_are_documented_errors(database, tmp_path):
    """A damaged file is not opened, or its requests have the status 503."""

    def target(rng):
        path = tmp_path / f"{rng.getrandbits(64):x}.db"
        path.write_bytes(mutate_bytes(rng, database))
        for answer in read_all(path):
            assert answer.status_code < 500 or answer.status_code == 503, answer.text

    run_rounds("serve-database", target, (sqlite3.Error, OSError, InfiniumError))


COLUMNS = {
    "tasks": ("trace_id", "agent_id", "name", "agent", "ended_ms", "duration_s", "steps", "total_tokens", "cost_usd",
              "errors", "otel_trace_id", "incomplete"),
    "bodies": ("body",),
    "models": ("model",),
    "spans": ("otel_trace_id", "span_id", "record", "size"),
}  # fmt: skip


def test_hostile_databases_are_documented_errors(database, tmp_path):
    """Values of other types, sizes and encodings in any column are no server error."""
    values = (None, -1, 2**63 - 1, float("inf"), b"\xff\xfe", b"", "x", b"x\x9c", *(w for w in WORDS if isinstance(w, str)))  # fmt: skip

    def target(rng):
        path = tmp_path / f"{rng.getrandbits(64):x}.db"
        path.write_bytes(database)
        with closing(sqlite3.connect(path)) as db, db:
            for _ in range(rng.randint(1, 5)):
                table = rng.choice(list(COLUMNS))
                column, value = rng.choice(COLUMNS[table]), rng.choice(values)
                if isinstance(value, str):
                    value = value.encode("utf-8", "surrogatepass").decode("latin-1")
                rows = f"UPDATE OR IGNORE {table} SET {column} = CAST(? AS "
                kind = (
                    "TEXT)"
                    if isinstance(value, bytes) and rng.random() < 0.5
                    else "BLOB)"
                )
                if isinstance(value, bytes):
                    db.execute(rows + kind, [value])
                else:
                    db.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", [value])
        for answer in read_all(path):
            assert answer.status_code < 500 or answer.status_code == 503, answer.text

    run_rounds("serve-values", target, (sqlite3.Error, InfiniumError))
