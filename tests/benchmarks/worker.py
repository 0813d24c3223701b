"""CPU time from ended spans to delivered requests, against the others.

All threads of the process count; the server is another process. The OTLP/HTTP exporter
is measured with full batches, as BatchSpanProcessor sends them under load, and with one
request for each trace, as we send them. Langfuse's and Logfire's processors are those
that their SDKs set up; both send batches.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from measuring import OURS, Measured, interleave
from peers import attempt, make_exporter, make_langfuse, make_logfire
from program import program
from sink import sink
from workload import SPANS, config, live_spans, recorded

from infinium_otel import InfiniumSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

RUNS = 100
BATCH = 512
FLUSH_MS = 60_000


def us_per_span(seconds: float) -> float:
    return seconds / (RUNS * SPANS) * 1e6


def deliver_ours(address: str) -> float:
    processor = InfiniumSpanProcessor(config(address))
    runs = [list(run) for run in recorded(RUNS)]
    began = time.process_time()
    for run in runs:
        for is_start, span in run:
            (processor.on_start if is_start else processor.on_end)(span)
    assert processor.force_flush(FLUSH_MS)
    used_s = time.process_time() - began
    processor.shutdown()
    return us_per_span(used_s)


def export(exporter: Any, batches: list[list[ReadableSpan]]) -> float:
    began = time.process_time()
    for batch in batches:
        exporter.export(batch)
    return us_per_span(time.process_time() - began)


def deliver_theirs(make: Callable[[], SpanProcessor]) -> float:
    """Like ours; their processors add attributes at the start, so spans must be live."""
    processor, runs = make(), live_spans(RUNS)
    started = runs.started
    began = time.process_time()
    for span in started:
        processor.on_start(span)
    starts_s = time.process_time() - began
    ended = runs.end_all()
    began = time.process_time()
    for span in ended:
        processor.on_end(span)
    assert processor.force_flush(FLUSH_MS)
    return us_per_span(starts_s + time.process_time() - began)


def make_batches() -> tuple[list[list[ReadableSpan]], list[list[ReadableSpan]]]:
    """The same spans in full batches, and one batch a trace."""
    runs = [[span for is_start, span in run if not is_start] for run in recorded(RUNS)]
    flat = [span for run in runs for span in run]
    return [flat[at : at + BATCH] for at in range(0, len(flat), BATCH)], runs


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU in all threads, a span")
    full, runs = make_batches()
    with sink() as address:
        works = {OURS: partial(deliver_ours, address)}
        deliver_ours(address)  # the first span imports the mapping
        with attempt(found, "OTLP"):
            exporter = make_exporter(address)
            export(exporter, full)
            works["OTLP batched"] = partial(export, exporter, full)
            works["OTLP per trace"] = partial(export, exporter, runs)
        for name, make in (("Langfuse", make_langfuse), ("Logfire", make_logfire)):
            with attempt(found, name):
                deliver_theirs(partial(make, address))
                works[name] = partial(deliver_theirs, partial(make, address))
        found.add(interleave(works, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("worker", measure, rounds=9))
