"""What gateway and consumer share: a task per trace, and bounds on what they accept."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from infinium_otel.config import CREDENTIALS, Config, read_environment
from infinium_otel.delivery.pace import MAX_CONCURRENCY, START, AdaptivePace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from infinium_otel.runtime import Load

TASK_BYTES = 1024 * 1024
"""The limit of a task's body; most are a hundredth of that."""

UNLIMITED = 2**62

FULL = 0.75
"""The share of any bound past which no more is accepted: one request may be large."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how long a shutdown may take."""
    parser.add_argument(
        "--drain-s",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="how long to keep delivering after a stop signal (%(default)s)",
    )


def load_config(environ: Mapping[str, str], *, sending: bool = True) -> Config:
    """Read the settings: an exporter's, with other defaults for many processes' spans.

    `task_per` defaults to "trace", and open traces are limited by their bytes alone.

    Args:
        environ: usually `os.environ`.
        sending: whether credentials are required; half of them is a mistake in any case.

    Raises:
        ConfigurationError: lists every mistake.
    """
    is_set = read_environment(environ)
    defaults = {
        "task_per": "trace",
        "max_open_traces": UNLIMITED,
        "max_open_spans": UNLIMITED,
    }
    return Config.from_env(
        environ,
        sending=sending or any(name in is_set for name in CREDENTIALS),
        **{name: value for name, value in defaults.items() if name not in is_set},
    )


def make_pace(
    environ: Mapping[str, str], config: Config, processes: int = 1
) -> AdaptivePace:
    """Make a pace that follows the service, within the limits that are set.

    Args:
        environ: usually `os.environ`: which of the limits are set.
        config: the limits of this process.
        processes: how many share what is not set: the rate at first, its steps up, and the
            concurrency.
    """
    is_set = read_environment(environ)
    return AdaptivePace(
        time.monotonic,
        burst=config.burst,
        ceiling=(
            config.requests_per_second if "requests_per_second" in is_set else math.inf
        ),
        concurrency=(
            config.concurrency
            if "concurrency" in is_set
            else max(1, MAX_CONCURRENCY // processes)
        ),
        start=START / processes,
        share=1 / processes,
    )


def measure_queue_fullness(tasks: int, queued_bytes: int, config: Config) -> float:
    """Compute how much of the queue is used; 1.0 is full.

    Args:
        tasks: queued or being sent.
        queued_bytes: of these tasks.
        config: its bounds.
    """
    if config.spool is not None:
        return queued_bytes / config.max_spool_bytes
    return max(tasks / config.max_queued_tasks, queued_bytes / config.max_queued_bytes)


def measure_fullness(load: Load, config: Config) -> float:
    """Compute how much of the tightest bound is used; 1.0 is full.

    Open traces become tasks, so they count toward the bounds of the queue as well.
    """
    max_bytes = (
        config.max_queued_bytes if config.spool is None else config.max_spool_bytes
    )
    bytes_to_come = min(load.bytes_open, load.tasks_open * TASK_BYTES)
    shares = [
        load.spans_open / config.max_open_spans,
        load.tasks_open / config.max_open_traces,
        load.bytes_open / config.max_open_bytes,
        (load.bytes_queued + bytes_to_come) / max_bytes,
    ]
    if config.spool is None:
        tasks = load.tasks_queued + load.tasks_open
        shares.append(tasks / config.max_queued_tasks)
    return max(shares)
