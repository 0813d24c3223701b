"""`infinium-otel gateway --workers N`: several processes on one port.

Each worker is a gateway that holds the traces whose ids belong to it. Any of them may
receive any request: it forwards the parts that are others' (`sharding`, `links`,
`peer_server`) before it responds, so that a success means that every part was accepted.
The parent accepts nothing itself. It has the listening sockets, which outlive each worker,
starts a worker again that has ended (`supervisor`, `process`), and shows the sums of what
the workers report (`reports`, `fleet`).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.workers.assignment import Assignment, get_peer_path
from infinium_otel.apps.gateway.workers.fleet import FleetTelemetry
from infinium_otel.apps.gateway.workers.reports import to_stats
from infinium_otel.apps.gateway.workers.supervisor import Supervisor
from infinium_otel.apps.observe import probe_server
from infinium_otel.apps.observe.otel_metrics import observe_samples
from infinium_otel.apps.observe.progress import show_progress
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.runtime import Stats

PEER_BACKLOG = 1024
"""Connections between workers that wait while one is started again."""

STOP_MARGIN_S = 60.0
"""Seconds a worker may take to end, besides those in which it keeps delivering."""


def run_workers(
    args: argparse.Namespace,
    config: Config,
    listener: socket.socket,
    announce: Callable[[int | None, str | None], None],
) -> tuple[int, Stats]:
    """Run the workers until a stop signal.

    Args:
        args: of the command.
        config: the settings of all workers together.
        listener: where senders connect.
        announce: called once all are ready, with the port of gRPC and the URL of
            `--listen`, each None without one.

    Returns:
        The worst exit code of a worker, and where every span and task is.

    Raises:
        InfiniumError: a worker cannot start, or a port cannot be shared.
    """
    require_platform(args)
    with ExitStack() as stack:
        stopped = stack.enter_context(_awaiting_stop())
        supervisor, grpc_port = _prepare(args, config, listener, stack)
        supervisor.start(stopped)
        fleet = FleetTelemetry(supervisor)
        observe_samples(fleet.read_samples)
        with (
            probe_server.listening(args.listen, fleet.as_probes()) as probes,
            show_progress(fleet.read),
        ):
            announce(grpc_port, probes)
            supervisor.run(stopped)
            listener.close()  # or the kernel would go on accepting for nobody
            code = supervisor.stop(args.drain_s + STOP_MARGIN_S)
        return code, to_stats(supervisor.total())


def _prepare(
    args: argparse.Namespace,
    config: Config,
    listener: socket.socket,
    stack: ExitStack,
) -> tuple[Supervisor, int | None]:
    """Open what the workers share, until the stack is closed.

    Returns:
        Their supervisor, and the port of gRPC, if any.
    """
    directory = stack.enter_context(
        tempfile.TemporaryDirectory(prefix="infinium-otel-")
    )
    peer_listeners = [
        stack.enter_context(_listen_for_peers(get_peer_path(directory, index)))
        for index in range(args.workers)
    ]
    grpc_port = stack.enter_context(_reserving_port(args.host, args.grpc_port))
    assignment = Assignment(
        vars(args), args.workers, directory, listener.fileno(), grpc_port
    )
    has_spool = config.spool is not None
    supervisor = Supervisor(assignment, peer_listeners, has_spool=has_spool)
    stack.callback(supervisor.kill)
    return supervisor, grpc_port


def require_platform(args: argparse.Namespace) -> None:
    """Check that this system can share what several workers share.

    Raises:
        InfiniumError: it cannot.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        raise InfiniumError("--workers needs Linux or macOS: use --workers 1")
    if args.grpc_port is not None and not hasattr(socket, "SO_REUSEPORT"):
        raise InfiniumError(
            "--grpc-port with --workers needs SO_REUSEPORT, which this system lacks: "
            "use --workers 1, or HTTP"
        )


@contextmanager
def _awaiting_stop() -> Iterator[Event]:
    """An event that is set by SIGTERM and SIGINT."""
    stopped = Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = [signal.signal(number, lambda *_: stopped.set()) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _listen_for_peers(path: str) -> socket.socket:
    """Listen where one worker is reached by the others.

    The parent does, so that they can connect while it is being started again.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen(PEER_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise InfiniumError(
            f"workers cannot reach each other: {path}: {reason}; "
            "set TMPDIR to a short path that can be written"
        ) from None
    return listener


@contextmanager
def _reserving_port(host: str, port: int | None) -> Iterator[int | None]:
    """Keep a port for the workers, each of which listens on it by SO_REUSEPORT.

    A socket that is bound and does not listen keeps other programs away and gets no
    connections. Source: grpc/grpc, `examples/python/multiprocessing/server.py`.

    Raises:
        InfiniumError: the address cannot be bound.
    """
    if port is None:
        yield None
        return
    from infinium_otel.apps.http import bind  # noqa: PLC0415 - only here

    # Without SO_REUSEPORT at first: it would succeed beside another gateway's.
    with bind.listen(host, port) as probe:
        family, address = probe.family, probe.getsockname()
    with socket.socket(family) as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind(address)
        except OSError as error:
            reason = error.strerror or os.strerror(error.errno or 0)
            raise InfiniumError(f"cannot listen on {host}:{port}: {reason}") from None
        yield address[1]
