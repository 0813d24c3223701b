"""The API for whole spans: those behind one step, all of a run, and spans without a task."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infinium_otel import otlp
from infinium_otel.apps.http import receiver
from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.apps.serve.span_view import build_step_view
from infinium_otel.apps.serve.step_search import TextQuery, find_steps
from infinium_otel.apps.serve.task_row import as_mapping, as_objects, list_span_ids
from infinium_otel.errors import DecodingError
from infinium_otel.records.bounds import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from infinium_otel.apps.serve.run_finder import RunFinder
    from infinium_otel.apps.serve.span_archive import SpanArchive
    from infinium_otel.apps.serve.stored import StoredTask
    from infinium_otel.dialects import Dialect
    from infinium_otel.otlp import Record

SPANS_PATH = "/api/spans"
MAX_QUERY = 1_000
"""Characters of a text to search for; more are not looked at."""
PATHS = {SPANS_PATH: "traces", f"{SPANS_PATH}/logs": "logs"}
"""Where a process that sends its tasks itself sends the spans they were made of."""


@dataclass(frozen=True, slots=True)
class SpanApi:
    """The endpoints for spans.

    Args:
        keep: keeps received records without making a task of them.
        readers: dialects of other distributions.
    """

    finder: RunFinder
    archive: SpanArchive
    keep: Callable[[list[Record]], None]
    readers: tuple[Dialect, ...] = ()

    def routes(self) -> list[Route]:
        """The endpoints, for a Starlette application."""
        return [
            Route("/api/tasks/{trace_id}/steps/{number:int}", self.step),
            Route("/api/tasks/{trace_id}/search", self.search),
            Route("/api/tasks/{trace_id}/otlp", self.export),
            *receiver.build(self.keep, paths=PATHS).routes(),
        ]

    def step(self, request: Request) -> Response:
        """The view of one step, counted from 1, as `build_step_view` makes it.

        `kept` is false if none of its spans is kept.
        """
        stored = self._find(request)
        steps = as_objects(_load(stored).get("steps"))
        number = request.path_params["number"]
        if not 1 <= number <= len(steps):
            raise RejectedError(f"the task has no step {number}", status_code=404)
        trace_id = stored.row["otel_trace_id"]
        ids = list_span_ids(as_mapping(steps[number - 1].get("metadata")))
        records = self.archive.find(trace_id, ids) if trace_id else []
        view = build_step_view(records, self.readers)
        return JSONResponse({"kept": bool(view["spans"]), **view})

    def search(self, request: Request) -> Response:
        """The numbers of the steps that contain the text `q`, with all their spans."""
        query = TextQuery(request.query_params.get("q", "")[:MAX_QUERY])
        if not query.wanted:
            raise RejectedError("q must be a text", status_code=400, field="q")
        stored = self._find(request)
        trace_id = stored.row["otel_trace_id"]
        records = self.archive.find_with(trace_id, query.words) if trace_id else []
        return JSONResponse({"steps": find_steps(_load(stored), records, query)})

    def export(self, request: Request) -> Response:
        """Every kept span and log event of the task's trace, as OTLP/JSON."""
        stored = self._find(request)
        trace_id = stored.row["otel_trace_id"]
        records = self.archive.find(trace_id) if trace_id else []
        if not records:
            raise RejectedError("no span of this task is kept", status_code=404)
        name = f"{trace_id}.otlp.json"
        return JSONResponse(
            otlp.to_otlp(records),
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    def _find(self, request: Request) -> StoredTask:
        trace_id = request.path_params["trace_id"].lower()
        return self.finder.find(trace_id).stored


def _load(stored: StoredTask) -> dict[str, Any]:
    try:
        body = parse_json(stored.body)
    except DecodingError as error:
        raise sqlite3.DatabaseError(f"the body of a task is damaged: {error}") from None
    return body if isinstance(body, dict) else {}
