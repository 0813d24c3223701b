"""What gateway and consumer share: whole traces, and no more than can go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.config import Config, from_environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from infinium_otel.bridge import Load

TASK_BYTES = 1024 * 1024
"""The most a task can take; most take a hundredth of that."""

FULL = 0.75
"""The part of any bound past which nothing is taken: a request may bring much."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how long an end may take."""
    parser.add_argument(
        "--drain-s",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="how long to go on delivering once asked to stop (%(default)s)",
    )


def configuration(environ: Mapping[str, str]) -> Config:
    """The settings: those of an exporter, but a task for each trace unless told."""
    told = "task_per" in from_environment(environ)
    per = None if told else "trace"
    return Config.from_env(environ, sending=True, task_per=per)


def fullness(load: Load, config: Config) -> float:
    """The part of the tightest bound that is taken.

    What is open becomes tasks, so it has to find room where they wait.
    """
    room = config.max_queued_bytes if config.spool is None else config.max_spool_bytes
    coming = min(load.bytes_open, load.tasks_open * TASK_BYTES)
    shares = [
        load.spans_open / config.max_open_spans,
        load.tasks_open / config.max_open_traces,
        load.bytes_open / config.max_open_bytes,
        (load.bytes_queued + coming) / room,
    ]
    if config.spool is None:
        tasks = load.tasks_queued + load.tasks_open
        shares.append(tasks / config.max_queued_tasks)
    return max(shares)
