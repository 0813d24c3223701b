"""Where the commands `runs` and `show` read: arguments, a server or recorded files."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.apps.convert.formats import FORMATS
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT_URL = "http://127.0.0.1:4318"
STDIN = "-"
LAST = "last"
"""The word for the run that ended last."""
MAX_PAGE = 500
"""Rows in one response of a server, at most."""
MAX_NAMED = 5
"""Runs that the message about an ambiguous id names."""


class Source(Protocol):
    """Runs that can be listed and read."""

    def list_rows(self, params: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
        """Rows that the parameters of the list's URL select, and how many there are."""

    def list_open(self, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """Rows of runs that are not complete yet, each with `open`; the newest first."""

    def read_task(self, trace_id: str) -> dict[str, Any]:
        """The JSON object of one task."""

    def close(self) -> None:
        """Release what the source holds."""


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare the places where runs may be: files, or a server."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="recorded runs, in any format that convert reads; - is stdin; "
        "default: the runs of a server",
    )
    parser.add_argument(
        "--url",
        default=None,
        help=f"the server, which `infinium-otel serve` runs (default: {DEFAULT_URL})",
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=("auto", *FORMATS),
        default="auto",
        help="format of the files; auto detects it from the content",
    )


def get_run_and_files(args: argparse.Namespace) -> tuple[str, list[str]]:
    """The run and the files of `RUN FILE ...`: a file as RUN means its last run."""
    if not args.files and (args.run == STDIN or Path(args.run).is_file()):
        return LAST, [args.run]
    return args.run, args.files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the places of runs, which of them are meant, and how they are shown."""
    add_places(parser)
    parser.add_argument(
        "--include",
        choices=("agents", "all"),
        help="with files: which traces are runs; default: INFINIUM_OTEL_INCLUDE, else agents",
    )
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on with runs as they arrive at the server, until Ctrl-C",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per line, for programs"
    )


@contextmanager
def open_source(args: argparse.Namespace) -> Iterator[Source]:
    """The files if there are any, else the server; closed at the end.

    Raises:
        InfiniumError: the arguments contradict each other, or a file is not readable.
    """
    source = _make_source(args)
    try:
        yield source
    finally:
        source.close()


def _make_source(args: argparse.Namespace) -> Source:
    if not args.files:
        from infinium_otel.apps.runs.server import Server  # noqa: PLC0415 - httpx takes time

        return Server(args.url or DEFAULT_URL)
    if args.url or args.follow:
        option = "--url" if args.url else "--follow"
        raise InfiniumError(f"{option} reads from a server, so it goes with no files")
    from infinium_otel.apps.runs.recorded import read_runs  # noqa: PLC0415 - likewise

    return read_runs(args.files, args.source, args.include, os.environ)


def list_all(
    source: Source, params: Mapping[str, str], limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Up to *limit* rows, page after page, and how many there are without a limit."""
    rows: list[dict[str, Any]] = []
    total = 0
    while len(rows) < limit:
        size = min(limit - len(rows), MAX_PAGE)
        page = {**params, "limit": str(size), "offset": str(len(rows))}
        more, total = source.list_rows(page)
        rows += more
        if len(more) < size:
            break
    return rows, total


def find_row(source: Source, wanted: str) -> dict[str, Any]:
    """The run that *wanted* names.

    Args:
        wanted: "last", an id or its beginning, or a name of a run or an agent, which
            means the newest of them, complete or not.

    Raises:
        InfiniumError: there is none, or the beginning is that of several ids.
    """
    if wanted == LAST:
        rows, _ = source.list_rows({"limit": "1"})
        rows = rows or source.list_open({})[:1]
    else:
        found, _ = source.list_rows({"q": wanted, "limit": str(MAX_PAGE)})
        found = [*source.list_open({"q": wanted}), *found]
        rows = list(_select_by_id(found, wanted)) or _select_by_name(found, wanted)
    if not rows:
        raise InfiniumError(_explain_none(wanted))
    ids = list(dict.fromkeys(str(row["trace_id"]) for row in rows))
    if ids[1:]:
        names = ", ".join(ids[:MAX_NAMED])
        raise InfiniumError(f"{wanted!r} is the beginning of {len(ids)} ids: {names}")
    return rows[0]


def _select_by_id(
    rows: Iterable[dict[str, Any]], wanted: str
) -> Iterator[dict[str, Any]]:
    start = wanted.lower()
    for row in rows:
        ids = (row["trace_id"], row["otel_trace_id"] or "")
        if start in ids:
            yield row
            return
        if any(each.startswith(start) for each in ids):
            yield row


def _select_by_name(
    rows: Iterable[dict[str, Any]], wanted: str
) -> list[dict[str, Any]]:
    named = [row for row in rows if wanted in (row["name"], row["agent"])]
    return sorted(named, key=lambda row: row["ended_ms"], reverse=True)[:1]


def _explain_none(wanted: str) -> str:
    if wanted == LAST:
        return "there is no run yet"
    if os.path.exists(wanted):  # noqa: PTH110 - a name of any kind
        return f"no run {wanted!r}; for the last run of that file: show last {wanted}"
    return f"no run has the id or name {wanted!r}; `infinium-otel runs` lists them"


def to_json_line(value: Mapping[str, Any]) -> str:
    """*value* as JSON on one line; ASCII only, as lone surrogates are not UTF-8."""
    return json.dumps(value) + "\n"
