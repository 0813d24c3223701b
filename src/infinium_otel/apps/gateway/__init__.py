"""`infinium-otel gateway`: OTLP over HTTP in, Infinium tasks out.

For services in any language. It receives the spans of every process of a trace, so it
makes one task of the whole trace, where an exporter makes one per process.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

from infinium_otel.apps import backpressure, routes
from infinium_otel.apps.http import bind, cors
from infinium_otel.apps.http.access import Access
from infinium_otel.apps.http.auth import get_allowed_hosts, is_loopback
from infinium_otel.apps.observe import logs, probe_server
from infinium_otel.apps.observe.progress import show_progress
from infinium_otel.config import get_variables
from infinium_otel.errors import InfiniumError, MissingExtraError

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import ModuleType

    from infinium_otel.apps.gateway.grpc_receiver import GrpcServer
    from infinium_otel.apps.gateway.telemetry import GatewayTelemetry
    from infinium_otel.apps.http.mistakes import MistakeLog
    from infinium_otel.apps.http.receiver import RequestCounters
    from infinium_otel.apps.routes.file import Routes
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record
    from infinium_otel.runtime import PipelineRunner, Stats

COMPLETE, PARTIAL = 0, 1


MAX_WORKERS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    bind.add_arguments(parser)
    backpressure.add_arguments(parser)
    cors.add_arguments(parser)
    parser.add_argument(
        "--grpc-port",
        type=int,
        metavar="PORT",
        help="receive OTLP over gRPC at this port too; its usual one is 4317",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that share the port, each with a part of the runs (%(default)s)",
    )
    routes.add_arguments(parser)
    probe_server.add_arguments(parser)
    logs.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Receive and deliver until a stop signal; return the exit code."""
    logs.configure(args)
    if not 1 <= args.workers <= MAX_WORKERS:
        raise InfiniumError(f"--workers must be 1-{MAX_WORKERS}, not {args.workers}")
    config = backpressure.load_config(os.environ, sending=args.routes is None)
    loaded = routes.load(args, config)
    token = require_token(args.host, config)
    with bind.listen(args.host, args.port) as listener:
        _import_server()
        if args.workers > 1:
            return _run_several(args, config, loaded, listener)
        return _run_alone(args, config, loaded, listener, token)


def _run_alone(
    args: argparse.Namespace,
    config: Config,
    loaded: Routes | None,
    listener: socket.socket,
    token: str,
) -> int:
    from infinium_otel.apps.gateway.sink import GatewaySink  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.observe.otel_metrics import (  # noqa: PLC0415 - not for --help
        observe_samples,
    )

    server = _import_server()
    runner, telemetry = build(config, loaded)
    observe_samples(telemetry.read_samples)
    access = make_access(args, token, telemetry.mistakes)
    accept = GatewaySink(runner, lambda: telemetry.pace.rate).accept
    with (
        receive_grpc(args, accept, telemetry.counters, access) as grpc,
        probe_server.listening(args.listen, telemetry.as_probes()) as probes,
        show_progress(telemetry.read),
    ):
        parts = server.Parts(runner, accept, access, telemetry, args.drain_s, grpc)
        url = bind.get_url(args.host, listener)
        _announce(
            url, grpc.address if grpc else None, probes, config, routes.describe(loaded)
        )
        server.serve(parts, listener)
    return _report(runner.stats(), config)


def _run_several(
    args: argparse.Namespace,
    config: Config,
    loaded: Routes | None,
    listener: socket.socket,
) -> int:
    from infinium_otel.apps.gateway.workers import run_workers  # noqa: PLC0415 - when wanted

    url = bind.get_url(args.host, listener)

    def announce(grpc_port: int | None, probes: str | None) -> None:
        grpc = grpc_port and f"{bind.format_host(args.host)}:{grpc_port}"
        more = [f"Workers:   {args.workers}", *routes.describe(loaded)]
        _announce(url, grpc or None, probes, config, more)

    code, stats = run_workers(args, config, listener, announce)
    return max(code, _report(stats, config))


def _import_server() -> ModuleType:
    try:
        return import_module("infinium_otel.apps.gateway.server")
    except ImportError:
        raise MissingExtraError("a server", "server") from None


def build(
    config: Config, loaded: Routes | None, workers: int = 1
) -> tuple[PipelineRunner, GatewayTelemetry]:
    """Build what assembles and delivers, and what reports on it.

    Args:
        config: the settings of this process.
        loaded: the routes; None without any.
        workers: how many processes share the rate at the start.
    """
    from infinium_otel.apps.gateway.telemetry import (  # noqa: PLC0415 - not for --help
        GatewayTelemetry,
    )
    from infinium_otel.delivery.agent_senders import AgentSenders  # noqa: PLC0415 - not for --help
    from infinium_otel.delivery.sender import Sender  # noqa: PLC0415 - not for --help
    from infinium_otel.runtime import get_shared_runner  # noqa: PLC0415 - not for --help

    # Now, not with the first span: it takes a second, and spans wait meanwhile.
    import_module("infinium_otel.pipeline")
    # of all agents together
    pace = backpressure.make_pace(os.environ, config, workers)
    senders = AgentSenders(
        routes.make_senders(
            config, loaded, lambda each, name: Sender(each, pace=pace, label=name)
        )
    )
    if loaded is None:
        runner = get_shared_runner(config, sender=senders.by_name[""])
    else:
        runner = get_shared_runner(config, sender=senders, router=loaded.router)
    return runner, GatewayTelemetry(runner, senders, pace)


def make_access(args: argparse.Namespace, token: str, mistakes: MistakeLog) -> Access:
    """Decide who may send.

    Args:
        args: of the command.
        token: as `require_token` returns it.
        mistakes: counts and logs what is rejected.
    """
    origins = tuple(map(cors.parse_origin, args.cors_origin))
    hosts = choose_hosts(args.host, args.allow_host)
    return Access(hosts, token, origins, mistakes)


def receive_grpc(
    args: argparse.Namespace,
    accept: Callable[[list[Record]], None],
    counters: RequestCounters,
    access: Access,
    shared_port: int | None = None,
) -> AbstractContextManager[GrpcServer | None]:
    """Receive over gRPC while the block runs, if that is wanted.

    Args:
        args: of the command.
        accept: called with the records of one request.
        counters: updated with each request.
        access: who may send.
        shared_port: where other processes listen too; None if this one is alone.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    if args.grpc_port is None:
        return nullcontext()
    try:
        from infinium_otel.apps.gateway.grpc_receiver import (  # noqa: PLC0415 - an extra
            GrpcReceiver,
            receiving,
        )
    except ImportError:
        raise MissingExtraError("OTLP over gRPC", "grpc") from None
    return receiving(
        args.host,
        args.grpc_port if shared_port is None else shared_port,
        lambda: GrpcReceiver(accept, counters, access),
        is_shared=shared_port is not None,
    )


def require_token(host: str, config: Config) -> str:
    """Return the token that senders must present; "" if none is required.

    Raises:
        InfiniumError: other machines could send without a token.
    """
    if config.gateway_token is not None:
        return config.gateway_token.reveal()
    if is_loopback(host):
        return ""
    variable = get_variables("gateway_token")[0]
    raise InfiniumError(
        f"{host} can be reached from other machines: set {variable}, "
        "which senders must present as a bearer token, or listen on 127.0.0.1",
        field="gateway_token",
    )


def choose_hosts(host: str, allowed: list[str]) -> frozenset[str]:
    """Return the names to accept in a Host header; empty for any.

    Beyond loopback, senders need a token, which protects against DNS rebinding too.
    """
    is_restricted = allowed or is_loopback(host)
    return get_allowed_hosts(host, allowed) if is_restricted else frozenset()


def _announce(
    url: str,
    grpc: str | None,
    probes: str | None,
    config: Config,
    more: list[str],
) -> None:
    lines = [
        f"OTLP:      {url}/v1/traces and {url}/v1/logs",
        *([f"OTLP/gRPC: {grpc}"] if grpc else []),
        f"Health:    {url}/healthz",
        *([f"Probes:    {probes}/metrics, /livez and /readyz"] if probes else []),
        f"Delivers:  to {config.base_url}, one task per {config.task_per}",
        *more,
        f"Waiting:   {f'in {config.spool}' if config.spool else 'in memory'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _report(stats: Stats, config: Config) -> int:
    from infinium_otel.apps.filtered import (  # noqa: PLC0415 - not for --help
        describe_filtered,
    )

    for text in describe_filtered(
        stats.tasks_reasons,
        stats.skipped_scopes,
        "INFINIUM_OTEL_INCLUDE=all sends them",
    ):
        sys.stderr.write(f"Runs {text}\n")
    if stats.tasks_queued:
        sys.stderr.write(f"Tasks waiting in {config.spool}: {stats.tasks_queued}\n")
    if stats.tasks_refused:
        sys.stderr.write(f"Tasks not delivered: {stats.tasks_refused}\n")
    return PARTIAL if stats.tasks_refused else COMPLETE
