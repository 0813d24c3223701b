"""Ended spans and log records of the OpenTelemetry SDK, as our own records.

They are read by the names of their attributes, so nothing of the SDK is imported here
and any object of that shape will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.records import (
    NOTHING,
    Attributes,
    LogEvent,
    SpanEvent,
    SpanLink,
    SpanRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SDK = "opentelemetry.sdk.trace"

# The numbers are those of the API's enums, which differ from OTLP's.
# Source: opentelemetry.trace.SpanKind, opentelemetry.trace.status.StatusCode.
_KINDS = {0: "internal", 1: "server", 2: "client", 3: "producer", 4: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}


def span_record(span: Any) -> SpanRecord:
    """The record of one ended span.

    Args:
        span: a `ReadableSpan` of SDK 1.30 or later, or anything of that shape.

    Raises:
        AttributeError, TypeError, ValueError: *span* has no usable context or is
            nothing like a span.
    """
    # The SDK's properties copy: a proxy of the attributes, which is nine times as slow
    # to read, and tuples of events and links.
    inside = "_" if type(span).__module__ == SDK else ""
    context = span.context
    parent = span.parent
    status = span.status
    scope = span.instrumentation_scope
    end_ns = _time(span.end_time)
    start_ns = _time(span.start_time) or end_ns
    return SpanRecord(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=f"{parent.span_id:016x}" if parent and parent.span_id else None,
        name=_text(span.name),
        start_ns=start_ns,
        end_ns=end_ns or start_ns,
        attributes=_attributes(getattr(span, inside + "attributes")),
        kind=_KINDS.get(_number(span.kind), "internal"),
        status=_STATUSES.get(_number(status.status_code), "unset"),
        status_message=_text(status.description) or None,
        events=_events(getattr(span, inside + "events")),
        links=_links(getattr(span, inside + "links")),
        scope_name=_text(scope.name) if scope else "",
        scope_version=_text(scope.version) if scope else "",
        resource=_resource(span.resource),
        parent_is_remote=bool(parent and parent.is_remote),
        dropped_attributes=_number(span.dropped_attributes),
    )


def log_event(log: Any) -> LogEvent | None:
    """The log event of one emitted log record.

    Args:
        log: what a log record processor or exporter of SDK 1.30 or later is given:
            `LogData`, `ReadableLogRecord` or `ReadWriteLogRecord`.

    Returns:
        None if the record belongs to no span.

    Raises:
        AttributeError, TypeError, ValueError: *log* is nothing like a log record.
    """
    record = log.log_record
    if not (record.trace_id and record.span_id):
        return None
    attributes = _attributes(record.attributes)
    # Up to SDK 1.34 an event's name was an attribute.
    name = getattr(record, "event_name", None) or attributes.get("event.name")
    scope = log.instrumentation_scope
    # Up to SDK 1.38 the resource stood on the record.
    resource = getattr(log, "resource", None) or getattr(record, "resource", None)
    return LogEvent(
        trace_id=f"{record.trace_id:032x}",
        span_id=f"{record.span_id:016x}",
        name=_text(name),
        time_ns=_time(record.timestamp) or _time(record.observed_timestamp),
        attributes=attributes,
        body=record.body,
        severity=_number(record.severity_number),
        scope_name=_text(scope.name) if scope else "",
        resource=_resource(resource),
    )


def as_record(item: Any) -> SpanRecord | LogEvent | None:
    """*item* as a record: one of ours, or the SDK's span or log record.

    Returns:
        None for anything else, and for a log record that belongs to no span.
    """
    if isinstance(item, (SpanRecord, LogEvent)):
        return item
    try:
        return log_event(item) if hasattr(item, "log_record") else span_record(item)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def _number(value: Any) -> int:
    """The number of an enum's member; the SDK's own enums are not all `IntEnum`."""
    number = getattr(value, "value", value)
    return number if isinstance(number, int) else 0


def _time(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _attributes(attributes: Any) -> Attributes:
    """A copy: the span's own mapping may still be changed by another processor."""
    if not attributes:
        return NOTHING
    return dict(_plain(attributes)) if isinstance(attributes, Mapping) else NOTHING


def _plain(attributes: Any) -> Attributes:
    """The dict inside the SDK's `BoundedAttributes`, where there is one."""
    inner = getattr(attributes, "_dict", None)
    plain: Attributes = inner if isinstance(inner, dict) else attributes
    return plain


def _resource(resource: Any) -> Attributes:
    """The resource's attributes, shared by all of its spans; they never change."""
    attributes = getattr(resource, "attributes", None)
    return _plain(attributes) if isinstance(attributes, Mapping) else NOTHING


def _events(events: Iterable[Any]) -> tuple[SpanEvent, ...]:
    if not events:
        return ()
    return tuple(
        SpanEvent(
            _text(event.name), _time(event.timestamp), _attributes(event.attributes)
        )
        for event in events
    )


def _links(links: Iterable[Any]) -> tuple[SpanLink, ...]:
    if not links:
        return ()
    return tuple(
        SpanLink(
            f"{link.context.trace_id:032x}",
            f"{link.context.span_id:016x}",
            _attributes(link.attributes),
        )
        for link in links
    )
