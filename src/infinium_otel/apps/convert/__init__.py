"""`infinium-otel convert`: recorded runs from one format into another, or sent.

Everything goes through spans: what is read becomes `SpanRecord`s, what is written is
made of them. Input may be larger than memory; output is one JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infinium_otel.apps.convert.formats import FORMATS
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from infinium_otel.apps.convert.reading import Read
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record

DONE, IN_PART = 0, 1

SPOOL = "infinium-otel-convert.db"
"""Where `--send` keeps its tasks if nobody says where."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of what was read.

    Args:
        said: in words.
        filtered: runs that became no task.
        complete: False if something did not arrive.
    """

    said: str
    filtered: int = 0
    complete: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="*", default=["-"], metavar="FILE", help="default: stdin"
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=("auto", *FORMATS),
        default="auto",
        help="format of the input; auto tells it from the content",
    )
    parser.add_argument(
        "--to",
        dest="target",
        choices=FORMATS,
        default="infinium",
        help="default: infinium",
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="default: stdout")
    parser.add_argument(
        "--include",
        choices=("agents", "all"),
        help="which runs become tasks; default: INFINIUM_OTEL_INCLUDE, else agents",
    )
    parser.add_argument(
        "--send", action="store_true", help="deliver the tasks instead of writing them"
    )
    parser.add_argument(
        "--spool",
        metavar="PATH",
        help="with --send: where tasks wait and progress is kept; "
        f"default: INFINIUM_OTEL_SPOOL, else {SPOOL}",
    )


def run(args: argparse.Namespace) -> int:
    """Convert, and say on stderr what came of it."""
    from infinium_otel.apps.convert import reading  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.convert.progress import (  # noqa: PLC0415 - not for --help
        progress,
        total_bytes,
    )

    if reading.STDIN in args.files and sys.stdin.isatty():
        raise InfiniumError("name the files to read, or pipe one in")
    config = _configuration(args)
    read = reading.Read()
    with progress(total_bytes(args.files)) as advance:
        batches = reading.batches(args.files, args.source, read, advance)
        outcome = _send(batches, config) if args.send else _write(batches, args, config)
    return _report(read, outcome)


def _configuration(args: argparse.Namespace) -> Config:
    from infinium_otel.config import Config  # noqa: PLC0415 - not for --help

    if not args.send:
        return Config.from_env(os.environ, include=args.include)
    if args.target != "infinium" or args.output:
        raise InfiniumError("--send delivers tasks to Infinium: no --to, no --output")
    config = Config.from_env(
        os.environ, sending=True, include=args.include, spool=args.spool
    )
    return config if config.spool else config.but(spool=SPOOL)


@contextmanager
def _output(args: argparse.Namespace) -> Iterator[IO[str]]:
    if args.output is None:
        yield sys.stdout
        return
    path = Path(args.output)
    for file in args.files:
        if path.exists() and Path(file).exists() and path.samefile(file):
            raise InfiniumError(f"{file} is read from, so it cannot be written to")
    with path.open("w", encoding="utf-8", newline="\n") as out:
        yield out


def _send(batches: Iterable[list[Record]], config: Config) -> Outcome:
    from infinium_otel.apps.convert import (  # noqa: PLC0415 - not for --help
        backfill,
        writing,
    )

    tasks = writing.Tasks(config)
    sent = backfill.send(tasks.of(batches), config)
    said = f"delivered: {sent.delivered}"
    said += f", sent before: {sent.known}" if sent.known else ""
    said += f", refused: {sent.refused}" if sent.refused else ""
    if sent.waiting:
        said += f", waiting in {config.spool}: {sent.waiting} (run this again to go on)"
    return Outcome(said, tasks.filtered, complete=not (sent.waiting or sent.refused))


def _write(
    batches: Iterable[list[Record]], args: argparse.Namespace, config: Config
) -> Outcome:
    from infinium_otel.apps.convert import writing  # noqa: PLC0415 - not for --help

    if args.target == "infinium":
        tasks = writing.Tasks(config)
        documents = writing.tasks_as_documents(tasks.of(batches))
    else:
        tasks = None
        documents = writing.documents(batches, args.target, config)
    # before the output is opened: input that cannot be read leaves it as it was
    first = list(islice(documents, 1))
    written = 0
    with _output(args) as out:
        for document in chain(first, documents):
            # a text may hold half a character pair, which only an escape can tell
            out.write(json.dumps(document) + "\n")
            written += 1
    return Outcome(f"written: {written}", tasks.filtered if tasks else 0)


def _report(read: Read, outcome: Outcome) -> int:
    """One line on stderr; the exit code says if it was all."""
    said = f"documents: {read.documents}, records: {read.records}, {outcome.said}"
    if outcome.filtered:
        said += f", left out as no agent's runs: {outcome.filtered} (--include all)"
    if read.left_out:
        said += f", not readable: {read.left_out}"
    sys.stderr.write(said + "\n")
    return DONE if outcome.complete and not read.left_out else IN_PART
