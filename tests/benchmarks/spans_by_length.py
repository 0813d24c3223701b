"""Runs of any length as OTLP requests, as a Collector writes them to Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from recorded import sdk_span
from trees import one_run

from infinium_otel import otlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import SpanRecord

SPANS_OF_MESSAGE = 100
"""How many spans of a run a message holds, at most; the Collector batches them."""


def make_spans(number: int, length: int) -> Iterator[SpanRecord]:
    """The spans of run *number*, in end order: calls and tools, and the agent last."""
    (resource,) = one_run(number, length)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    agent, *steps = scope["spans"]
    for wire in (*steps, agent):
        scopes = [{"scope": scope["scope"], "spans": [wire]}]
        document = {"resourceSpans": [{"resource": {}, "scopeSpans": scopes}]}
        yield from otlp.from_json(document).records


def make_messages(number: int, length: int) -> Iterator[bytes]:
    """Run *number* as messages."""
    spans = list(make_spans(number, length))
    for at in range(0, len(spans), SPANS_OF_MESSAGE):
        yield encode(spans[at : at + SPANS_OF_MESSAGE])


def encode(spans: Iterable[SpanRecord]) -> bytes:
    """*spans* as one message."""
    return encode_spans(map(sdk_span, spans)).SerializeToString()
