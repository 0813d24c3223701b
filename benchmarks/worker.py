"""CPU time from ended spans to delivered requests, beside the OTLP/HTTP exporter.

All threads of the process count; the server is another process.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from sink import sink
from workload import SPANS, config, recorded

from infinium_otel import InfiniumSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 100
BATCH = 512
GOALS = {"batched": 0.7, "per trace": 0.35}


def cpu_us(work: Callable[[], None]) -> float:
    """CPU µs a span of *work* over all runs."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / (RUNS * SPANS) * 1e6


def ours(address: str, told: list[list[tuple[bool, Any]]]) -> Callable[[], None]:
    processor = InfiniumSpanProcessor(config(address))

    def work() -> None:
        for run in told:
            for is_start, span in run:
                (processor.on_start if is_start else processor.on_end)(span)
        assert processor.force_flush()

    return work


def theirs(
    address: str, spans: list[list[Any]], batch: int | None
) -> Callable[[], None]:
    exporter = OTLPSpanExporter(
        endpoint=f"{address}/v1/traces", compression=Compression.Gzip
    )
    flat = [span for run in spans for span in run]
    batches = spans
    if batch is not None:
        batches = [flat[start : start + batch] for start in range(0, len(flat), batch)]

    def work() -> None:
        for one in batches:
            exporter.export(one)

    return work


def main(rounds: int = 7) -> bool:
    told = [list(run) for run in recorded(RUNS)]
    spans = [[span for is_start, span in run if not is_start] for run in told]
    costs: dict[str, list[float]] = {"ours": [], "batched": [], "per trace": []}
    with sink() as address:
        theirs(address, spans, BATCH)()
        for _ in range(rounds):
            fresh = [list(run) for run in recorded(RUNS)]
            work = ours(address, fresh)
            costs["ours"].append(cpu_us(work))
            costs["batched"].append(cpu_us(theirs(address, spans, BATCH)))
            costs["per trace"].append(cpu_us(theirs(address, spans, None)))
    met = True
    print(f"delivered, ours: {statistics.median(costs['ours']):.0f} µs CPU a span")
    for name, goal in GOALS.items():
        pairs = zip(costs["ours"], costs[name], strict=True)
        ratio = statistics.median(o / t for o, t in pairs)
        met = met and ratio <= goal
        print(
            f"  OTLP gzip {name}: {statistics.median(costs[name]):.0f} µs; "
            f"ratio {ratio:.2f}, goal {goal}"
        )
    return met


if __name__ == "__main__":
    main()
