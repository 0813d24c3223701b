"""What the page reads: the list, one task, the filters' choices, and what is new."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from infinium_otel.apps.serve.checks import RefusedError
from infinium_otel.apps.serve.listing import MAX_OFFSET, Query

if TYPE_CHECKING:
    from starlette.requests import Request

    from infinium_otel.apps.serve.live import Live
    from infinium_otel.apps.serve.store import Store, Stored

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ReadApi:
    """The endpoints `/api/tasks…`, `/api/live` and `/healthz`."""

    store: Store
    live: Live

    def routes(self) -> list[Route]:
        """The endpoints, for a Starlette application."""
        return [
            Route("/api/tasks", self.tasks),
            Route("/api/tasks/{trace_id}", self.task),
            Route("/api/tasks/{trace_id}/body", self.body),
            Route("/api/choices", self.choices),
            Route("/api/live", self.news),
            Route("/healthz", self.health),
        ]

    def tasks(self, request: Request) -> Response:
        """A page of the list."""
        now_ms = time.time_ns() // 1_000_000
        query = Query.from_params(request.query_params, now_ms)
        page = self.store.page(query)
        return JSONResponse(
            {
                "tasks": page.rows,
                "total": page.total,
                "limit": query.limit,
                "offset": query.offset,
                "last": page.last,
            }
        )

    def task(self, request: Request) -> Response:
        """One task: its row of the list, and under `task` the JSON as received."""
        found = self._found(request)
        row = json.dumps(found.row).encode()
        return Response(row[:-1] + b', "task": ' + found.body + b"}", media_type=JSON)

    def body(self, request: Request) -> Response:
        """The JSON of one task, byte for byte as received."""
        return Response(self._found(request).body, media_type=JSON)

    def choices(self, _: Request) -> Response:
        """The agents and models that there are to filter by."""
        return JSONResponse(self.store.choices())

    async def news(self, request: Request) -> Response:
        """An event whenever tasks have arrived."""
        seen = request.headers.get("last-event-id") or request.query_params.get("after")
        known = seen is not None and seen.isascii() and seen.isdecimal()
        number = min(int(str(seen)[:20]), MAX_OFFSET) if known else -1
        return StreamingResponse(
            self.live.stream(number), media_type="text/event-stream"
        )

    def health(self, _: Request) -> Response:
        """That the server runs, and how many tasks it has."""
        total = self.store.page(Query(limit=1)).total
        return JSONResponse({"status": "ok", "tasks": total})

    def _found(self, request: Request) -> Stored:
        trace_id = request.path_params["trace_id"].lower()
        found = self.store.find(trace_id)
        if found is None:
            raise RefusedError(f"no task {trace_id}", status_code=404)
        return found
