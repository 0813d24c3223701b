"""`infinium-otel consume`: OTLP from Kafka in, Infinium tasks out.

For fleets: an OpenTelemetry Collector writes spans, partitioned by trace id, and any
number of these share the partitions as one consumer group. A message is committed once
every task it is part of is delivered, so what a consumer leaves behind, however it ends,
the next one reads again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel import otlp
from infinium_otel.apps import fleets
from infinium_otel.errors import InfiniumError, MissingExtraError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from infinium_otel.apps.consume.consumer import Worker
    from infinium_otel.config import Config
    from infinium_otel.otlp import Decoded

DONE, IN_PART = 0, 1

FORMATS = ("otlp_proto", "otlp_json")
"""The encodings of OTLP that the Collector's Kafka exporter knows, by its names."""

REACH_S = 10.0
"""Seconds within which a broker must answer at the start."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--brokers",
        required=True,
        metavar="HOST:PORT",
        help="of Kafka, to begin with; several with commas between",
    )
    parser.add_argument(
        "--topic", default="otlp_spans", help="where the spans are (%(default)s)"
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
        help="how the spans are encoded (%(default)s)",
    )
    parser.add_argument(
        "--properties",
        metavar="FILE",
        help="further properties of librdkafka, name=value a line: TLS, credentials",
    )
    fleets.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read and deliver until asked to stop; return the exit code."""
    config = fleets.configuration(os.environ)
    worker = build(args, config)
    _announce(args, config)
    with _asked_to_stop() as asked:
        worker.run(asked.is_set, args.drain_s)
    return _report(worker, config)


def build(args: argparse.Namespace, config: Config) -> Worker:
    """A worker that has reached Kafka.

    Raises:
        MissingExtraError: the `kafka` extra is not installed.
        InfiniumError: a property is none, or no broker answers.
    """
    try:
        from infinium_otel.apps.consume.consumer import Worker  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("reading from Kafka", "kafka") from None
    from infinium_otel.delivery.sender import Sender  # noqa: PLC0415 - not for --help
    from infinium_otel.readers import load_readers  # noqa: PLC0415 - likewise

    worker = Worker(
        _properties(args),
        args.topic,
        decoder(args.format),
        config=config,
        sender=Sender(config),
        readers=load_readers(),
    )
    worker.reach(REACH_S)
    return worker


def decoder(form: str) -> Callable[[bytes], Decoded]:
    """What reads a message of the format *form*."""
    if form == "otlp_proto":
        otlp.from_protobuf(b"")  # says at once if the library is not there
        return otlp.from_protobuf
    from infinium_otel.apps.receiver import document  # noqa: PLC0415 - not for --help

    return lambda value: otlp.from_json(document(value))


def _properties(args: argparse.Namespace) -> dict[str, Any]:
    """What is asked of librdkafka: the file's, and what must be as it is here."""
    own = {
        "bootstrap.servers": args.brokers,
        "group.id": args.group,
        "enable.auto.commit": False,
    }
    return {
        "client.id": "infinium-otel",
        "auto.offset.reset": "earliest",
        # a topic may come later than its readers
        "topic.metadata.refresh.interval.ms": 30_000,
        # its own lines on stderr: what is worth saying comes to us as an error
        "log_level": 2,
        **(dict(_lines(Path(args.properties))) if args.properties else {}),
        **own,
    }


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise InfiniumError(f"{path}, line {number}: not name=value")
        yield name.strip(), value.strip()


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM, which do nothing else meanwhile."""
    asked = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: asked.set()) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _announce(args: argparse.Namespace, config: Config) -> None:
    kept = f"in {config.spool}" if config.spool else "in Kafka, until it is delivered"
    lines = (
        f"Reads:     {args.topic} at {args.brokers}, in the group {args.group}",
        f"Delivers:  to {config.base_url}, one task a {config.task_per}",
        f"Waiting:   {kept}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _report(worker: Worker, config: Config) -> int:
    refused = worker.refused
    where = f"waiting in {config.spool}" if config.spool else "left to the next"
    for count, said in (
        (worker.undelivered, f"Tasks {where}"),
        (worker.unreadable, "Messages that could not be read"),
        (worker.left_out, "Spans that could not be read"),
        (refused, "Tasks not delivered"),
    ):
        if count:
            sys.stderr.write(f"{said}: {count}\n")
    return IN_PART if refused or worker.unreadable or worker.left_out else DONE
