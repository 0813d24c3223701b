"""What the benchmarks have in common as programs: arguments, text, JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import make_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from measuring import Measured, Spread

NAMED = (
    *("infinium-otel", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    *("infinium-o2", "langfuse", "logfire", "arize-phoenix", "weave", "protobuf"),
)
"""Packages whose versions the results name."""


def describe_machine() -> dict[str, Any]:
    """When and where it is measured, and with which versions."""
    return {
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _find_processor(),
        "cores": os.cpu_count(),
        "load": [round(value, 1) for value in os.getloadavg()],
        "packages": dict(_find_versions()),
    }


def _find_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
    return next(names, platform.processor())


def _find_versions() -> Iterator[tuple[str, str]]:
    for name in NAMED:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def describe(name: str, found: Measured) -> Iterator[str]:
    """The lines that are printed for a benchmark."""
    yield f"{name}, in {found.unit}: median, and quartiles"
    for candidate, figure in found.figures.items():
        ratio = found.ratios.get(candidate)
        suffix = "" if ratio is None else f"   ours is {_show(ratio)} times that"
        yield f"  {candidate:24}{_show(figure)}{suffix}"
    for peer in found.unavailable:
        yield f"  {peer:24}not measured"


def describe_missing(benchmarks: Iterable[Measured]) -> Iterator[str]:
    """A line for each peer that was not measured, with the reason; once for all."""
    reasons: dict[str, str] = {}
    for found in benchmarks:
        reasons |= found.unavailable
    for peer, reason in reasons.items():
        yield f"not measured: {peer}: {reason}"


def _show(spread: Spread) -> str:
    low, high = (f"{value:.3g}" for value in (spread.low, spread.high))
    return f"{spread.median:9.4g} ({low} to {high})"


def program(name: str, measure: Callable[[int], Measured], rounds: int) -> int:
    """Run one benchmark from the command line.

    Args:
        name: of the benchmark.
        measure: takes the number of rounds.
        rounds: the default number.
    """
    parser = argparse.ArgumentParser(prog=f"{name}.py")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    options = parser.parse_args()
    taken = describe_machine()
    began = time.monotonic()
    found = measure(max(1, options.rounds))
    found.seconds = round(time.monotonic() - began, 1)
    if not options.quiet:
        print("\n".join([*describe(name, found), *describe_missing([found])]))
    if options.json is not None:
        write(options.json, make_document(taken, {name: found}))
    return 0


def write(path: Path, document: dict[str, Any]) -> None:
    """Write *document*, one member a line so that changes can be read."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read what `write` has written."""
    document = json.loads(path.read_text("utf-8"))
    if not isinstance(document, dict):
        sys.exit(f"{path} is not a document of results")
    return document
