"""Resident memory over a million spans: flat once the bounds are reached."""

from __future__ import annotations

import argparse
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from sink import sink
from workload import SPANS, config, run

from infinium_otel import InfiniumSpanProcessor

MILLION = 1_000_000
LEAST_GROWTH = 0.1


def resident_mib() -> float:
    """This process's resident memory. Linux only."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


def main(spans: int = MILLION) -> bool:
    with sink() as address:
        processor = InfiniumSpanProcessor(config(address))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("bench")
        runs = spans // SPANS
        seen = []
        for number in range(1, runs + 1):
            run(tracer, number)
            if number % max(1, runs // 10) == 0:
                seen.append(resident_mib())
        assert provider.force_flush(120_000)
        delivered = processor.stats.delivered
        provider.shutdown()
    print(f"memory over {spans} spans, MiB:", *(f"{mib:.0f}" for mib in seen))
    growth = seen[-1] / max(seen[: len(seen) // 2]) - 1
    print(f"  second half {growth:+.0%} over the first; {delivered} delivered")
    return growth <= LEAST_GROWTH and delivered == runs * SPANS


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, default=MILLION)
    main(parser.parse_args().spans)
