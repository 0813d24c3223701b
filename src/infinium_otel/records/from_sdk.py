"""Ended spans and log records of the OpenTelemetry SDK, as our own records.

They are read by the names of their attributes, so nothing of the SDK is imported here
and any object of that shape works.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from infinium_otel.records import (
    NOTHING,
    Attributes,
    LogEvent,
    SpanEvent,
    SpanLink,
    SpanRecord,
    SpanStart,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SDK = "opentelemetry.sdk.trace"
_PRIVATE = {name: f"_{name}" for name in ("attributes", "events", "links")}
MISSING = object()

# The numbers are those of the API's enums, which differ from OTLP's.
# Source: opentelemetry.trace.SpanKind, opentelemetry.trace.status.StatusCode.
_KINDS = {0: "internal", 1: "server", 2: "client", 3: "producer", 4: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}

ANNOTATED = "infinium.annotated"
"""The attribute with which `annotate()` marks a span as annotated by this process."""

ANNOTATION_MARK = uuid4().hex
"""Its value, which nothing outside this process knows; a forked child has the same."""


def to_span_record(span: Any) -> SpanRecord:
    """The record of one ended span.

    Args:
        span: a `ReadableSpan` of SDK 1.30 or later, or anything of that shape.

    Raises:
        AttributeError, TypeError, ValueError: *span* has no usable context or is
            not like a span.
    """
    context = span.context
    parent = span.parent
    parent_id = parent.span_id if parent else 0
    status = span.status
    scope = span.instrumentation_scope
    end_ns = _read_time(span.end_time)
    start_ns = _read_time(span.start_time) or end_ns
    attributes = _copy_attributes(_get_uncopied(span, "attributes"))
    is_annotated = ANNOTATED in attributes and _take_mark(attributes)
    return SpanRecord(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=f"{parent_id:016x}" if parent_id else None,
        name=_read_text(span.name),
        start_ns=start_ns,
        end_ns=end_ns or start_ns,
        attributes=attributes,
        kind=_KINDS.get(_read_number(span.kind), "internal"),
        status=_STATUSES.get(_read_number(status.status_code), "unset"),
        status_message=_read_text(status.description) or None,
        events=_read_events(_get_uncopied(span, "events")),
        links=_read_links(_get_uncopied(span, "links")),
        scope_name=_read_text(scope.name) if scope else "",
        scope_version=_read_text(scope.version) if scope else "",
        resource=_read_resource(span.resource),
        parent_is_remote=bool(parent and parent.is_remote),
        dropped_attributes=_read_number(span.dropped_attributes),
        is_annotated=is_annotated,
    )


def _get_uncopied(span: Any, name: str, *default: Any) -> Any:
    """An attribute of *span*, not a copy of it if that can be had.

    The SDK's properties make copies: a proxy of the attributes, which is nine times as
    slow to read, and tuples of events and links. What they copy is private.
    Source: opentelemetry-sdk 1.39 to 1.45, `ReadableSpan`.
    """
    if type(span).__module__ == SDK:
        found = getattr(span, _PRIVATE[name], MISSING)
        if found is not MISSING:
            return found
    return getattr(span, name, *default)


def _take_mark(attributes: Attributes) -> bool:
    """Remove the mark of `annotate()`; report whether it is that of this process."""
    mark = attributes.pop(ANNOTATED, None) if isinstance(attributes, dict) else None
    return mark == ANNOTATION_MARK


def to_span_start(span: Any, *, with_attributes: bool = False) -> SpanStart:
    """The start of a span that runs.

    Args:
        span: what `SpanProcessor.on_start` is given.
        with_attributes: whether its name, scope and attributes are of interest.
    """
    context, parent = span.context, span.parent
    more: dict[str, Any] = {}
    if with_attributes:
        scope = getattr(span, "instrumentation_scope", None)
        more = {
            "name": _read_text(getattr(span, "name", None)),
            "attributes": _copy_attributes(_get_uncopied(span, "attributes", None)),
            "scope_name": _read_text(scope.name) if scope else "",
        }
    return SpanStart(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=f"{parent.span_id:016x}" if parent else None,
        parent_is_remote=bool(parent and parent.is_remote),
        **more,
    )


def to_log_event(log: Any) -> LogEvent | None:
    """The log event of one emitted log record.

    Args:
        log: what a log record processor or exporter of SDK 1.30 or later is given:
            `LogData`, `ReadableLogRecord` or `ReadWriteLogRecord`.

    Returns:
        None if the record has no span.

    Raises:
        AttributeError, TypeError, ValueError: *log* is not like a log record.
    """
    record = log.log_record
    if not (record.trace_id and record.span_id):
        return None
    attributes = _copy_attributes(record.attributes)
    # Up to SDK 1.34 an event's name was an attribute.
    name = getattr(record, "event_name", None) or attributes.get("event.name")
    scope = log.instrumentation_scope
    # Up to SDK 1.38 the resource was on the record.
    resource = getattr(log, "resource", None) or getattr(record, "resource", None)
    return LogEvent(
        trace_id=f"{record.trace_id:032x}",
        span_id=f"{record.span_id:016x}",
        name=_read_text(name),
        time_ns=_read_time(record.timestamp) or _read_time(record.observed_timestamp),
        attributes=attributes,
        body=record.body,
        severity=_read_number(record.severity_number),
        scope_name=_read_text(scope.name) if scope else "",
        resource=_read_resource(resource),
    )


def to_record(item: Any) -> SpanRecord | LogEvent | None:
    """*item* as a record: one of ours, or the SDK's span or log record.

    Returns:
        None for anything else, and for a log record that has no span.
    """
    if isinstance(item, (SpanRecord, LogEvent)):
        return item
    try:
        return (
            to_log_event(item) if hasattr(item, "log_record") else to_span_record(item)
        )
    except Exception:  # noqa: BLE001 - an object of others may do anything
        return None


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def _read_number(value: Any) -> int:
    """The number of an enum's member; the SDK's own enums are not all `IntEnum`."""
    number = getattr(value, "value", value)
    return number if isinstance(number, int) else 0


def _read_time(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _copy_attributes(attributes: Any) -> Attributes:
    """A copy: another processor may still change the span's own mapping."""
    if attributes is None or not _is_mapping(type(attributes)):
        return NOTHING
    inner = _get_inner_dict(attributes)
    return dict(inner) if inner else NOTHING


def _is_subclass_of_mapping(kind: type[Any]) -> bool:
    return issubclass(kind, Mapping)


_is_mapping: Callable[[Any], bool] = lru_cache(maxsize=64)(_is_subclass_of_mapping)
"""Whether a class is a `Mapping`: finding out takes as long as reading some attributes."""


def _get_inner_dict(attributes: Any) -> Attributes:
    """The dict inside the SDK's `BoundedAttributes`, if there is one."""
    inner = getattr(attributes, "_dict", None)
    plain: Attributes = inner if isinstance(inner, dict) else attributes
    return plain


def _read_resource(resource: Any) -> Attributes:
    """The resource's attributes, shared by all of its spans; they never change."""
    attributes = getattr(resource, "attributes", None)
    return _get_inner_dict(attributes) if _is_mapping(type(attributes)) else NOTHING


def _read_events(events: Iterable[Any]) -> tuple[SpanEvent, ...]:
    if not events:
        return ()
    return tuple(
        SpanEvent(
            _read_text(event.name),
            _read_time(event.timestamp),
            _copy_attributes(event.attributes),
        )
        for event in events
    )


def _read_links(links: Iterable[Any]) -> tuple[SpanLink, ...]:
    if not links:
        return ()
    return tuple(
        SpanLink(
            f"{link.context.trace_id:032x}",
            f"{link.context.span_id:016x}",
            _copy_attributes(link.attributes),
        )
        for link in links
    )
