"""`infinium-otel compare`: what changed between two sets of runs, and how sure that is."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from infinium_otel.apps.run_sets import load_runs
from infinium_otel.apps.runs.sources import DEFAULT_URL

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    for letter in "AB":
        parser.add_argument(
            letter.lower(),
            metavar=letter,
            help="runs: a file or folder of recordings or tasks, FILE:tag:NAME=VALUE for "
            "some of them, the id of a run, or tag:NAME=VALUE; ids and tags without a "
            "file are those of the local server",
        )
    parser.add_argument(
        "--url",
        default=DEFAULT_URL,
        help="the server, which `infinium-otel serve` runs (%(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="default: text",
    )


def run(args: argparse.Namespace) -> int:
    """Compare, and print the result."""
    from infinium_otel.apps.compare import figures, report  # noqa: PLC0415 - not for --help

    first, second = (load_runs(name, args.url) for name in (args.a, args.b))
    comparison = figures.compare_runs(first, second)
    names = (args.a, args.b)
    if args.format == "json":
        found = json.dumps(figures.to_json(comparison), indent=2, ensure_ascii=False)
        sys.stdout.write(found + "\n")
    elif args.format == "markdown":
        sys.stdout.write(report.to_markdown(comparison, names))
    else:
        sys.stdout.write(report.to_text(comparison, names))
    return 0
