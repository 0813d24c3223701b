"""The local server: Infinium's API, OTLP, the query API and the page."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infinium_otel.apps.http import receiver
from infinium_otel.apps.http.auth import AuthMiddleware
from infinium_otel.apps.http.body_limiter import BodyLimiter
from infinium_otel.apps.http.cors import OtlpCors
from infinium_otel.apps.serve.checks import MAX_BODY_BYTES
from infinium_otel.apps.serve.infinium import InfiniumApi
from infinium_otel.apps.serve.query_api import QueryApi
from infinium_otel.apps.serve.run_finder import RunFinder
from infinium_otel.apps.serve.safety import SecurityHeaders
from infinium_otel.apps.serve.span_api import SpanApi
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Lifespan

    from infinium_otel.apps.http.access import Access
    from infinium_otel.apps.serve.event_stream import EventStream
    from infinium_otel.apps.serve.open_runs import OpenRuns
    from infinium_otel.apps.serve.prompts import PromptFolder
    from infinium_otel.apps.serve.pruner import Pruner
    from infinium_otel.apps.serve.sink import StoreSink
    from infinium_otel.apps.serve.span_archive import SpanArchive
    from infinium_otel.apps.serve.store import Store
    from infinium_otel.dialects import Dialect

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is built of.

    Args:
        archive: the spans themselves, beside their tasks.
        access: who may send and read.
        open_runs: what is not complete yet.
        readers: dialects of other distributions.
    """

    store: Store
    events: EventStream
    sink: StoreSink
    prompts: PromptFolder
    archive: SpanArchive
    pruner: Pruner
    access: Access
    open_runs: OpenRuns
    readers: tuple[Dialect, ...] = ()


def build(parts: Parts) -> Starlette:
    """Build the application."""
    store, sink, access = parts.store, parts.sink, parts.access
    finder = RunFinder(store, parts.open_runs)
    endpoint = receiver.build(sink.accept, mistakes=access.mistakes)
    limiter = BodyLimiter(max_body_bytes=MAX_BODY_BYTES)
    return Starlette(
        routes=[
            *InfiniumApi(store, parts.events, parts.prompts, limiter).routes(),
            *endpoint.routes(),
            *QueryApi(store, parts.events, parts.archive, finder).routes(),
            *SpanApi(finder, parts.archive, sink.keep, parts.readers).routes(),
            Route("/", _serve_page),
            Route("/tasks/{trace_id}", _serve_page),
            Route("/compare", _serve_page),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            *([Middleware(OtlpCors, origins=access.origins)] if access.origins else []),
            Middleware(
                AuthMiddleware,
                hosts=access.hosts,
                mistakes=access.mistakes,
                origins=access.origins,
            ),
        ],
        exception_handlers=_make_handlers(endpoint),
        lifespan=_make_lifespan(parts),
    )


def _serve_page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html")


def _make_lifespan(parts: Parts) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        parts.events.open()
        watches = [
            asyncio.create_task(parts.sink.watch()),
            asyncio.create_task(parts.pruner.watch()),
        ]
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
            await run_in_threadpool(parts.sink.flush)
            parts.open_runs.close()
            parts.archive.close()
            parts.store.close()

    return lifespan


def _respond_rejected(_: Request, error: Exception) -> Response:
    """Build the response to a rejected request, in the API's format."""
    status = getattr(error, "status_code", None) or 400
    body = {"success": False, "error": str(error)}
    if field := getattr(error, "field", None):
        body["field"] = field
    wait_s = getattr(error, "retry_after", None)
    if wait_s is None:
        return JSONResponse(body, status)
    return JSONResponse(body, 429, headers={"Retry-After": f"{wait_s:.0f}"})


def _respond_http_error(_: Request, error: Exception) -> Response:
    """Build the response to an HTTP error such as an unknown path."""
    status = getattr(error, "status_code", 500)
    body = {"success": False, "error": getattr(error, "detail", "")}
    return JSONResponse(body, status, headers=getattr(error, "headers", None))


def _respond_damaged(_: Request, error: Exception) -> Response:
    """Build the response to a request that the database cannot serve."""
    logger.warning("the database cannot be read or written: %s", error)
    return JSONResponse({"success": False, "error": f"the database: {error}"}, 503)


HANDLERS: Mapping[Any, Any] = {
    InfiniumError: _respond_rejected,
    HTTPException: _respond_http_error,
    sqlite3.Error: _respond_damaged,
    UnicodeDecodeError: _respond_damaged,  # what sqlite3 raises for a damaged schema
}
"""By exception, what builds the response in the format of Infinium's API."""


def _make_handlers(endpoint: receiver.OtlpReceiver) -> Mapping[Any, Any]:
    """`HANDLERS`, but what was meant for OTLP gets an explanation."""

    async def respond(request: Request, error: Exception) -> Response:
        if request.method == "POST" and not request.url.path.startswith("/api/"):
            return await endpoint.respond(request)  # meant for `/v1/traces`, probably
        return _respond_http_error(request, error)

    return {**HANDLERS, HTTPException: respond}
