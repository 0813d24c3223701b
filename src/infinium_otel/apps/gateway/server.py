"""The gateway as an application, and the server that runs it."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from infinium_otel.apps import receiver
from infinium_otel.apps.gateway.intake import Intake
from infinium_otel.apps.guard import Guard

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Lifespan

    from infinium_otel.bridge import Bridge

GRACE_S = 5
"""Seconds a request may take to finish once the process was asked to stop."""


def build(bridge: Bridge, hosts: frozenset[str], token: str, drain_s: float) -> Guard:
    """The application.

    Args:
        bridge: takes the records; shut down when the server stops.
        hosts: names that a Host header may have; empty for any.
        token: what senders must show; "" for nothing.
        drain_s: seconds the bridge may go on delivering at the end.
    """
    receipts = receiver.Receipts()
    app = Starlette(
        routes=[
            *receiver.routes(Intake(bridge).accept, receipts),
            Route("/healthz", _health(bridge, receipts)),
        ],
        lifespan=_drained(bridge, drain_s),
    )
    return Guard(app, hosts=hosts, token=token)


def _health(
    bridge: Bridge, receipts: receiver.Receipts
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def health(_: Request) -> Response:
        stats = await run_in_threadpool(bridge.stats)
        return JSONResponse(
            {"status": "ok", "requests": asdict(receipts), "stats": asdict(stats)}
        )

    return health


def _drained(bridge: Bridge, drain_s: float) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(bridge.shutdown, drain_s)

    return lifespan


def serve(app: Guard, listener: socket.socket) -> None:
    """Serve *app* until SIGINT or SIGTERM, then stop in good order."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )
    with _signals_spent():
        uvicorn.Server(config).run([listener])


@contextmanager
def _signals_spent() -> Iterator[None]:
    """Let the signals that stop the server do nothing more.

    Uvicorn raises them again at its end. They have done their work by then, and our
    exit code is to say how that went.
    """
    asked = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: None) for number in asked]
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)
