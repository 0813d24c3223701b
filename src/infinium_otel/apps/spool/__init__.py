"""`infinium-otel spool`: list, retry or delete the tasks in a spool file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse

    from infinium_otel.delivery.storage.spool import StoredTask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="the spool's file")
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "retry", "drop"),
        default="list",
        help="list tasks (the default), queue refused tasks again, or delete tasks",
    )
    parser.add_argument(
        "keys",
        nargs="*",
        default=[],
        metavar="KEY",
        help="which tasks, by the key that `list` shows; default: all refused tasks",
    )
    parser.add_argument(
        "--json", action="store_true", help="list one JSON object per line"
    )


def run(args: argparse.Namespace) -> int:
    """Run the action, and report how many tasks it changed."""
    from infinium_otel.delivery.storage import spool  # noqa: PLC0415 - not for --help
    from infinium_otel.delivery.storage.private_files import (  # noqa: PLC0415 - likewise
        is_database,
    )

    if not is_database(args.path):
        raise InfiniumError(f"{args.path}: file is not a database")
    if args.action == "retry":
        sys.stdout.write(f"queued again: {spool.retry(args.path, args.keys)}\n")
    elif args.action == "drop":
        sys.stdout.write(f"deleted: {spool.drop(args.path, args.keys)}\n")
    else:
        _print_tasks(
            [
                task
                for task in spool.list_tasks(args.path)
                if _is_wanted(task, args.keys)
            ],
            as_json=args.json,
        )
    return 0


def _is_wanted(task: StoredTask, keys: list[str]) -> bool:
    return not keys or task.key in keys


def _print_tasks(tasks: list[StoredTask], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.writelines(f"{json.dumps(asdict(task))}\n" for task in tasks)
        return
    sys.stdout.writelines(f"{_format_line(task)}\n" for task in tasks)
    refused = sum(task.state == "refused" for task in tasks)
    waiting = len(tasks) - refused
    sys.stdout.write(f"waiting: {waiting}, refused: {refused}\n")


def _format_line(task: StoredTask) -> str:
    at = datetime.fromtimestamp(task.at_s, tz=timezone.utc)
    line = f"{task.state:8} {at:%Y-%m-%d %H:%M:%S}Z {task.key} {task.size:>8} bytes"
    if task.attempts:
        line += f", {task.attempts} attempts"
    if task.reason:
        # quoted: the service's message may contain control characters
        line += f", {task.reason}: {json.dumps(task.message, ensure_ascii=False)}"
    return line
