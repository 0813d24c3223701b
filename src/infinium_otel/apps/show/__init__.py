"""`infinium-otel show`: one run as a tree in the terminal, from a server or files."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.runs import sources
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from infinium_otel.apps.runs.terminal import Terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        default=sources.LAST,
        metavar="RUN",
        help="an id or its beginning, or the name of a run or an agent, which means its "
        "newest run, or a file, which means its last run; default: last, the run "
        "that ended last",
    )
    sources.add_arguments(parser)
    parser.add_argument(
        "--ids", action="store_true", help="add the ids of the trace and of each span"
    )
    parser.add_argument(
        "--no-texts",
        action="store_true",
        help="leave out inputs, outputs and arguments",
    )


def run(args: argparse.Namespace) -> int:
    """Show the run; return the exit code."""
    from infinium_otel.apps.runs.terminal import Terminal  # noqa: PLC0415 - not for --help

    args.run, args.files = sources.get_run_and_files(args)
    if args.follow and args.run != sources.LAST:
        raise InfiniumError("--follow shows all runs as they arrive, so it has no RUN")
    out = Terminal()
    with sources.open_source(args) as source:
        if args.follow:
            _follow(source, args, out)
        else:
            row = sources.find_row(source, args.run)
            if row.get("open"):
                sys.stderr.write("this run is not complete yet\n")
            _show(source.read_task(row["trace_id"]), args, out)
    return 0


def _follow(source: Any, args: argparse.Namespace, out: Terminal) -> None:
    with suppress(KeyboardInterrupt):  # how a list without an end is left
        for row in source.follow({}, source.get_last()):
            if row.get("open"):  # shown once it is complete
                continue
            _show(source.read_task(row["trace_id"]), args, out)
            if not args.json:
                out.write_text("\n")


def _show(task: Mapping[str, Any], args: argparse.Namespace, out: Terminal) -> None:
    from infinium_otel.taskdata.tree_text import (  # noqa: PLC0415 - not for --help
        TreeOptions,
        draw_tree,
    )

    if args.json:
        out.write_text(sources.to_json_line(task))
        return
    options = TreeOptions(
        times=True,
        cost=True,
        ids=args.ids,
        texts=not args.no_texts,
        width=out.width,
    )
    out.write(draw_tree(task, options))
