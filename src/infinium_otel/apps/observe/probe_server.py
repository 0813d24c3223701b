"""`--listen HOST:PORT`: `/metrics`, `/livez` and `/readyz`, on a port of their own.

The server runs in a thread of its own, with its own event loop: it responds while the
process is busy, and reports when the rest does not.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from infinium_otel.apps.http import bind
from infinium_otel.apps.http.auth import (
    AuthMiddleware,
    get_allowed_hosts,
    is_loopback,
)
from infinium_otel.errors import MissingExtraError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import CollectorRegistry
    from starlette.requests import Request
    from starlette.responses import Response

    from infinium_otel.apps.observe.samples import Sample

STOP_S = 2
"""Seconds a probe may take to finish when the process ends."""

MAX_CONNECTIONS, DESCRIPTORS = 64, 1 / 8
"""At a time, and the part of all descriptors that they may use."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What the server serves. Each is called in a worker thread, at each request.

    Args:
        read: the samples of this moment.
        find_stalled: why the process should be restarted; "" if it makes progress.
        find_unready: why no more work should be routed to it; "" if it should.
    """

    read: Callable[[], Iterable[Sample]]
    find_stalled: Callable[[], str]
    find_unready: Callable[[], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--listen`."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="serve /metrics, /livez and /readyz at this address",
    )


@contextmanager
def listening(address: str | None, probes: Probes) -> Iterator[str | None]:
    """Serve *probes* until the block ends.

    Args:
        address: HOST:PORT; None to serve nothing.
        probes: what to serve.

    Yields:
        The URL; None if nothing is served.

    Raises:
        InfiniumError: the address is invalid, or cannot be bound.
        MissingExtraError: the `metrics` extra is not installed.
    """
    if address is None:
        yield None
        return
    try:
        from infinium_otel.apps.http.connections import (  # noqa: PLC0415 - an extra
            Server,
            build_config,
            fit_limits,
        )
        from infinium_otel.apps.observe.exposition import make_registry  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("--listen", "metrics") from None
    host, port = bind.parse_address(address)
    app = build(make_registry(probes.read), probes, host)
    with bind.listen(host, port) as listener:
        limits = fit_limits(MAX_CONNECTIONS, DESCRIPTORS)
        server = Server(build_config(app, STOP_S, limits))
        run = Thread(target=server.run, args=([listener],), name="infinium-otel-probes")
        run.start()
        try:
            yield bind.get_url(host, listener)
        finally:
            server.should_exit = True
            run.join()


def build(registry: CollectorRegistry, probes: Probes, host: str) -> AuthMiddleware:
    """Build the application.

    Args:
        registry: what `/metrics` shows.
        probes: what else to serve.
        host: the address it will listen on: on loopback only its names are accepted.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - an extra
    from starlette.routing import Route  # noqa: PLC0415 - an extra

    from infinium_otel.apps.observe.exposition import expose  # noqa: PLC0415 - an extra

    # Functions, not coroutines: Starlette calls them in worker threads.
    def metrics(request: Request) -> Response:
        body, content_type = expose(registry, request.headers.get("accept", ""))
        return _respond(200, body, content_type)

    def livez(_: Request) -> Response:
        return _respond_check(probes.find_stalled())

    def readyz(_: Request) -> Response:
        return _respond_check(probes.find_unready())

    routes = [
        Route("/metrics", metrics),
        Route("/livez", livez),
        Route("/readyz", readyz),
    ]
    hosts = get_allowed_hosts(host, ()) if is_loopback(host) else frozenset[str]()
    return AuthMiddleware(Starlette(routes=routes), hosts=hosts)


def _respond_check(problem: str) -> Response:
    text = problem or "ok"
    return _respond(503 if problem else 200, f"{text}\n".encode(), "text/plain")


def _respond(status: int, body: bytes, content_type: str) -> Response:
    from starlette.responses import Response  # noqa: PLC0415 - an extra

    # As a header, not as media_type: the format's own has parameters.
    return Response(body, status, {"content-type": content_type})
