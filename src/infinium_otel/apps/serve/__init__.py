"""`infinium-otel serve`: a local stand-in for Infinium, with a page to look at tasks."""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import TYPE_CHECKING

from infinium_otel.apps import listening
from infinium_otel.apps.guard import is_loopback, names_of
from infinium_otel.apps.serve.intake import Intake
from infinium_otel.apps.serve.live import Live
from infinium_otel.apps.serve.prompts import PromptFolder
from infinium_otel.apps.serve.store import Store
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.pipeline import Pipeline
from infinium_otel.readers import load_readers

if TYPE_CHECKING:
    import argparse

    from starlette.applications import Starlette


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    listening.add_arguments(parser)
    parser.add_argument(
        "--db", default="infinium-otel.db", help="SQLite file (%(default)s)"
    )
    parser.add_argument(
        "--prompts", metavar="DIR", help="folder of prompts to serve: ID/VERSION.md"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted; return the exit code."""
    config = Config.from_env(os.environ)
    with listening.listen(args.host, args.port) as listener:
        app, live = application(args, config)
        from infinium_otel.apps.serve.server import serve  # noqa: PLC0415 - an extra

        announce(args, listening.address_of(args.host, listener))
        serve(app, listener, live.close)
    return 0


def application(args: argparse.Namespace, config: Config) -> tuple[Starlette, Live]:
    """The application that *args* describe, and what ends its streams of news.

    Raises:
        MissingExtraError: the `server` extra is not installed.
        InfiniumError: the database cannot be opened, or there is no prompt folder.
    """
    try:
        from infinium_otel.apps.serve.app import build  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("a server", "server") from error
    try:
        store = Store(args.db)
    except sqlite3.Error as error:
        raise InfiniumError(f"cannot open {args.db}: {error}") from None
    live = Live(store.last())
    intake = Intake(Pipeline(config, load_readers()), store, live)
    hosts = names_of(args.host, args.allow_host)
    return build(store, live, intake, PromptFolder(args.prompts), hosts), live


def announce(args: argparse.Namespace, url: str) -> None:
    """Say on stdout where to send and where to look, and on stderr what to mind."""
    if not is_loopback(args.host):
        sys.stderr.write(
            "infinium-otel serve: whoever can reach this address can read and write "
            "every task: there are no accounts. It answers to the names of this "
            "machine's loopback; --allow-host adds one\n"
        )
    lines = (
        f"Tasks:    {url}/",
        f"OTLP:     {url}/v1/traces and {url}/v1/logs",
        f"Infinium: INFINIUM_BASE_URL={url}/api/v1, with any agent id and secret",
        f"Kept in:  {args.db}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
