"""The gateway as an application, and the server that runs it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from infinium_otel.apps.http import receiver
from infinium_otel.apps.http.auth import AuthMiddleware
from infinium_otel.apps.http.connections import Server, build_config, fit_limits
from infinium_otel.apps.http.cors import OtlpCors

if TYPE_CHECKING:
    import socket
    from collections.abc import (
        AsyncIterator,
        Callable,
        Coroutine,
        Iterator,
    )
    from types import FrameType
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Lifespan

    from infinium_otel.apps.gateway.grpc_receiver import GrpcServer
    from infinium_otel.apps.gateway.telemetry import GatewayTelemetry
    from infinium_otel.apps.gateway.workers.peer_server import PeerServer
    from infinium_otel.apps.http.access import Access
    from infinium_otel.apps.http.body_limiter import BodyLimiter
    from infinium_otel.otlp import Record
    from infinium_otel.runtime import PipelineRunner

BEAT_S = 1.0
"""Seconds between two signs that the event loop runs."""

STEP_S = 30.0
"""Seconds that one step of the pipeline may take, at most."""

DESCRIPTORS, DESCRIPTORS_BESIDE_GRPC = 7 / 8, 1 / 2
"""The part of all descriptors that connections may use; the others are for `--listen` and
for gRPC."""

GRACE_S = 5
"""Seconds a request may take to finish after a stop signal."""


@dataclass(frozen=True, slots=True)
class Workers:
    """What a server that is one of several works with besides.

    Args:
        server: accepts what the others forward.
        disconnect: closes the connections to the others.
        get_total: returns the sums of all of them, for `/healthz`; None before the first.
        limiter: this one's share of the memory for request bodies.
    """

    server: PeerServer
    disconnect: Callable[[], None]
    get_total: Callable[[], dict[str, Any] | None]
    limiter: BodyLimiter


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server works with.

    Args:
        runner: assembles and delivers; shut down when the server stops.
        accept: passes records to it.
        access: who may send.
        telemetry: counts the requests, and is notified that the event loop runs.
        drain_s: seconds the runner may keep delivering at the end.
        grpc: receives over gRPC; stopped before the runner. None if nothing does.
        workers: what it shares with other workers; None if it is the only one.
    """

    runner: PipelineRunner
    accept: Callable[[list[Record]], None]
    access: Access
    telemetry: GatewayTelemetry
    drain_s: float
    grpc: GrpcServer | None = None
    workers: Workers | None = None


def build(parts: Parts) -> ASGIApp:
    """Build the application."""
    telemetry, access = parts.telemetry, parts.access
    mistakes = access.mistakes
    endpoint = receiver.build(
        parts.accept,
        telemetry.counters,
        parts.workers.limiter if parts.workers else None,
        mistakes,
    )
    app = Starlette(
        routes=[
            Route("/healthz", _make_health_endpoint(parts)),
            *endpoint.routes(any_path=True),
        ],
        lifespan=_make_lifespan(parts),
    )
    guarded = AuthMiddleware(
        app,
        hosts=access.hosts,
        token=access.token,
        mistakes=mistakes,
        origins=access.origins,
    )
    return OtlpCors(guarded, access.origins) if access.origins else guarded


def _make_health_endpoint(
    parts: Parts,
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def health(_: Request) -> Response:
        total = parts.workers.get_total() if parts.workers else None
        if total is None:
            total = await run_in_threadpool(_count, parts)
        wanted = {
            name: total.get(name, {}) for name in ("requests", "mistakes", "stats")
        }
        return JSONResponse({"status": "ok", **wanted})

    return health


def _count(parts: Parts) -> dict[str, Any]:
    return {
        "requests": asdict(parts.telemetry.counters),
        "mistakes": dict(parts.telemetry.mistakes.counts),
        "stats": parts.runner.stats()._asdict(),
    }


def _make_lifespan(parts: Parts) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        beat = asyncio.create_task(_report_progress(parts.telemetry))
        workers = parts.workers
        if workers is not None:
            await workers.server.start()
        try:
            yield
            await run_in_threadpool(_stop_receiving, parts)
            if workers is not None:
                await workers.server.wait_until_quiet()
            await run_in_threadpool(_drain, parts)
        finally:
            beat.cancel()
            if workers is not None:
                await workers.server.stop()

    return lifespan


def _stop_receiving(parts: Parts) -> None:
    if parts.grpc is not None:
        parts.grpc.stop()
    if parts.workers is not None:
        parts.workers.disconnect()


def _drain(parts: Parts) -> None:
    parts.runner.shutdown(parts.drain_s)
    if not parts.runner.closed:  # a step took longer than that: it must end first
        parts.runner.shutdown(max(parts.drain_s, STEP_S))


async def _report_progress(telemetry: GatewayTelemetry) -> None:
    while True:
        telemetry.on_loop_runs()
        await asyncio.sleep(BEAT_S)


def serve(parts: Parts, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then shut down gracefully."""
    grpc_port = None if parts.grpc is None else parts.grpc.port
    config = build_config(
        build(parts),
        GRACE_S,
        fit_limits(part=DESCRIPTORS if grpc_port is None else DESCRIPTORS_BESIDE_GRPC),
        mistakes=parts.access.mistakes,
        grpc_port=grpc_port,
    )
    server = Server(config)
    with _stopping_on_signals(server):
        server.run([listener])


@contextmanager
def _stopping_on_signals(server: Server) -> Iterator[None]:
    """Stop *server* also on a signal that comes before or after uvicorn handles them.

    At its end uvicorn raises again what it handled, which would end the process before
    our own exit code can. Source: uvicorn 0.54, `Server.capture_signals`.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
