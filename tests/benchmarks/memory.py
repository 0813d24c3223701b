"""Resident memory over many spans: flat once the queue has been at its longest.

The producer waits for the worker, so no task is dropped: this measures the memory that
remains after the work, not how much a burst accumulates.

    python tests/benchmarks/memory.py [--rounds N]

A round is a hundred thousand spans.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from measuring import Measured, summarize
from opentelemetry.sdk.trace import TracerProvider
from program import program
from sink import sink
from workload import SPANS, config, run

from infinium_otel import InfiniumSpanProcessor

HUNDRED_THOUSAND = 100_000
ROWS = 10
MOST_WAITING = 500
"""Runs ahead of the worker, at most: the queue reaches this length again and again."""


def resident_mib() -> float:
    """This process's resident memory. Linux only."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


def wait_until_delivered(processor: InfiniumSpanProcessor) -> None:
    """Return when every ended span is delivered."""
    while (stats := processor.stats).queued or stats.open:
        time.sleep(0.05)


def measure(rounds: int) -> Measured:
    """Resident memory after each tenth of the spans; *rounds* hundred thousand of them."""
    found = Measured("MiB resident; growth as a ratio")
    seen, runs = [], rounds * HUNDRED_THOUSAND // SPANS
    with sink() as address:
        processor = InfiniumSpanProcessor(config(address))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("bench")
        for number in range(1, runs + 1):
            run(tracer, number)
            if number % MOST_WAITING and number < runs:
                continue
            wait_until_delivered(processor)
            if number * ROWS // runs > len(seen):
                seen.append(resident_mib())
        assert processor.stats.delivered == runs * SPANS
        provider.shutdown()
    half = len(seen) // 2
    found.figures = {
        "first tenth": summarize(seen[:1]),
        "last tenth": summarize(seen[-1:]),
        "growth": summarize([max(seen[half:]) / max(seen[:half])]),
        "spans": summarize([runs * SPANS]),
    }
    return found


if __name__ == "__main__":
    sys.exit(program("memory", measure, rounds=2))
