"""The recordings in tests/data as spans: ours, and the SDK's."""

from __future__ import annotations

import sys
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from infinium_otel import otlp
from infinium_otel.records import SpanRecord

sys.path.insert(0, str(Path(__file__).parents[1]))
from typing import TYPE_CHECKING

from support.corpus import names, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLED = TraceFlags(1)


def libraries() -> list[str]:
    """Names of the recorded libraries."""
    return sorted({name.partition("/")[0] for name in names()})


def scenarios(library: str) -> Iterator[list[SpanRecord]]:
    """The spans of each recording of *library*, in end order."""
    for name in names(library):
        decoded = otlp.from_json(recording(name).spans)
        yield [record for record in decoded.records if isinstance(record, SpanRecord)]


def sdk_span(record: SpanRecord) -> ReadableSpan:
    """*record* as a span of the SDK, for code that accepts only those."""
    return ReadableSpan(
        name=record.name,
        context=_context(record.trace_id, record.span_id),
        parent=record.parent_id
        and _context(record.trace_id, record.parent_id, remote=record.parent_is_remote),
        resource=Resource(dict(record.resource)),
        attributes=dict(record.attributes),
        events=[Event(e.name, dict(e.attributes), e.time_ns) for e in record.events],
        links=[
            Link(_context(link.trace_id, link.span_id), dict(link.attributes))
            for link in record.links
        ],
        kind=SpanKind[record.kind.upper()],
        status=Status(StatusCode[record.status.upper()], record.status_message),
        start_time=record.start_ns,
        end_time=record.end_ns,
        instrumentation_scope=InstrumentationScope(
            record.scope_name, record.scope_version
        ),
    )


def _context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, SAMPLED)
