"""Resident memory over a million spans: flat once the queue has been as long as it may.

The producer waits for the worker, so nothing is given up: what is measured is what the
work leaves behind, not how much a burst piles up.

    python benchmarks/memory.py [--spans N]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from sink import sink
from workload import SPANS, config, run

from infinium_otel import InfiniumSpanProcessor

MILLION = 1_000_000
ROWS = 10
MOST_WAITING = 500
"""Runs ahead of the worker, at most: so long gets the queue, again and again."""
MOST_GROWTH = 0.05


def resident_mib() -> float:
    """This process's resident memory. Linux only."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


def drained(processor: InfiniumSpanProcessor) -> None:
    """Return when everything that ended is delivered."""
    while (stats := processor.stats).queued or stats.open:
        time.sleep(0.05)


def main(spans: int = MILLION) -> bool:
    seen = []
    began = time.monotonic()
    with sink() as address:
        processor = InfiniumSpanProcessor(config(address))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("bench")
        print("    spans  delivered  refused  RSS, MiB  seconds", flush=True)
        runs = spans // SPANS
        for number in range(1, runs + 1):
            run(tracer, number)
            if number % MOST_WAITING and number < runs:
                continue
            drained(processor)
            if number * ROWS // runs > len(seen):
                seen.append(resident_mib())
                stats, took_s = processor.stats, time.monotonic() - began
                print(
                    f"{stats.received:9,} {stats.delivered:10,} {stats.refused:8,}"
                    f" {seen[-1]:9.1f} {took_s:8.0f}",
                    flush=True,
                )
        provider.shutdown()
    growth = max(seen[len(seen) // 2 :]) / max(seen[: len(seen) // 2]) - 1
    print(
        f"second half over the first: {growth:+.1%} (goal: at most {MOST_GROWTH:.0%})"
    )
    return growth <= MOST_GROWTH and stats.delivered == runs * SPANS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=MILLION)
    main(parser.parse_args().spans)
