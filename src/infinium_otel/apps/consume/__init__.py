"""`infinium-otel consume`: OTLP from Kafka in, Infinium tasks out.

For fleets: an OpenTelemetry Collector writes spans, partitioned by trace id, and any
number of consumers share the partitions as one group. A message is committed once every
task it is part of is delivered, so whatever a consumer has not finished when it ends is
read again by the next one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infinium_otel.apps import backpressure, routes
from infinium_otel.apps.observe import logs, probe_server
from infinium_otel.apps.observe.progress import show_progress
from infinium_otel.errors import MissingExtraError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from infinium_otel.apps.consume.loop import ConsumerLoop
    from infinium_otel.apps.routes.file import Routes
    from infinium_otel.config import Config

COMPLETE, PARTIAL = 0, 1

FORMATS = ("auto", "otlp_proto", "otlp_json")
"""As `formats.FORMATS`, without an import of the decoders for --help."""

BROKER_TIMEOUT_S = 10.0
"""Seconds a broker has to answer at the start."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--brokers",
        required=True,
        metavar="HOST:PORT",
        help="Kafka brokers to connect to first; separate several with commas",
    )
    parser.add_argument(
        "--topic", default="otlp_spans", help="topic to read spans from (%(default)s)"
    )
    parser.add_argument(
        "--logs-topic",
        metavar="NAME",
        help="topic to read the log records of these spans from, such as otlp_logs; it "
        "has as many partitions, and is keyed by trace id too",
    )
    parser.add_argument(
        "--group",
        default="infinium-otel",
        help="consumers of one group share the partitions (%(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="how the spans are encoded (%(default)s: recognized for each message)",
    )
    parser.add_argument(
        "--properties",
        metavar="FILE",
        help="more librdkafka properties (TLS, credentials), one name=value per line",
    )
    _add_limits(parser)
    backpressure.add_arguments(parser)
    routes.add_arguments(parser)
    probe_server.add_arguments(parser)
    logs.add_arguments(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dead-letters",
        metavar="PLACE",
        help="topic:NAME or a file, for what cannot be read or delivered",
    )
    parser.add_argument(
        "--max-attempts",
        type=int,
        default=10,
        metavar="N",
        help="with --dead-letters: how often to try a task while others are delivered "
        "(%(default)s)",
    )
    parser.add_argument(
        "--max-retry-minutes",
        type=float,
        default=15.0,
        metavar="T",
        help="with --dead-letters: how long to try it (%(default)s)",
    )
    parser.add_argument(
        "--max-unreadable",
        type=int,
        default=100,
        metavar="N",
        help="stop after so many unreadable messages in a row; 0 for no limit "
        "(%(default)s)",
    )
    parser.add_argument(
        "--rate-of-group",
        type=float,
        metavar="N",
        help="requests a second, at most, of all consumers of the group together",
    )


def run(args: argparse.Namespace) -> int:
    """Read and deliver until a stop signal; return the exit code."""
    logs.configure(args)
    config = backpressure.load_config(os.environ, sending=args.routes is None)
    loaded = routes.load(args, config)
    loop = build_loop(args, config, loaded)
    from infinium_otel.apps.consume.telemetry import (  # noqa: PLC0415 - not for --help
        ConsumerTelemetry,
    )
    from infinium_otel.runtime.metrics import observe  # noqa: PLC0415 - not for --help

    telemetry = ConsumerTelemetry(loop)
    observe([telemetry])
    with (
        probe_server.listening(args.listen, telemetry.as_probes()) as probes,
        show_progress(telemetry.read),
        _catch_stop_signals() as stop,
    ):
        _announce(args, probes, config, routes.describe(loaded))
        loop.run(stop.is_set, args.drain_s)
    return _report(loop, config)


def build_loop(
    args: argparse.Namespace, config: Config, loaded: Routes | None = None
) -> ConsumerLoop:
    """Build the loop, and check that a broker answers.

    Raises:
        MissingExtraError: the `kafka` extra is not installed.
        InfiniumError: a property is invalid, or no broker answers.
    """
    try:
        from infinium_otel.apps.consume.setup import make_loop  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("reading from Kafka", "kafka") from None
    loop = make_loop(args, config, loaded)
    loop.kafka.check(BROKER_TIMEOUT_S)
    return loop


@contextmanager
def _catch_stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set; they do nothing else meanwhile."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _announce(
    args: argparse.Namespace, probes: str | None, config: Config, routing: list[str]
) -> None:
    topics = " and ".join(filter(None, (args.topic, args.logs_topic)))
    storage = (
        f"in {config.spool}" if config.spool else "in Kafka, until it is delivered"
    )
    lines = [
        f"Reads:     {topics} at {args.brokers}, in the group {args.group}",
        f"Delivers:  to {config.base_url}, one task per {config.task_per}",
        *routing,
        f"Waiting:   {storage}",
        *([f"Probes:    {probes}/metrics, /livez and /readyz"] if probes else []),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _report(loop: ConsumerLoop, config: Config) -> int:
    from infinium_otel.apps.filtered import (  # noqa: PLC0415 - not for --help
        describe_filtered,
    )

    refused = loop.refused
    where = (
        f"waiting in {config.spool}" if config.spool else "left to the next consumer"
    )
    for count, label in (
        (loop.undelivered, f"Tasks {where}"),
        (loop.intake.unreadable, "Messages that could not be read"),
        (loop.intake.left_out, "Spans that could not be read"),
        (refused, "Tasks not delivered"),
    ):
        if count:
            sys.stderr.write(f"{label}: {count}\n")
    if loop.logs_dropped:
        sys.stderr.write(f"Log records without a run: {loop.logs_dropped}\n")
    loop.skipped.log(everything=True)
    for text in describe_filtered(
        loop.filtered, loop.skipped.scopes, "INFINIUM_OTEL_INCLUDE=all sends them"
    ):
        sys.stderr.write(f"Runs {text}\n")
    return (
        PARTIAL
        if refused or loop.intake.unreadable or loop.intake.left_out
        else COMPLETE
    )
