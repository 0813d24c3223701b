"""The local server as one application: Infinium's API, OTLP, the read API, the page."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infinium_otel.apps import receiver
from infinium_otel.apps.bodies import Bodies
from infinium_otel.apps.guard import Guard
from infinium_otel.apps.serve.checks import MAX_BODY_BYTES
from infinium_otel.apps.serve.infinium import InfiniumApi
from infinium_otel.apps.serve.reading import ReadApi
from infinium_otel.apps.serve.safety import SafetyHeaders
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Lifespan

    from infinium_otel.apps.serve.intake import Intake
    from infinium_otel.apps.serve.live import Live
    from infinium_otel.apps.serve.prompts import PromptFolder
    from infinium_otel.apps.serve.store import Store

STATIC = Path(__file__).parent / "static"


def build(
    store: Store,
    live: Live,
    intake: Intake,
    prompts: PromptFolder,
    hosts: frozenset[str],
) -> Starlette:
    """The application.

    Args:
        hosts: names that a Host header may have; another is refused.
    """
    api = InfiniumApi(store, live, prompts, Bodies(max_body_bytes=MAX_BODY_BYTES))
    page = [
        Route("/", _page),
        Route("/tasks/{trace_id}", _page),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(
        routes=[
            *api.routes(),
            *receiver.routes(intake.accept),
            *ReadApi(store, live).routes(),
            *page,
        ],
        middleware=[Middleware(SafetyHeaders), Middleware(Guard, hosts=hosts)],
        exception_handlers=HANDLERS,
        lifespan=_lifespan(store, live, intake),
    )


def _page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html")


def _lifespan(store: Store, live: Live, intake: Intake) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        live.open()
        watch = asyncio.create_task(intake.watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await run_in_threadpool(intake.flush)
            store.close()

    return lifespan


def _refused(_: Request, error: Exception) -> Response:
    """The answer to a request that is not taken, as the API words it."""
    status = getattr(error, "status_code", None) or 400
    body = {"success": False, "error": str(error)}
    if field := getattr(error, "field", None):
        body["field"] = field
    wait_s = getattr(error, "retry_after", None)
    if wait_s is None:
        return JSONResponse(body, status)
    return JSONResponse(body, 429, headers={"Retry-After": f"{wait_s:.0f}"})


def _unknown(_: Request, error: Exception) -> Response:
    """The answer to a request for what is not there."""
    status = getattr(error, "status_code", 500)
    body = {"success": False, "error": getattr(error, "detail", "")}
    return JSONResponse(body, status, headers=getattr(error, "headers", None))


HANDLERS: Mapping[Any, Any] = {InfiniumError: _refused, HTTPException: _unknown}
"""How a request that failed is answered, by what was raised."""
