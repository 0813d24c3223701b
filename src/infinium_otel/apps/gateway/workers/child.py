"""The process of one worker: a gateway that holds a part of the traces."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import asdict
from threading import Thread
from typing import TYPE_CHECKING, Any

from infinium_otel.apps import backpressure, gateway, routes
from infinium_otel.apps.cli import FAILED, PROGRAM, report_error
from infinium_otel.apps.gateway import server
from infinium_otel.apps.gateway.sink import GatewaySink
from infinium_otel.apps.gateway.workers.assignment import (
    Assignment,
    divide,
    get_peer_path,
)
from infinium_otel.apps.gateway.workers.channel import Channel
from infinium_otel.apps.gateway.workers.links import PeerLink
from infinium_otel.apps.gateway.workers.peer_server import PeerServer
from infinium_otel.apps.gateway.workers.reports import Report, make_numbers
from infinium_otel.apps.gateway.workers.sharding import ForwardCounters, ShardedSink
from infinium_otel.apps.http.body_limiter import (
    MAX_BODY_BYTES,
    MAX_HELD_BYTES,
    BodyLimiter,
)
from infinium_otel.apps.http.connections import MAX_CONNECTIONS
from infinium_otel.apps.http.descriptors import raise_limit
from infinium_otel.apps.observe import logs
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from infinium_otel.apps.gateway.telemetry import GatewayTelemetry

COMMAND = "gateway"

PEER_DESCRIPTORS = 20
"""For each other worker: five requests of HTTP and five of gRPC are decoded at a time, here
and there."""


def main(text: str) -> int:
    """Run a worker until a stop signal, or until its parent ends.

    Args:
        text: its `Assignment` as JSON.

    Returns:
        The exit code, as that of the command.
    """
    # Before the server handles them, and after: the parent sends them again and again, and
    # one that comes while this process exits must not change its exit code. A handler of
    # Python's would not do: it is gone before the interpreter is.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    assignment = Assignment.from_json(text)
    name = f"{PROGRAM} worker {assignment.index}"
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s")
    try:
        return run(assignment, argparse.Namespace(**assignment.args))
    except InfiniumError as error:
        return report_error(COMMAND, str(error), FAILED)
    except OSError as error:
        return report_error(COMMAND, error.strerror or str(error), FAILED)


def run(assignment: Assignment, args: argparse.Namespace) -> int:
    """Receive and deliver; return the exit code."""
    logs.configure(args)
    raise_limit(MAX_CONNECTIONS * 2 + PEER_DESCRIPTORS * assignment.count)
    config = backpressure.load_config(os.environ, sending=args.routes is None)
    token = gateway.require_token(args.host, config)
    loaded = routes.load(args, config)
    share = divide(config, assignment.count)
    runner, telemetry = gateway.build(share, loaded, assignment.count)
    access = gateway.make_access(args, token, telemetry.mistakes)
    forwarding = ForwardCounters()
    parent = ParentLink(assignment.channel, telemetry, forwarding)
    own = GatewaySink(runner, lambda: telemetry.pace.rate).accept
    sink = ShardedSink(own, assignment.index, make_links(assignment), forwarding)
    with (
        socket.socket(fileno=assignment.listener) as listener,
        socket.socket(fileno=assignment.peer_listener) as peer_listener,
        gateway.receive_grpc(
            args, sink.accept, telemetry.counters, access, assignment.grpc_port
        ) as grpc,
    ):
        workers = server.Workers(
            PeerServer(own, peer_listener),
            sink.close,
            parent.get_total,
            make_limiter(assignment),
        )
        parts = server.Parts(
            runner, sink.accept, access, telemetry, args.drain_s, grpc, workers
        )
        parent.start()
        server.serve(parts, listener)
    parent.send()
    return gateway.PARTIAL if runner.stats().tasks_refused else gateway.COMPLETE


def make_links(assignment: Assignment) -> dict[int, PeerLink]:
    """A link to each of the other workers."""
    others = set(range(assignment.count)) - {assignment.index}
    directory = assignment.directory
    return {index: PeerLink(get_peer_path(directory, index)) for index in others}


def make_limiter(assignment: Assignment) -> BodyLimiter:
    """The bounds on request bodies: a share, but room for one of any size."""
    held_bytes = max(MAX_HELD_BYTES // assignment.count, 2 * MAX_BODY_BYTES)
    return BodyLimiter(max_held_bytes=held_bytes)


class ParentLink:
    """The connection to the parent: reports go out, the sums of all workers come in.

    Args:
        channel: descriptor of the connection.
        telemetry: reads the state of this worker.
        forwarding: what it has sent to the others.
    """

    def __init__(
        self, channel: int, telemetry: GatewayTelemetry, forwarding: ForwardCounters
    ) -> None:
        self._channel = Channel(socket.socket(fileno=channel))
        self._telemetry = telemetry
        self._forwarding = forwarding
        self._total: dict[str, Any] | None = None
        self._is_done = False

    def start(self) -> None:
        """Report whenever the parent asks, in a thread."""
        Thread(target=self._respond, name="infinium-otel-parent", daemon=True).start()

    def get_total(self) -> dict[str, Any] | None:
        """The sums that the parent sent last; None before."""
        return self._total

    def send(self) -> None:
        """Report now; nothing happens if the parent has ended."""
        with suppress(OSError):
            self._channel.send(asdict(self._read()))

    def _read(self) -> Report:
        telemetry = self._telemetry
        now = telemetry.read()
        return Report(
            numbers=make_numbers(
                now,
                requests=asdict(telemetry.counters),
                mistakes=dict(telemetry.mistakes.counts),
                forwarding=asdict(self._forwarding),
            ),
            agents=[asdict(sample) for sample in telemetry.describe_agents()],
            state=now.state,
            rate=now.rate_allowed,
            fullness=now.fullness,
            oldest_open_s=now.oldest_open_s,
            cpu_s=time.process_time(),
            unready=telemetry.find_unready(),
            stalled=telemetry.find_stalled(),
        )

    def _respond(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except EOFError:
                break
            self._total = message["total"] or self._total
            self.send()
        while True:  # the parent was killed: without it nothing stops this process
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1.0)
