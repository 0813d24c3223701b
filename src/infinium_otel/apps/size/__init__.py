"""`infinium-otel size`: what a fleet of consumers needs, computed from what was measured."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from infinium_otel.apps.size.planning import Plan, Workload

COMPLETE = 0
MIB = 1024 * 1024
LIMIT = 1e12
"""Of each number: what is beyond it is a slip of the hand."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    for name, meaning in (
        ("--runs-per-second", "runs that begin in a second, at the busiest time"),
        ("--spans", "spans of a run"),
        ("--seconds", "how long a run takes, from its first span to its last"),
    ):
        parser.add_argument(
            name, type=parse_number, required=True, metavar="N", help=meaning
        )
    parser.add_argument(
        "--span-kb",
        type=parse_number,
        default=4.0,
        metavar="N",
        help="kilobytes of a span with its texts (%(default)s, assumed)",
    )
    parser.add_argument(
        "--request-ms",
        type=parse_number,
        default=200.0,
        metavar="N",
        help="how long Infinium takes to respond (%(default)s, assumed)",
    )


def parse_number(text: str) -> float:
    """A number above zero, and within reason.

    Raises:
        ArgumentTypeError: it is not one.
    """
    try:
        number = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = 0.0
    if not 0 < number < LIMIT:
        raise ArgumentTypeError(
            f"must be a number above zero and below {LIMIT:,.0f}, not {text}"
        )
    return number


def run(args: argparse.Namespace) -> int:
    """Print what is needed; return the exit code."""
    from infinium_otel.apps.size.planning import (  # noqa: PLC0415 - not for --help
        Workload,
        make_plan,
    )

    load = Workload(
        args.runs_per_second,
        args.spans,
        args.seconds,
        args.span_kb * 1000,
        args.request_ms / 1000,
    )
    lines = [*_describe(load, make_plan(load)), "", *_describe_figures(args)]
    sys.stdout.write("\n".join(lines) + "\n")
    return COMPLETE


def _describe(load: Workload, plan: Plan) -> Iterator[str]:
    from infinium_otel.config import Config  # noqa: PLC0415 - not for --help

    spans = load.runs_per_second * load.spans
    yield f"Load:        {spans:,.0f} spans a second, {plan.open_runs:,} runs open"
    yield f"CPU:         {plan.cores:,.2f} cores in all"
    yield f"Consumers:   {plan.consumers:,}, one of which may be away"
    yield (
        f"Memory:      {plan.memory_mib:,} MiB each, {plan.open_mib:,} of it for open runs"
    )
    if plan.open_mib * MIB > Config().max_open_bytes:
        yield (
            f"Set:         INFINIUM_OTEL_MAX_OPEN_BYTES={plan.open_mib * MIB}, or "
            "start more consumers"
        )
    yield (
        f"Requests:    {plan.requests_per_second:,.1f} a second, at most: a limit "
        "(--rate-of-group) must be no lower"
    )
    yield f"Partitions:  {plan.partitions:,} or more, keyed by trace id"


def _describe_figures(args: argparse.Namespace) -> Iterator[str]:
    from infinium_otel.apps.size import figures  # noqa: PLC0415 - not for --help

    yield "Computed from:"
    for figure in (
        figures.CPU_OF_10_US,
        figures.CPU_OF_100_US,
        figures.IDLE_MIB,
        figures.OPEN_MIB,
        figures.REQUESTS,
        figures.USED,
        figures.PARTITIONS,
        figures.Figure(args.span_kb, "kB a span, --span-kb", figures.ASSUMED),
        figures.Figure(
            args.request_ms, "ms until a response, --request-ms", figures.ASSUMED
        ),
    ):
        yield f"  {figure.value:g} {figure.meaning} [{figure.source}]"
