"""`infinium-otel spool`: what waits in a spool file and what was refused."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from infinium_otel.delivery.spool import Kept


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="the spool's file")
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "retry", "drop"),
        default="list",
        help="list every task (the default); queue refused ones again; delete",
    )
    parser.add_argument(
        "keys",
        nargs="*",
        default=[],
        metavar="KEY",
        help="which tasks, by the key that list shows; default: all that were refused",
    )
    parser.add_argument("--json", action="store_true", help="list a JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Do what was asked, and say how many tasks it concerned."""
    from infinium_otel.delivery import spool  # noqa: PLC0415 - not for --help

    if args.action == "retry":
        sys.stdout.write(f"queued again: {spool.retry(args.path, args.keys)}\n")
    elif args.action == "drop":
        sys.stdout.write(f"deleted: {spool.drop(args.path, args.keys)}\n")
    else:
        _list(
            [kept for kept in spool.listing(args.path) if _is_wanted(kept, args.keys)],
            as_json=args.json,
        )
    return 0


def _is_wanted(kept: Kept, keys: list[str]) -> bool:
    return not keys or kept.key in keys


def _list(tasks: list[Kept], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.writelines(f"{json.dumps(asdict(task))}\n" for task in tasks)
        return
    sys.stdout.writelines(f"{_line(task)}\n" for task in tasks)
    refused = sum(task.state == "refused" for task in tasks)
    waiting = len(tasks) - refused
    sys.stdout.write(f"waiting: {waiting}, refused: {refused}\n")


def _line(task: Kept) -> str:
    at = datetime.fromtimestamp(task.at_s, tz=timezone.utc)
    line = f"{task.state:8} {at:%Y-%m-%d %H:%M:%S}Z {task.key} {task.size:>8} bytes"
    if task.attempts:
        line += f", {task.attempts} attempts"
    if task.reason:
        # the service's words are shown as they are quoted: they may be anything
        line += f", {task.reason}: {json.dumps(task.message, ensure_ascii=False)}"
    return line
