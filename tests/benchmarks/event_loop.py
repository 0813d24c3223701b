"""How late an asyncio event loop is while agents run, against the OTLP/HTTP exporter.

The loop ends 50 runs of ten spans a second. Printed is by how much its timers are late,
with each candidate in turn; "nothing" records spans that go nowhere. On a busy machine
every timer is late; the second figure does not depend on that: how long our thread
computes, in CPU time, before it hands the interpreter over.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from measuring import OURS, Measured, interleave, summarize
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from peers import attempt, finish, make_exporter, make_langfuse, make_logfire
from program import program
from sink import sink
from workload import config, recorded, run

from infinium_otel import InfiniumSpanProcessor
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from infinium_otel.records.from_sdk import to_span_record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

RUNS_PER_SECOND = 50
SECONDS = 4.0
TICK_S = 0.001


async def end_runs(tracer: Tracer, seconds: float) -> None:
    for number in range(int(seconds * RUNS_PER_SECOND)):
        run(tracer, number)
        await asyncio.sleep(1 / RUNS_PER_SECOND)


async def measure_ms(tracer: Tracer, seconds: float) -> list[float]:
    """By how many ms each timer of the loop was late."""
    loop = asyncio.get_running_loop()
    runs = asyncio.create_task(end_runs(tracer, seconds))
    late = []
    while not runs.done():
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append((loop.time() - due) * 1e3)
    return late


def find_p99_ms(processor: SpanProcessor | None) -> float:
    provider = TracerProvider(shutdown_on_exit=False)
    if processor is not None:
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai")
    asyncio.run(measure_ms(tracer, 0.5))
    late = sorted(asyncio.run(measure_ms(tracer, SECONDS)))
    if processor is not None:
        finish(processor)
    return late[int(len(late) * 0.99)]


def measure_stretches_ms(runs: int = 300) -> list[float]:
    """CPU time between two points at which the mapping may pause, ascending."""
    stretches: list[float] = []
    last = time.thread_time()

    def pause() -> None:
        nonlocal last
        stretches.append((time.thread_time() - last) * 1e3)
        last = time.thread_time()

    pipeline = Pipeline(Config())
    pipeline.pause = pause
    for events in recorded(runs):
        records = [to_span_record(span) for is_start, span in events if not is_start]
        last = time.thread_time()
        pipeline.feed(records, 0.0)
        pause()
    return sorted(stretches)


def otlp(address: str) -> SpanProcessor:
    return BatchSpanProcessor(make_exporter(address), schedule_delay_millis=200)


def measure(rounds: int) -> Measured:
    found = Measured("ms late, 99th percentile of a loop's timers")
    stretches = measure_stretches_ms()
    with sink() as address:
        works = {
            OURS: lambda: find_p99_ms(InfiniumSpanProcessor(config(address))),
            "nothing": lambda: find_p99_ms(None),
        }
        makers = (
            ("OTLP", otlp),
            ("Langfuse", make_langfuse),
            ("Logfire", make_logfire),
        )
        for name, make in makers:
            with attempt(found, name):
                make(address)
                works[name] = lambda make=make: find_p99_ms(make(address))
        found.add(interleave(works, rounds))
    rare = stretches[int(len(stretches) * 0.999)]
    found.figures["stretch, 99.9th percentile"] = summarize([rare])
    return found


if __name__ == "__main__":
    sys.exit(program("event_loop", measure, rounds=7))
