"""An OTLP/JSON request to records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.otlp._decoded import (
    KINDS,
    REMOTE_PARENT,
    STATUSES,
    Decoded,
    fill_times,
)
from infinium_otel.otlp._fields import (
    Json,
    read_enum,
    read_list,
    read_number,
    read_object,
    read_objects,
    read_text,
    to_camel_case,
)
from infinium_otel.otlp._values import (
    SPAN_ID,
    TRACE_ID,
    UNREADABLE,
    read_id,
    read_value,
)
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord
from infinium_otel.records.bounds import ITEMS_PER_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = {"resourceSpans", "resourceLogs", "resourceMetrics", "resourceProfiles"}


def from_json(document: Any, decoded: Decoded | None = None) -> Decoded:
    """The records of an OTLP/JSON export request (traces, logs or both).

    Args:
        document: the request as `json.loads` gives it. An empty object is an empty
            request; metrics and profiles are ignored.
        decoded: what to add the records to; None for a new one.

    Raises:
        DecodingError: the document is not an OTLP request, or has too many records.
    """
    if not isinstance(document, dict):
        raise DecodingError("invalid OTLP: the body must be a JSON object")
    document = to_camel_case(document, *SIGNALS)
    if document and not SIGNALS & document.keys():
        raise DecodingError(
            "invalid OTLP: neither resourceSpans nor resourceLogs in it"
        )
    decoded = decoded or Decoded()
    for wire, resource, scope in _walk(document, "resourceSpans", "Spans", decoded):
        _add_span(wire, resource, scope, decoded)
    for wire, resource, scope in _walk(document, "resourceLogs", "Logs", decoded):
        _add_log(wire, resource, scope, decoded)
    return decoded


def _walk(
    document: Json, signal: str, noun: str, decoded: Decoded
) -> Iterator[tuple[Any, Json, Json]]:
    """Every item of a signal, with its resource's attributes and its scope."""
    scopes, items = f"scope{noun}", "spans" if noun == "Spans" else "logRecords"
    spend = decoded.budget.spend
    for group in read_objects(document, signal, decoded):
        spend(ITEMS_PER_RECORD)
        by_scope = to_camel_case(group, scopes)
        resource = _read_attributes(read_object(by_scope, "resource", decoded), decoded)
        for scope_group in read_objects(by_scope, scopes, decoded):
            by_item = to_camel_case(scope_group, items)
            scope = read_object(by_item, "scope", decoded)
            wires = read_list(by_item, items, decoded)
            spend(ITEMS_PER_RECORD * (1 + len(wires)))
            for wire in wires:
                yield wire, resource, scope


def _add_span(wire: Any, resource: Json, scope: Json, decoded: Decoded) -> None:
    if not isinstance(wire, dict):
        decoded.reject_span("a span is not an object")
        return
    wire = to_camel_case(wire, "traceId")
    trace_id = read_id(wire.get("traceId"), TRACE_ID)
    span_id = read_id(wire.get("spanId"), SPAN_ID)
    if trace_id is None or span_id is None:
        decoded.reject_span("a span has no usable traceId and spanId")
        return
    status = read_object(wire, "status", decoded)
    start_ns, end_ns = fill_times(
        read_number(wire, "startTimeUnixNano", decoded),
        read_number(wire, "endTimeUnixNano", decoded),
    )
    decoded.records.append(
        SpanRecord(
            trace_id=trace_id,
            span_id=span_id,
            parent_id=_read_parent(wire, decoded),
            name=read_text(wire, "name", decoded),
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=_read_attributes(wire, decoded),
            kind=read_enum(wire, "kind", KINDS, "SPAN_KIND_", decoded),
            status=read_enum(status, "code", STATUSES, "STATUS_CODE_", decoded),
            status_message=read_text(status, "message", decoded) or None,
            events=_read_events(wire, decoded),
            links=_read_links(wire, decoded),
            scope_name=read_text(scope, "name", decoded),
            scope_version=read_text(scope, "version", decoded),
            resource=resource,
            parent_is_remote=read_number(wire, "flags", decoded) & REMOTE_PARENT
            == REMOTE_PARENT,
            dropped_attributes=read_number(wire, "droppedAttributesCount", decoded),
        )
    )


def _read_parent(wire: Json, decoded: Decoded) -> str | None:
    parent_text = wire.get("parentSpanId")
    parent = read_id(parent_text, SPAN_ID)
    if parent_text and parent is None and parent_text != "0" * 16:
        decoded.note("a parentSpanId is malformed; its span is read as a root")
    return parent


def _read_events(wire: Json, decoded: Decoded) -> tuple[SpanEvent, ...]:
    return tuple(
        SpanEvent(
            name=read_text(event, "name", decoded),
            time_ns=read_number(event, "timeUnixNano", decoded),
            attributes=_read_attributes(event, decoded),
        )
        for event in read_objects(wire, "events", decoded)
    )


def _read_links(wire: Json, decoded: Decoded) -> tuple[SpanLink, ...]:
    found = []
    for link in read_objects(wire, "links", decoded):
        trace_id = read_id(link.get("traceId"), TRACE_ID)
        span_id = read_id(link.get("spanId"), SPAN_ID)
        if trace_id and span_id:
            found.append(SpanLink(trace_id, span_id, _read_attributes(link, decoded)))
        else:
            decoded.note("a link has no usable traceId and spanId; skipped")
    return tuple(found)


def _add_log(wire: Any, resource: Json, scope: Json, decoded: Decoded) -> None:
    if not isinstance(wire, dict):
        decoded.reject_log("a log record is not an object")
        return
    wire = to_camel_case(wire, "traceId")
    trace_id = read_id(wire.get("traceId"), TRACE_ID)
    span_id = read_id(wire.get("spanId"), SPAN_ID)
    if trace_id is None or span_id is None:
        _count_skipped_log(wire, decoded)
        return
    attributes = _read_attributes(wire, decoded)
    decoded.records.append(
        LogEvent(
            trace_id=trace_id,
            span_id=span_id,
            name=_read_event_name(wire, attributes, decoded),
            time_ns=read_number(wire, "timeUnixNano", decoded)
            or read_number(wire, "observedTimeUnixNano", decoded),
            attributes=attributes,
            body=_read_body(wire, decoded),
            severity=_read_severity(wire, decoded),
            scope_name=read_text(scope, "name", decoded),
            resource=resource,
        )
    )


def _count_skipped_log(wire: Json, decoded: Decoded) -> None:
    """Count a record without ids as unrelated, one with malformed ids as rejected."""
    ids = ((wire.get("traceId"), TRACE_ID), (wire.get("spanId"), SPAN_ID))
    if all(_is_blank(text) or read_id(text, pattern) for text, pattern in ids):
        decoded.unrelated_logs += 1
    else:
        decoded.reject_log("a log record's traceId or spanId is malformed")


def _is_blank(parent_text: Any) -> bool:
    return not parent_text or (
        isinstance(parent_text, str) and not parent_text.strip("0")
    )


def _read_event_name(wire: Json, attributes: Json, decoded: Decoded) -> str:
    """The field, or the attribute that was used before OTLP had the field."""
    named = attributes.get("event.name")
    return read_text(wire, "eventName", decoded) or (
        named if type(named) is str else ""
    )


def _read_body(wire: Json, decoded: Decoded) -> Any:
    try:
        return read_value(wire.get("body") or {})
    except UNREADABLE:
        decoded.note("a log record's body cannot be read; skipped")
        return None


def _read_severity(wire: Json, decoded: Decoded) -> int:
    """The severity's number; its name ("SEVERITY_NUMBER_INFO2") is looked up."""
    severity = wire.get("severityNumber")
    if isinstance(severity, str) and severity.startswith(_SEVERITY_PREFIX):
        return SEVERITIES.get(severity.removeprefix(_SEVERITY_PREFIX), 0)
    return read_number(wire, "severityNumber", decoded)


_SEVERITY_PREFIX = "SEVERITY_NUMBER_"

SEVERITIES = {
    f"{word}{step or ''}": 4 * rank + max(step, 1)
    for rank, word in enumerate(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))
    for step in (0, 2, 3, 4)
}


def _read_attributes(wire: Json, decoded: Decoded) -> Json:
    """The attributes of *wire*; one that cannot be read is skipped."""
    found: Json = {}
    for pair in read_list(wire, "attributes", decoded):
        try:
            key = pair["key"]
            if type(key) is str:
                found[key] = read_value(pair.get("value") or {})
                continue
        except UNREADABLE:
            pass
        decoded.note("an attribute cannot be read; skipped")
    return found
