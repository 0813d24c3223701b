"""`infinium-otel runs`: the list of runs in the terminal, from a server or files."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.runs import sources
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from infinium_otel.apps.runs.terminal import Terminal

FILTERS = {
    "search": ("q", "WORDS", "only runs that contain these words"),
    "agent": ("agent", "NAME", "only runs of this agent"),
    "model": ("model", "NAME", "only runs that called this model"),
    "session": ("session", "ID", "only runs of this conversation"),
    "user": ("user", "ID", "only runs for this user"),
    "tag": ("tag", "NAME:VALUE", "only runs with this tag"),
    "since": (
        "since",
        "TIME",
        "only runs that ended since then: 15m, 24h, 7d or 2026-01-31T12:00:00Z",
    ),
    "min-cost": ("min_cost", "USD", "only runs that cost at least this"),
    "min-duration": ("min_duration", "SECONDS", "only runs that took at least this"),
}
"""The filters of the page: option, parameter of the list's URL, placeholder, help."""
ORDERS = (
    *("newest", "oldest", "ended", "duration", "steps"),
    *("tokens", "cost", "errors", "name"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    sources.add_arguments(parser)
    for option, (_, metavar, text) in FILTERS.items():
        parser.add_argument(f"--{option}", metavar=metavar, default="", help=text)
    parser.add_argument(
        "--errors",
        action="store_const",
        const="any",
        default="",
        help="only runs with an error",
    )
    parser.add_argument(
        "--fatal",
        dest="errors",
        action="store_const",
        const="fatal",
        help="only runs with an error that they did not recover from",
    )
    parser.add_argument(
        "--sort", choices=ORDERS, default="ended", help="default: %(default)s"
    )
    parser.add_argument(
        "-n",
        "--limit",
        type=_parse_limit,
        default=20,
        metavar="N",
        help="runs to list, at most (%(default)s)",
    )


def _parse_limit(text: str) -> int:
    limit = int(text)
    if limit < 1:
        raise ValueError(text)
    return limit


def run(args: argparse.Namespace) -> int:
    """List the runs; return the exit code."""
    from infinium_otel.apps.runs.terminal import Terminal  # noqa: PLC0415 - not for --help

    if args.follow and args.sort != "ended":
        raise InfiniumError("--follow lists runs as they arrive, so it has no --sort")
    with sources.open_source(args) as source:
        (_follow if args.follow else _list)(source, get_params(args), args, Terminal())
    return 0


def get_params(args: argparse.Namespace) -> dict[str, str]:
    """The parameters of the list's URL that the arguments mean."""
    params = {
        name: getattr(args, option.replace("-", "_"))
        for option, (name, _, _) in FILTERS.items()
    }
    params |= {"errors": args.errors, "sort": args.sort}
    return {name: value for name, value in params.items() if value}


def _list(
    source: Any, params: Mapping[str, str], args: argparse.Namespace, out: Terminal
) -> None:
    from infinium_otel.apps.runs import listing  # noqa: PLC0415 - not for --help

    rows, total = sources.list_all(source, params, args.limit)
    running = source.list_open(params)
    if args.json:
        out.write_text("".join(map(sources.to_json_line, [*running, *rows])))
        return
    if not rows and not running:
        has_filter = set(params) - {"sort"}
        sys.stderr.write("no runs match\n" if has_filter else "no runs yet\n")
        return
    today = datetime.now().astimezone().date()
    out.write(
        [
            listing.draw_heading(),
            *(
                listing.draw_row(row, today, is_cut=out.is_terminal)
                for row in (*running, *rows)
            ),
        ]
    )
    if total > len(rows):
        sys.stderr.write(f"{len(rows)} of {total:,} runs; --limit {total} lists all\n")


def _follow(
    source: Any, params: Mapping[str, str], args: argparse.Namespace, out: Terminal
) -> None:
    """List the newest runs, the newest last, and then each that arrives."""
    from infinium_otel.apps.runs import listing  # noqa: PLC0415 - not for --help

    seen = source.get_last()
    rows, _ = sources.list_all(source, {**params, "sort": "newest"}, args.limit)
    seen = max(seen, *(row["seq"] for row in rows), 0)
    if not args.json:
        out.write([listing.draw_heading()])
    with suppress(KeyboardInterrupt):  # how a list without an end is left
        for row in chain(reversed(rows), source.follow(params, seen)):
            if args.json:
                out.write_text(sources.to_json_line(row))
            else:
                today = datetime.now().astimezone().date()
                out.write([listing.draw_row(row, today, is_cut=out.is_terminal)])
