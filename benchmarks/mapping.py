"""What mapping costs beside OTLP: CPU time over the same spans, interleaved.

    python benchmarks/mapping.py [LIBRARY ...] [--rounds N] [--most RATIO]

Ours: read the SDK's spans, assemble, read, map, redact, fit. The OTLP/HTTP exporter's:
encode to protobuf and gzip, in the batches that it would send. A ratio is the median
over the rounds; with --most the exit code is 1 if a library's is above.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import io
import statistics
import sys
import time
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from recorded import libraries, scenarios, sdk_span

from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from infinium_otel.sdkspans import span_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from infinium_otel.records import SpanRecord

BATCH = 512
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


def convert(spans: Sequence[ReadableSpan]) -> None:
    for span in spans:
        span_record(span)


def cpu_s(work: Callable[[], None]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def measure(library: str, rounds: int) -> tuple[int, list[float], list[float], float]:
    """Spans, then per round the ratio of mapping, of both, and OTLP's µs a span."""
    runs = list(scenarios(library))
    spans = [sdk_span(record) for run in runs for record in run]
    mapped, both, theirs = [], [], []
    map_all(runs)
    encode_and_gzip(spans)
    for _ in range(rounds):
        gc.collect()
        otlp_s = cpu_s(lambda: encode_and_gzip(spans))
        map_s = cpu_s(lambda: map_all(runs))
        convert_s = cpu_s(lambda: convert(spans))
        mapped.append(map_s / otlp_s)
        both.append((map_s + convert_s) / otlp_s)
        theirs.append(otlp_s / len(spans) * 1e6)
    return len(spans), mapped, both, statistics.median(theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("library", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--most", type=float)
    options = parser.parse_args()
    print(f"{'library':28}{'spans':>6}{'OTLP µs':>9}{'mapping':>9}{'+ reading':>10}")
    above = []
    for library in options.library or libraries():
        count, mapped, both, theirs = measure(library, options.rounds)
        ratio = statistics.median(mapped)
        print(
            f"{library:28}{count:6}{theirs:9.0f}{ratio:8.2f}x"
            f"{statistics.median(both):9.2f}x",
            flush=True,
        )
        if options.most is not None and ratio > options.most:
            above.append(library)
    if above:
        print(f"above {options.most}: {', '.join(above)}", file=sys.stderr)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
