"""`infinium-otel convert`: recorded runs from one format into another, or sent.

Every conversion goes through spans: input is read as `SpanRecord`s, and output is made
of them. Input may be larger than memory; output is one JSON object per line.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infinium_otel.apps.convert.formats import FORMATS
from infinium_otel.apps.filtered import describe_filtered
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.apps.convert.progress import Progress
    from infinium_otel.apps.convert.reading import ReadCounts
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record

COMPLETE, PARTIAL = 0, 1

SPOOL = "infinium-otel-convert.db"
"""The default spool of `--send`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a conversion.

    Args:
        summary: one line for people.
        filtered: runs that did not become a task, by reason.
        scopes: where the spans of those without a model, tool or agent came from.
        complete: False if something was not delivered.
    """

    summary: str
    filtered: Mapping[str, int] = field(default_factory=dict)
    scopes: Mapping[str, int] = field(default_factory=dict)
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
        help="format of the input; auto detects it from the content",
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
        help="with --send: the file that stores waiting tasks and progress; "
        f"default: INFINIUM_OTEL_SPOOL, else {SPOOL}",
    )


def run(args: argparse.Namespace) -> int:
    """Convert, and report the result on stderr."""
    from infinium_otel.apps.convert import reading  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.convert.progress import (  # noqa: PLC0415 - not for --help
        show_progress,
        total_bytes,
    )

    if reading.STDIN in args.files and sys.stdin.isatty():
        raise InfiniumError("no input: name the files to read, or pipe one in")
    config = _load_config(args)
    counts = reading.ReadCounts()
    with show_progress(total_bytes(args.files)) as progress:
        batches = reading.read_batches(args.files, args.source, counts, progress)
        batches = _refuse_nothing(batches, counts, args.files)
        if args.send:
            outcome = _send(batches, config, progress)
        else:
            outcome = _write(batches, args, config)
    return _report(counts, outcome)


def _refuse_nothing(
    batches: Iterable[list[Record]], counts: ReadCounts, paths: list[str]
) -> Iterator[list[Record]]:
    """*batches*, unless every input is empty: then what should have made it has failed.

    A request without spans is no empty input, and one empty file among others is none.

    Raises:
        InfiniumError: there was nothing to read.
    """
    yield from batches
    if counts.empty == len(paths):
        names = ", ".join("standard input" if p == "-" else p for p in paths)
        verb = "is" if len(paths) == 1 else "are"
        raise InfiniumError(f"{names} {verb} empty: there is nothing to convert")


def _load_config(args: argparse.Namespace) -> Config:
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
            raise InfiniumError(f"{file} is an input, so it cannot be written to")
    from infinium_otel.delivery.storage.private_files import (  # noqa: PLC0415 - not for --help
        open_private,
    )

    file = open_private(str(path))
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as out:  # noqa: PTH123 - a descriptor
            yield out
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _send(
    batches: Iterable[list[Record]], config: Config, progress: Progress
) -> Outcome:
    from infinium_otel.apps.convert import (  # noqa: PLC0415 - not for --help
        backfill,
        writing,
    )

    converter = writing.TaskConverter(config)
    sent = backfill.send(converter.convert(batches), config, progress.show_waiting)
    summary = f"delivered: {sent.delivered}"
    summary += f", sent before: {sent.known}" if sent.known else ""
    summary += f", refused: {sent.refused}" if sent.refused else ""
    if sent.waiting:
        summary += (
            f", waiting in {config.spool}: {sent.waiting} (run again to continue)"
        )
    summary += f", not kept: {sent.lost} (run again to send)" if sent.lost else ""
    return Outcome(
        summary,
        converter.filtered,
        converter.skipped_scopes,
        complete=not (sent.waiting or sent.refused or sent.lost),
    )


def _write(
    batches: Iterable[list[Record]], args: argparse.Namespace, config: Config
) -> Outcome:
    from infinium_otel.apps.convert import writing  # noqa: PLC0415 - not for --help

    if args.target == "infinium":
        converter = writing.TaskConverter(config)
        documents = writing.tasks_to_documents(converter.convert(batches))
    else:
        converter = None
        documents = writing.to_documents(batches, args.target, config)
    # before the output is opened, so that unreadable input does not truncate it
    first = list(islice(documents, 1))
    written = 0
    with _output(args) as out:
        for document in chain(first, documents):
            # ASCII only: a lone surrogate can be written as an escape, not as UTF-8
            out.write(json.dumps(document) + "\n")
            written += 1
    summary = f"written: {written}"
    if converter is None:
        return Outcome(summary)
    return Outcome(summary, converter.filtered, converter.skipped_scopes)


def _report(counts: ReadCounts, outcome: Outcome) -> int:
    """Write one line to stderr; return the exit code."""
    line = (
        f"documents: {counts.documents}, records: {counts.records}, {outcome.summary}"
    )
    for text in describe_filtered(outcome.filtered, outcome.scopes, "--include all"):
        line += f", {text}"
    if counts.empty:
        line += f", empty files: {counts.empty}"
    if counts.left_out:
        line += f", not readable: {counts.left_out}"
    sys.stderr.write(line + "\n")
    return COMPLETE if outcome.complete and not counts.left_out else PARTIAL
