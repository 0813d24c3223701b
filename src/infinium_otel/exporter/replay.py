"""replay(): passes recorded spans to the processors of a tracer provider.

A tracer gives every span a new id and the current time. Recorded spans have both already,
so they are passed to the processors directly.
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

from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.errors import InfiniumError
from infinium_otel.runtime.sdk_processors import list_processors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.util.types import AttributeValue

    from infinium_otel.records import SpanRecord

_SIMPLE = (str, bool, int, float, bytes)


def replay(records: Iterable[SpanRecord], provider: TracerProvider) -> int:
    """Pass *records* to every processor of *provider*, in the order in which they ended.

    Args:
        records: ended spans; they count as sampled.
        provider: its processors (and their exporters) receive them like other spans;
            its resource is used for records without one.

    Returns:
        How many spans were passed on.

    Raises:
        InfiniumError: *provider* has no processor, or they cannot be found.
    """
    processors = list_processors(provider)
    if not processors:
        raise InfiniumError("replay: the tracer provider has no span processor")
    spans = [to_readable_span(record, provider.resource) for record in records]
    # If spans end at the same time, the root ends last, as it does in a tracer.
    spans.sort(key=lambda span: (span.end_time or 0, span.parent is None))
    for span in spans:
        for processor in processors:
            processor.on_end(span)
    return len(spans)


def to_readable_span(
    record: SpanRecord, resource: Resource | None = None
) -> ReadableSpan:
    """Convert *record* to the SDK's type.

    Args:
        record: the span.
        resource: used if the record has no resource attributes; None for an empty one.
    """
    own = Resource(_to_attributes(record.resource)) if record.resource else resource
    parent = record.parent_id
    remote = record.parent_is_remote
    return ReadableSpan(
        name=record.name,
        context=_make_context(record.trace_id, record.span_id),
        parent=_make_context(record.trace_id, parent, remote=remote)
        if parent
        else None,
        resource=own or Resource.get_empty(),
        attributes=_to_attributes(record.attributes),
        events=[
            Event(event.name, _to_attributes(event.attributes), event.time_ns)
            for event in record.events
        ],
        links=[
            Link(
                _make_context(link.trace_id, link.span_id),
                _to_attributes(link.attributes),
            )
            for link in record.links
        ],
        kind=SpanKind[record.kind.upper()],
        status=_to_status(record),
        start_time=record.start_ns,
        end_time=record.end_ns,
        instrumentation_scope=InstrumentationScope(
            record.scope_name, record.scope_version
        ),
    )


def _make_context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, flags)


def _to_status(record: SpanRecord) -> Status:
    code = StatusCode[record.status.upper()]
    message = record.status_message if code is StatusCode.ERROR else None
    return Status(code, message)


def _to_attributes(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Attributes in the types the SDK supports: nested values as JSON, no nulls."""
    return {
        key: value if _is_plain(value) else to_text(value)
        for key, value in attributes.items()
        if value is not None
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        kinds = {type(item) for item in value}
        return len(kinds) <= 1 and kinds <= {str, bool, int, float}
    return isinstance(value, _SIMPLE)
