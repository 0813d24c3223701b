"""What mapping costs against OTLP: CPU time for the same spans, interleaved.

Ours: read the SDK's spans, assemble, read, map, redact, fit. The OTLP/HTTP exporter's:
encode to protobuf and gzip, in the batches that it would send. The floor is the part of
ours that no mapping in Python can avoid: parsing the JSON that previews need, and
searching outgoing texts for credentials, both in C. The ratios are those of each library
whose recordings are in `tests/data`.
"""

from __future__ import annotations

import gc
import gzip
import io
import logging
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from measuring import Measured, interleave, summarize
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from program import program
from recorded import libraries, scenarios, sdk_span

from infinium_otel.config import Config
from infinium_otel.dialects import lenient_json
from infinium_otel.pipeline import Pipeline
from infinium_otel.records.from_sdk import to_span_record
from infinium_otel.redaction import task_redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from measuring import Spread
    from opentelemetry.sdk.trace import ReadableSpan

    from infinium_otel.records import SpanRecord

BATCH = 512
LOADS = lenient_json._parse
FIND_MATCHING = task_redaction._find_matching
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
    """The C code that mapping *runs* cannot avoid, recorded to be run on its own."""

    def __init__(self, runs: Sequence[Sequence[SpanRecord]]) -> None:
        self._parsed: list[str] = []
        self._searched: list[str] = []
        with (
            patch.object(lenient_json, "_parse", self._parse),
            patch.object(task_redaction, "_find_matching", self._search),
        ):
            map_all(runs)

    def _parse(self, text: str) -> Any:
        found = LOADS(text)
        self._parsed.append(text)  # if it is JSON
        return found

    def _search(self, text: str) -> Any:
        self._searched.append(text)
        return FIND_MATCHING(text)

    def work(self) -> None:
        for text in self._parsed:
            LOADS(text)
        for text in self._searched:
            FIND_MATCHING(text)


def convert(spans: Sequence[ReadableSpan]) -> None:
    for span in spans:
        to_span_record(span)


def cpu_s(work: Callable[[], None]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def measure_library(library: str, rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each round; the garbage of one is no cost of the next."""
    runs = list(scenarios(library))
    spans = [sdk_span(record) for run in runs for record in run]
    floor = Floor(runs)
    encode_and_gzip(spans)
    works: dict[str, Callable[[], None]] = {
        "OTLP": lambda: encode_and_gzip(spans),
        "mapping": lambda: map_all(runs),
        "reading": lambda: convert(spans),
        "floor": floor.work,
    }

    def timed(work: Callable[[], None]) -> float:
        gc.collect()
        return cpu_s(work)

    return interleave({n: partial(timed, w) for n, w in works.items()}, rounds)


def measure(rounds: int) -> Measured:
    found = Measured("times what OTLP's encode and gzip take for the same spans")
    logging.disable()
    seconds = {name: measure_library(name, rounds) for name in libraries()}
    shares = {
        name: [a / b for a, b in zip(each["mapping"], each["OTLP"], strict=True)]
        for name, each in seconds.items()
    }
    found.ratios = {name: summarize(values) for name, values in shares.items()}
    worst = max(found.ratios, key=lambda name: found.ratios[name].median)
    best = min(found.ratios, key=lambda name: found.ratios[name].median)
    found.figures = {
        "average": average(seconds, ("mapping",)),
        "worst library": found.ratios[worst],
        "best library": found.ratios[best],
        "with reading the SDK's spans": average(seconds, ("mapping", "reading")),
        "C code in it": average(seconds, ("floor",)),
    }
    return found


def average(seconds: dict[str, dict[str, list[float]]], parts: Sequence[str]) -> Spread:
    """The mean over all libraries, of each round."""
    rounds = len(next(iter(seconds.values()))["OTLP"])
    return summarize(
        [
            statistics.fmean(
                sum(each[part][number] for part in parts) / each["OTLP"][number]
                for each in seconds.values()
            )
            for number in range(rounds)
        ]
    )


if __name__ == "__main__":
    sys.exit(program("mapping", measure, rounds=7))
