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


@dataclass(slots=True)
class Outcome:
    """What writing came to.

    Args:
        written: documents written, or tasks handed to the spool.
        filtered: runs that became no task.
    """

    written: int = 0
    filtered: int = 0


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
        "default: INFINIUM_OTEL_SPOOL, else infinium-otel-convert.db",
    )


def run(args: argparse.Namespace) -> int:
    """Convert, and say on stderr what came of it."""
    from infinium_otel.apps.convert import reading  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.convert.progress import (  # noqa: PLC0415 - not for --help
        progress,
        total_bytes,
    )
    from infinium_otel.config import Config  # noqa: PLC0415 - not for --help

    config = Config.from_env(os.environ, include=args.include)
    read = reading.Read()
    with progress(total_bytes(args.files)) as advance, _output(args) as out:
        batches = reading.batches(args.files, args.source, read, advance)
        outcome = _write(batches, args.target, config, out)
    return _report(read, outcome)


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


def _write(
    batches: Iterable[list[Record]], target: str, config: Config, out: IO[str]
) -> Outcome:
    from infinium_otel.apps.convert import writing  # noqa: PLC0415 - not for --help

    outcome = Outcome()
    if target == "infinium":
        tasks = writing.Tasks(config)
        documents = writing.tasks_as_documents(tasks.of(batches))
    else:
        tasks = None
        documents = writing.documents(batches, target, config)
    for document in documents:
        # a text may hold half a character pair, which only an escape can tell
        out.write(json.dumps(document) + "\n")
        outcome.written += 1
    outcome.filtered = tasks.filtered if tasks else 0
    return outcome


def _report(read: Read, outcome: Outcome) -> int:
    """One line on stderr; the exit code says if it was all."""
    said = f"{read.records} records in {read.documents} documents: "
    said += f"{outcome.written} written"
    if outcome.filtered:
        said += f", {outcome.filtered} runs without an agent left out (--include all)"
    if read.left_out:
        said += f", {read.left_out} items could not be read"
    sys.stderr.write(said + "\n")
    return IN_PART if read.left_out else DONE
