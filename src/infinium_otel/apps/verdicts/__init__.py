"""`infinium-otel verdicts`: fetches the interpretations of runs that others delivered."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from infinium_otel.config import Config
from infinium_otel.delivery.storage.private_files import is_database
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from infinium_otel.runtime.verdict_follower import VerdictFollower

LOOK_S = 1.0
"""Seconds between looks for runs that the application has delivered."""
COMPLETE, PARTIAL = 0, 1
STOP_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--spool",
        metavar="PATH",
        help="the spool of the application, which notes delivered runs there; "
        "default: INFINIUM_OTEL_SPOOL",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="go on until it is stopped; by default it ends once no run is awaited",
    )
    parser.add_argument(
        "--print",
        action="store_true",
        help="write each verdict to stdout, one JSON object a line, and set up no OTLP",
    )


def run(args: argparse.Namespace) -> int:
    """Follow the runs in the spool; return the exit code."""
    config = _read_config(args)
    from infinium_otel.apps.verdicts.providers import set_up  # noqa: PLC0415 - not for --help
    from infinium_otel.delivery.sender import Sender  # noqa: PLC0415 - not for --help
    from infinium_otel.runtime.verdict_follower import VerdictFollower  # noqa: PLC0415 - not for --help

    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sender = Sender(config)
    with set_up(prints=args.print):
        follower = VerdictFollower(config, sender)
        sys.stderr.write(f"infinium-otel verdicts: runs in {config.spool}\n")
        sys.stderr.flush()
        try:
            _follow(follower, stopped, forever=args.follow)
        finally:
            follower.stop(STOP_S)
        left = follower.awaited.count()
        sender.close()
    return _report(follower, left, args)


def _read_config(args: argparse.Namespace) -> Config:
    """The settings, which need credentials and a spool.

    Raises:
        InfiniumError: one of them is missing; names the cure.
    """
    given = {"spool": args.spool} if args.spool else {}
    config = Config.from_env(
        os.environ, verdicts=False, verdicts_in_process=True, **given
    ).require_credentials()
    if config.spool is None:
        raise InfiniumError(
            "no spool: name that of the application with --spool or INFINIUM_OTEL_SPOOL"
        )
    if not is_database(config.spool):
        raise InfiniumError(f"{config.spool}: file is not a database")
    if not args.follow and not Path(config.spool).exists():
        raise InfiniumError(
            f"{config.spool}: no such spool; --follow waits until the application has made it"
        )
    return config


def _follow(
    follower: VerdictFollower, stopped: threading.Event, *, forever: bool
) -> None:
    """Follow runs until *stopped*, or until none is awaited."""
    while True:
        follower.resume()
        if stopped.wait(LOOK_S) or not (forever or follower.awaited.count()):
            return


def _report(follower: VerdictFollower, left: int, args: argparse.Namespace) -> int:
    """The last line, and the exit code: 1 if it ended although runs have no verdict."""
    outcomes = {name: number for name, number in follower.outcomes.items() if number}
    parts = [f"{outcomes.pop('judged', 0)} judged"]
    parts += [f"{number} {name}" for name, number in sorted(outcomes.items())]
    if left:
        parts.append(f"{left} still awaited, in the spool")
    sys.stderr.write(f"infinium-otel verdicts: {', '.join(parts)}\n")
    return PARTIAL if (outcomes or left) and not args.follow else COMPLETE
