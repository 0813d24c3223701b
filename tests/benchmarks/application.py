"""What `on_start` and `on_end` cost the application's thread, against the others.

BatchSpanProcessor's exporter does nothing; Langfuse's and Logfire's processors are those
that their SDKs set up. Every candidate gets new spans, live at their start, because some
processors add attributes then.

What is measured is a process at work: a run is open already, and the threads of each
candidate have started. BatchSpanProcessor starts its own as it is made, ours comes with the
first span.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from measuring import OURS, Measured, interleave
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from peers import attempt, finish, make_langfuse, make_logfire
from program import program
from sink import sink
from workload import config, live_spans

from infinium_otel import InfiniumSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import SpanProcessor

RUNS = 100
SETTLE_S = 0.05
"""How long the threads of a candidate have for its first spans."""


class Nowhere(SpanExporter):
    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def cost_us(make: Callable[[], SpanProcessor]) -> float:
    """CPU µs of this thread for a span's start and end."""
    processor, runs, earlier = make(), live_spans(RUNS), live_spans(1)
    root, *children = earlier.started
    for span in earlier.started:
        processor.on_start(span)
    for span in reversed(children):
        span.end()
        processor.on_end(span)
    time.sleep(SETTLE_S)
    started = runs.started
    on_start, on_end = processor.on_start, processor.on_end
    began = time.thread_time()
    for span in started:
        on_start(span)
    starts_s = time.thread_time() - began
    ended = runs.end_all()
    began = time.thread_time()
    for span in ended:
        on_end(span)
    ends_s = time.thread_time() - began
    root.end()
    processor.on_end(root)
    finish(processor)
    return (starts_s + ends_s) / len(ended) * 1e6


def make_batch() -> SpanProcessor:
    return BatchSpanProcessor(Nowhere(), max_queue_size=10**6)


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU in the application's thread, a span")
    with sink() as address:
        makers: dict[str, Callable[[], SpanProcessor]] = {
            OURS: lambda: InfiniumSpanProcessor(config(address)),
            "BatchSpanProcessor": make_batch,
        }
        for name, make in (("Langfuse", make_langfuse), ("Logfire", make_logfire)):
            with attempt(found, name):
                cost_us(partial(make, address))
                makers[name] = partial(make, address)
        found.add(
            interleave({n: partial(cost_us, m) for n, m in makers.items()}, rounds)
        )
    return found


if __name__ == "__main__":
    sys.exit(program("application", measure, rounds=15))
