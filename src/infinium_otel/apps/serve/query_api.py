"""The API of the page: the list, one task, the filters' choices, and new tasks."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.apps.serve.listing import MAX_OFFSET, Query
from infinium_otel.apps.serve.open_runs import OpenList
from infinium_otel.apps.serve.summary import GROUPS, summarize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from infinium_otel.apps.serve.event_stream import EventStream
    from infinium_otel.apps.serve.run_finder import RunFinder
    from infinium_otel.apps.serve.span_archive import SpanArchive
    from infinium_otel.apps.serve.store import Store
    from infinium_otel.apps.serve.stored import StoredTask

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class QueryApi:
    """The endpoints `/api/tasks…`, `/api/live` and `/healthz`."""

    store: Store
    events: EventStream
    archive: SpanArchive
    finder: RunFinder

    def routes(self) -> list[Route]:
        """The endpoints, for a Starlette application."""
        return [
            Route("/api/tasks", self.tasks),
            Route("/api/tasks/{trace_id}", self.task, methods=["GET"]),
            Route("/api/tasks/{trace_id}", self.remove, methods=["DELETE"]),
            Route("/api/export", self.export),
            Route("/api/summary", self.summarize),
            Route("/api/tasks/{trace_id}/body", self.body),
            Route("/api/choices", self.choices),
            Route("/api/live", self.subscribe),
            Route("/healthz", self.health),
        ]

    def tasks(self, request: Request) -> Response:
        """A page of the list; with `open=1` also the open runs that the filters select."""
        now_ms = time.time_ns() // 1_000_000
        query = Query.from_params(request.query_params, now_ms)
        version = self.events.version
        open_runs = OpenList([], is_current=True)
        if request.query_params.get("open") == "1":
            open_runs = self.finder.open_runs.select(query)
        page = self.store.page(query)
        return JSONResponse(
            {
                "tasks": page.rows,
                "open": open_runs.rows,
                "open_is_current": open_runs.is_current,
                "version": version,
                "total": page.total,
                "limit": query.limit,
                "offset": query.offset,
                "last": page.last,
            }
        )

    def task(self, request: Request) -> Response:
        """One task: its row, `open`, `rules_found`, and in `task` the JSON as received."""
        found = self.finder.find(request.path_params["trace_id"].lower())
        more = {"open": found.is_open, "rules_found": found.stored.rules}
        row = json.dumps({**found.stored.row, **more}).encode()
        body = found.stored.body
        return Response(row[:-1] + b', "task": ' + body + b"}", media_type=JSON)

    def body(self, request: Request) -> Response:
        """The JSON of one task, byte for byte as received."""
        return Response(self._find(request).body, media_type=JSON)

    def remove(self, request: Request) -> Response:
        """Remove one task, and its spans."""
        trace_id = request.path_params["trace_id"].lower()
        stored = self.store.find(trace_id)
        if stored is None:
            raise RejectedError(f"no stored task {trace_id}", status_code=404)
        self.store.remove(stored.row["trace_id"])
        if stored.row["otel_trace_id"]:
            self.archive.remove(stored.row["otel_trace_id"])
        self.events.touch()
        return JSONResponse({"removed": stored.row["trace_id"]})

    def export(self, request: Request) -> Response:
        """All tasks that the filters select, as JSON Lines; `rules=1` adds what was found.

        With it a line is an object: `task` as received, and `rules`.
        """
        now_ms = time.time_ns() // 1_000_000
        query = Query.from_params(request.query_params, now_ms)
        found = self.store.export(query)
        if request.query_params.get("rules") == "1":
            lines = (_to_line_with_rules(body, rules) for body, rules in found)
        else:
            lines = (_to_json_line(body) for body, _ in found)
        return StreamingResponse(
            lines,
            media_type="application/jsonl",
            headers={"content-disposition": 'attachment; filename="runs.jsonl"'},
        )

    def summarize(self, request: Request) -> Response:
        """The runs that the filters select over time, `by` agent, model or neither."""
        now_ms = time.time_ns() // 1_000_000
        query = Query.from_params(request.query_params, now_ms)
        group = request.query_params.get("by", "")
        if group not in GROUPS:
            raise RejectedError(
                "by must be agent or model", status_code=400, field="by"
            )
        return JSONResponse(summarize(self.store.figures(query, group)))

    def choices(self, _: Request) -> Response:
        """The agents and models to filter by."""
        return JSONResponse(self.store.choices())

    async def subscribe(self, request: Request) -> Response:
        """Server-sent events: one whenever tasks arrive."""
        if request.method == "HEAD":  # it has no events, and would never end
            return Response(media_type="text/event-stream")
        seen = request.headers.get("last-event-id") or request.query_params.get("after")
        is_valid = seen is not None and seen.isascii() and seen.isdecimal()
        number = min(int(str(seen)[:20]), MAX_OFFSET) if is_valid else -1
        return StreamingResponse(
            self.events.subscribe(number), media_type="text/event-stream"
        )

    def health(self, _: Request) -> Response:
        """Report that the server runs, and how many tasks it has."""
        total = self.store.page(Query(limit=1)).total
        return JSONResponse({"status": "ok", "tasks": total})

    def _find(self, request: Request) -> StoredTask:
        trace_id = request.path_params["trace_id"].lower()
        return self.finder.find(trace_id).stored


def _to_line_with_rules(body: bytes, rules: Mapping[str, Any] | None) -> bytes:
    line = _to_json_line(body).rstrip()
    return b'{"rules": ' + json.dumps(rules).encode() + b', "task": ' + line + b"}\n"


def _to_json_line(body: bytes) -> bytes:
    """A task on one line: a body as received may have line ends between its members."""
    if b"\n" not in body and b"\r" not in body:
        return body + b"\n"
    return json.dumps(json.loads(body), ensure_ascii=False).encode() + b"\n"
