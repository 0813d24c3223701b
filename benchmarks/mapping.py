"""What mapping costs beside OTLP: CPU time over the same spans, interleaved.

    python benchmarks/mapping.py [LIBRARY ...] [--rounds N] [--most RATIO]

Ours: read the SDK's spans, assemble, read, map, redact, fit. The OTLP/HTTP exporter's:
encode to protobuf and gzip, in the batches that it would send. The floor is what of
ours no mapping in Python can do without: the JSON parsed that previews need, and the
texts that leave searched for credentials, both in C. A ratio is the median over the
rounds; with --most the exit code is 1 if a library's is above.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import io
import json
import math
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from recorded import libraries, scenarios, sdk_span

from infinium_otel import redaction
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from infinium_otel.sdkspans import span_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from infinium_otel.records import SpanRecord

BATCH = 512
LOADS = json.loads
POSSIBLE = redaction._possible  # noqa: SLF001 - what is measured is the inside
CONFIG = Config(include="all")


def encode_and_gzip(spans: Sequence[ReadableSpan]) -> None:
    for start in range(0, len(spans), BATCH):
        body = encode_spans(spans[start : start + BATCH]).SerializeToString()
        with gzip.GzipFile(fileobj=io.BytesIO(), mode="w") as stream:
            stream.write(body)


def map_all(runs: Sequence[Sequence[SpanRecord]]) -> None:
    pipeline = Pipeline(CONFIG)
    for run in runs:
        pipeline.feed(run, 0.0)
    pipeline.flush(0.0)


class Floor:
    """The work of C code that mapping *runs* comes down to, to be done again alone."""

    def __init__(self, runs: Sequence[Sequence[SpanRecord]]) -> None:
        self._parsed: list[str] = []
        self._searched: list[str] = []
        with (
            patch.object(json, "loads", self._parse),
            patch.object(redaction, "_possible", self._search),
        ):
            map_all(runs)

    def _parse(self, text: str) -> Any:
        found = LOADS(text)
        self._parsed.append(text)  # if it is JSON
        return found

    def _search(self, text: str) -> Any:
        self._searched.append(text)
        return POSSIBLE(text)

    def work(self) -> None:
        for text in self._parsed:
            LOADS(text)
        for text in self._searched:
            POSSIBLE(text)


def convert(spans: Sequence[ReadableSpan]) -> None:
    for span in spans:
        span_record(span)


def cpu_s(work: Callable[[], None]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds: OTLP's µs a span, and ratios to it."""

    spans: int
    otlp_us: float
    mapping: float
    with_reading: float
    floor: float


def measure(library: str, rounds: int) -> Cost:
    runs = list(scenarios(library))
    spans = [sdk_span(record) for run in runs for record in run]
    floor = Floor(runs)
    encode_and_gzip(spans)
    seconds = []
    for _ in range(rounds):
        gc.collect()
        seconds.append(
            (
                cpu_s(lambda: encode_and_gzip(spans)),
                cpu_s(lambda: map_all(runs)),
                cpu_s(lambda: convert(spans)),
                cpu_s(floor.work),
            )
        )
    return Cost(
        len(spans),
        statistics.median(otlp for otlp, *_ in seconds) / len(spans) * 1e6,
        statistics.median(ours / otlp for otlp, ours, _, _ in seconds),
        statistics.median((o + read) / otlp for otlp, o, read, _ in seconds),
        statistics.median(least / otlp for otlp, _, _, least in seconds),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("library", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--most", type=float, default=math.inf)
    options = parser.parse_args()
    print(
        f"{'library':28}{'spans':>6}{'OTLP µs':>9}"
        f"{'mapping':>9}{'+ reading':>10}{'floor':>7}"
    )
    costs = {}
    for library in options.library or libraries():
        cost = costs[library] = measure(library, options.rounds)
        print(
            f"{library:28}{cost.spans:6}{cost.otlp_us:9.0f}"
            f"{cost.mapping:8.2f}x{cost.with_reading:9.2f}x{cost.floor:6.2f}x",
            flush=True,
        )
    mean = statistics.fmean(cost.mapping for cost in costs.values())
    floor = statistics.fmean(cost.floor for cost in costs.values())
    print(f"on average: mapping {mean:.2f}x, floor {floor:.2f}x")
    above = [name for name, cost in costs.items() if cost.mapping > options.most]
    if above:
        print(f"above {options.most}: {', '.join(above)}", file=sys.stderr)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
