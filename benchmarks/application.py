"""What `on_start` and `on_end` cost the application, beside BatchSpanProcessor."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from sink import sink
from workload import config, recorded

from infinium_otel import InfiniumSpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

RUNS = 100
GOAL = 0.5


class Nowhere(SpanExporter):
    def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002 - given by the SDK
        return SpanExportResult.SUCCESS


def cost_us(processor: SpanProcessor, told: list[tuple[bool, Any]]) -> float:
    """CPU µs of this thread for a span's start and end."""
    on_start, on_end = processor.on_start, processor.on_end
    began = time.thread_time()
    for is_start, span in told:
        if is_start:
            on_start(span)
        else:
            on_end(span)
    return (time.thread_time() - began) / len(told) * 2 * 1e6


def main(rounds: int = 15) -> bool:
    told = [event for run in recorded(RUNS) for event in run]
    theirs, ours = [], []
    with sink() as address:
        for _ in range(rounds):
            batch = BatchSpanProcessor(Nowhere(), max_queue_size=10**6)
            theirs.append(cost_us(batch, told))
            batch.shutdown()
            processor = InfiniumSpanProcessor(config(address))
            ours.append(cost_us(processor, told))
            processor.shutdown()
    ratio = statistics.median(o / t for o, t in zip(ours, theirs, strict=True))
    print(
        f"on_start + on_end: {statistics.median(ours):.2f} µs a span; "
        f"BatchSpanProcessor {statistics.median(theirs):.2f} µs; "
        f"ratio {ratio:.2f}, goal {GOAL}"
    )
    return ratio <= GOAL


if __name__ == "__main__":
    main()
