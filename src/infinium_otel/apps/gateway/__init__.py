"""`infinium-otel gateway`: OTLP over HTTP in, Infinium tasks out.

For services in any language. It sees every process of a trace, so it makes one task of
a whole trace where an exporter makes one of each process's part.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from infinium_otel.apps import fleets, listening
from infinium_otel.apps.guard import is_loopback, names_of
from infinium_otel.config import variables
from infinium_otel.errors import InfiniumError, MissingExtraError

if TYPE_CHECKING:
    import argparse

    from infinium_otel.bridge import Stats
    from infinium_otel.config import Config

DONE, IN_PART = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    listening.add_arguments(parser)
    fleets.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Take and deliver until asked to stop; return the exit code."""
    config = fleets.configuration(os.environ)
    token = token_for(args.host, config)
    with listening.listen(args.host, args.port) as listener:
        try:
            from infinium_otel.apps.gateway import server  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingExtraError("a server", "server") from None
        from infinium_otel.bridge import shared_bridge  # noqa: PLC0415 - not for --help

        bridge = shared_bridge(config)
        hosts = hosts_for(args.host, args.allow_host)
        _announce(listening.address_of(args.host, listener), config)
        server.serve(server.build(bridge, hosts, token, args.drain_s), listener)
    return _report(bridge.stats(), config)


def token_for(host: str, config: Config) -> str:
    """The token that senders must show; "" if they need show none.

    Raises:
        InfiniumError: others than this machine could send, and nobody would be asked.
    """
    if config.gateway_token is not None:
        return config.gateway_token.reveal()
    if is_loopback(host):
        return ""
    variable = variables("gateway_token")[0]
    raise InfiniumError(
        f"{host} can be reached from other machines: set {variable}, "
        "which senders then show as a bearer token, or listen on 127.0.0.1",
        field="gateway_token",
    )


def hosts_for(host: str, allowed: list[str]) -> frozenset[str]:
    """Names a Host header may have; empty for any: the token says who may send."""
    told = allowed or is_loopback(host)
    return names_of(host, allowed) if told else frozenset()


def _announce(url: str, config: Config) -> None:
    lines = (
        f"OTLP:      {url}/v1/traces and {url}/v1/logs",
        f"Health:    {url}/healthz",
        f"Delivers:  to {config.base_url}, one task a {config.task_per}",
        f"Waiting:   {f'in {config.spool}' if config.spool else 'in memory'}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _report(stats: Stats, config: Config) -> int:
    if stats.tasks_queued:
        sys.stderr.write(f"Tasks waiting in {config.spool}: {stats.tasks_queued}\n")
    if stats.tasks_refused:
        sys.stderr.write(f"Tasks not delivered: {stats.tasks_refused}\n")
    return IN_PART if stats.tasks_refused else DONE
