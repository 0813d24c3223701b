"""From the bytes of an OTLP request to each product's own account of it.

Every recording in `tests/data` is one request in protobuf. Ours makes tasks of it: one for
each run, with what the whole run says. Phoenix's `decode_otlp_span` and Weave's `to_call`
are what their servers do with each span by itself. All three begin with the same bytes and
the same protobuf library, in one thread, and send and store nothing.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from measuring import OURS, Measured, interleave
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from peers import attempt
from program import program
from recorded import libraries, scenarios, sdk_span

from infinium_otel import otlp
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = Config(include="all")


def translate_ours(bodies: list[bytes]) -> None:
    pipeline = Pipeline(CONFIG)
    for body in bodies:
        pipeline.feed(otlp.from_protobuf(body, "traces").records, 0.0)
    pipeline.flush(0.0)


def translate_phoenix(decode_span: Callable[[Any], Any], bodies: list[bytes]) -> None:
    for body in bodies:
        for resource in TracesData.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    decode_span(span)


def translate_weave(traces: Any, bodies: list[bytes]) -> None:
    for body in bodies:
        data = traces.from_proto(TracesData.FromString(body))
        for resource in data.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    span.to_call("entity/project")


def us_per_span(work: Callable[[], None], spans: int) -> float:
    gc.collect()
    began = time.thread_time()
    work()
    return (time.thread_time() - began) / spans * 1e6


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU, a span")
    logging.disable()
    runs = [run for library in libraries() for run in scenarios(library)]
    spans = sum(map(len, runs))
    bodies = [encode_spans(map(sdk_span, run)).SerializeToString() for run in runs]
    works: dict[str, Callable[[], None]] = {OURS: partial(translate_ours, bodies)}
    with attempt(found, "Phoenix"):
        from phoenix.trace.otel import decode_otlp_span  # noqa: PLC0415 - a peer

        work = partial(translate_phoenix, decode_otlp_span, bodies)
        work()
        works["Phoenix"] = work
    with attempt(found, "Weave"):
        from weave.trace_server.opentelemetry.python_spans import (  # noqa: PLC0415
            TracesData as WeaveTraces,
        )

        work = partial(translate_weave, WeaveTraces, bodies)
        work()
        works["Weave"] = work
    works[OURS]()
    timed = {name: partial(us_per_span, work, spans) for name, work in works.items()}
    found.add(interleave(timed, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("translate", measure, rounds=9))
