"""Records into a running OpenTelemetry pipeline, as the ended spans they describe.

An SDK's tracer gives every span a new id and the present time. What another system
recorded has both already, so its spans go to the processors as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from infinium_otel.jsontext import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.util.types import AttributeValue

    from infinium_otel.records import SpanRecord

_SIMPLE = (str, bool, int, float, bytes)


def replay(records: Iterable[SpanRecord], provider: TracerProvider) -> int:
    """Hand *records* to every processor of *provider*, in the order of their ends.

    Args:
        records: ended spans; they count as sampled.
        provider: its processors (and so its exporters) see them as any other span;
            its resource stands in for that of a record that has none.

    Returns:
        How many spans were handed over.
    """
    spans = [readable_span(record, provider.resource) for record in records]
    # Of spans that end together the run's own ends last, as it would have.
    spans.sort(key=lambda span: (span.end_time or 0, span.parent is None))
    for span in spans:
        # The SDK offers no public way to a provider's processors.
        provider._active_span_processor.on_end(span)  # noqa: SLF001
    return len(spans)


def readable_span(record: SpanRecord, resource: Resource | None = None) -> ReadableSpan:
    """*record* as the SDK has it.

    Args:
        record: the span.
        resource: used where the record has no resource attributes; None for none.
    """
    own = Resource(_attributes(record.resource)) if record.resource else resource
    parent = record.parent_id
    remote = record.parent_is_remote
    return ReadableSpan(
        name=record.name,
        context=_context(record.trace_id, record.span_id),
        parent=_context(record.trace_id, parent, remote=remote) if parent else None,
        resource=own or Resource.get_empty(),
        attributes=_attributes(record.attributes),
        events=[
            Event(event.name, _attributes(event.attributes), event.time_ns)
            for event in record.events
        ],
        links=[
            Link(_context(link.trace_id, link.span_id), _attributes(link.attributes))
            for link in record.links
        ],
        kind=SpanKind[record.kind.upper()],
        status=_status(record),
        start_time=record.start_ns,
        end_time=record.end_ns,
        instrumentation_scope=InstrumentationScope(
            record.scope_name, record.scope_version
        ),
    )


def _context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, flags)


def _status(record: SpanRecord) -> Status:
    code = StatusCode[record.status.upper()]
    message = record.status_message if code is StatusCode.ERROR else None
    return Status(code, message)


def _attributes(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Attributes as the SDK takes them: nested values as JSON, no nulls."""
    return {
        key: value if _is_plain(value) else text_of(value)
        for key, value in attributes.items()
        if value is not None
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        kinds = {type(item) for item in value}
        return len(kinds) <= 1 and kinds <= {str, bool, int, float}
    return isinstance(value, _SIMPLE)
