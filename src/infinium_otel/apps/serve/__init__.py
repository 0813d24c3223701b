"""`infinium-otel serve`: a local stand-in for Infinium, with a page of tasks."""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import TYPE_CHECKING

from infinium_otel.apps.http import bind, cors
from infinium_otel.apps.http.access import Access
from infinium_otel.apps.http.auth import get_allowed_hosts, is_loopback
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.apps.serve.event_stream import EventStream
from infinium_otel.apps.serve.open_runs import OpenRuns
from infinium_otel.apps.serve.prompts import PromptFolder
from infinium_otel.apps.serve.pruner import Pruner
from infinium_otel.apps.serve.sink import StoreSink
from infinium_otel.apps.serve.span_archive import (
    DAY_MS,
    MIB,
    Retention,
    SpanArchive,
)
from infinium_otel.apps.serve.store import Retention as TaskRetention
from infinium_otel.apps.serve.store import Store
from infinium_otel.config import Config
from infinium_otel.delivery.storage.private_files import is_database
from infinium_otel.dialects.plugins import load_readers
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.pipeline import Pipeline

if TYPE_CHECKING:
    import argparse

    from starlette.applications import Starlette

    from infinium_otel.apps.serve.rule_results import Evaluate

MAX_AMOUNT = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    bind.add_arguments(parser)
    cors.add_arguments(parser)
    parser.add_argument(
        "--db", default="infinium-otel.db", help="SQLite file (%(default)s)"
    )
    parser.add_argument(
        "--prompts", metavar="DIR", help="folder of prompts to serve: ID/VERSION.md"
    )
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="rules in place of the judge, one a line, as `check --fail-on` has them; "
        "each run that arrives is checked by them, nothing is learned",
    )
    parser.add_argument(
        "--keep-days",
        type=_parse_amount,
        default=0,
        metavar="N",
        help="how long tasks are kept; 0 keeps them for ever (%(default)s)",
    )
    parser.add_argument(
        "--keep-mib",
        type=_parse_amount,
        default=0,
        metavar="N",
        help="space for tasks, the oldest are removed first; 0 sets no limit "
        "(%(default)s)",
    )
    parser.add_argument(
        "--keep-spans-mib",
        type=_parse_amount,
        default=1024,
        metavar="N",
        help="space for whole spans, the oldest are removed first; 0 keeps none "
        "(%(default)s)",
    )
    parser.add_argument(
        "--keep-spans-days",
        type=_parse_amount,
        default=30,
        metavar="N",
        help="how long whole spans are kept (%(default)s)",
    )


def _parse_amount(text: str) -> int:
    amount = int(text)
    if not 0 <= amount <= MAX_AMOUNT:
        raise ValueError(text)
    return amount


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted; return the exit code."""
    config = Config.from_env(os.environ)
    with bind.listen(args.host, args.port) as listener:
        mistakes = MistakeLog()
        app, events = build_application(args, config, mistakes)
        from infinium_otel.apps.serve.server import serve  # noqa: PLC0415 - an extra

        announce(args, bind.get_url(args.host, listener))
        serve(app, listener, events.close, mistakes)
    return 0


def build_application(
    args: argparse.Namespace, config: Config, mistakes: MistakeLog | None = None
) -> tuple[Starlette, EventStream]:
    """Build the application, and the event stream to close when it stops.

    Raises:
        MissingExtraError: the `server` extra is not installed.
        InfiniumError: the database cannot be opened, the prompt folder is missing, or a
            rule cannot be read.
    """
    try:
        from infinium_otel.apps.serve.app import Parts, build  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("a server", "server") from error
    evaluate = make_evaluation(args.rules)
    if not is_database(args.db):
        raise InfiniumError(f"cannot open {args.db}: file is not a database")
    try:
        store = Store(args.db, evaluate)
        archive = SpanArchive(
            args.db, Retention(args.keep_spans_mib * MIB, args.keep_spans_days * DAY_MS)
        )
        events = EventStream(store.last())
    except (sqlite3.Error, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        where = getattr(error, "filename", None) or args.db
        raise InfiniumError(f"cannot open {where}: {reason}") from None
    readers = load_readers()
    sink = StoreSink(Pipeline(config, readers), store, events, archive, config)
    pruner = Pruner(store, _get_retention(args))
    access = Access(
        get_allowed_hosts(args.host, args.allow_host),
        origins=tuple(map(cors.parse_origin, args.cors_origin)),
        mistakes=mistakes or MistakeLog(),
    )
    prompts = PromptFolder(args.prompts)
    open_runs = OpenRuns(sink.peek, config, readers)
    parts = Parts(
        store, events, sink, prompts, archive, pruner, access, open_runs, readers
    )
    return build(parts), events


def make_evaluation(path: str | None) -> Evaluate | None:
    """What checks a task by the rules in the file at *path*; None without a file.

    Raises:
        InfiniumError: names each rule that cannot be read, with its place.
        OSError: the file cannot be read.
    """
    if path is None:
        return None
    from infinium_otel.apps.check.rule_file import evaluate, read_rules  # noqa: PLC0415 - when needed
    from infinium_otel.apps.run_facts import read_facts  # noqa: PLC0415 - likewise

    rules = read_rules(path)
    return lambda task: evaluate(rules, read_facts(task))


def _get_retention(args: argparse.Namespace) -> TaskRetention | None:
    """Which tasks are kept; None for all."""
    if not (args.keep_days or args.keep_mib):
        return None
    return TaskRetention(
        (args.keep_mib or MAX_AMOUNT) * MIB, (args.keep_days or MAX_AMOUNT) * DAY_MS
    )


def announce(args: argparse.Namespace, url: str) -> None:
    """Print the addresses on stdout, and a warning on stderr if others can connect."""
    if not is_loopback(args.host):
        sys.stderr.write(
            "infinium-otel serve: anyone who can reach this address can read and write "
            "every task: there are no accounts. Only the host names of loopback are "
            "accepted; --allow-host adds one\n"
        )
    lines = (
        f"Tasks:    {url}/",
        f"OTLP:     {url}/v1/traces and {url}/v1/logs",
        f"Infinium: INFINIUM_BASE_URL={url}/api/v1, with any agent id and secret",
        f"Database: {args.db}",
        *([f"Rules:    {args.rules}, in place of a judge"] if args.rules else []),
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
