"""A burst of 5,000 spans against a healthy server: how many arrive."""

from __future__ import annotations

import sys
from functools import partial

from measuring import OURS, Measured, interleave
from opentelemetry.sdk.trace import TracerProvider
from program import program
from sink import sink
from workload import SPANS, config, run

from infinium_otel import InfiniumSpanProcessor

BURST = 5_000


def deliver_burst(address: str) -> float:
    """The percentage of a burst's spans that a flush after it delivers."""
    processor = InfiniumSpanProcessor(config(address))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("bench")
    for number in range(BURST // SPANS):
        run(tracer, number)
    flushed = provider.force_flush(60_000)
    delivered = processor.stats.delivered
    provider.shutdown()
    return delivered / BURST * 100 if flushed else 0.0


def measure(rounds: int) -> Measured:
    found = Measured(f"% of {BURST:,} spans delivered, with default bounds")
    with sink() as address:
        found.add(interleave({OURS: partial(deliver_burst, address)}, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("burst", measure, rounds=3))
