"""An OTLP/JSON request to records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.otlp._decoded import (
    KINDS,
    REMOTE_PARENT,
    STATUSES,
    Decoded,
    times,
)
from infinium_otel.otlp._fields import (
    Json,
    camelled,
    list_of,
    number_of,
    object_of,
    objects_of,
    text_of,
    word_of,
)
from infinium_otel.otlp._values import (
    SPAN_ID,
    TRACE_ID,
    UNREADABLE,
    identifier,
    value_of,
)
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = {"resourceSpans", "resourceLogs", "resourceMetrics", "resourceProfiles"}


def from_json(document: Any) -> Decoded:
    """The records of an OTLP/JSON export request (traces, logs or both).

    Args:
        document: the request as `json.loads` gives it. An empty object is an empty
            request; metrics and profiles hold nothing for us.

    Raises:
        DecodingError: the document is no OTLP request.
    """
    if not isinstance(document, dict):
        raise DecodingError("not OTLP: a JSON object was expected")
    document = camelled(document, *SIGNALS)
    if document and not SIGNALS & document.keys():
        raise DecodingError("not OTLP: neither resourceSpans nor resourceLogs in it")
    decoded = Decoded()
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
    for group in objects_of(document, signal, decoded):
        by_scope = camelled(group, scopes)
        resource = _attributes(object_of(by_scope, "resource", decoded), decoded)
        for scope_group in objects_of(by_scope, scopes, decoded):
            by_item = camelled(scope_group, items)
            scope = object_of(by_item, "scope", decoded)
            for wire in list_of(by_item, items, decoded):
                yield wire, resource, scope


def _add_span(wire: Any, resource: Json, scope: Json, decoded: Decoded) -> None:
    if not isinstance(wire, dict):
        decoded.reject_span("a span is no object")
        return
    wire = camelled(wire, "traceId")
    trace_id = identifier(wire.get("traceId"), TRACE_ID)
    span_id = identifier(wire.get("spanId"), SPAN_ID)
    if trace_id is None or span_id is None:
        decoded.reject_span("a span has no usable traceId and spanId")
        return
    status = object_of(wire, "status", decoded)
    start_ns, end_ns = times(
        number_of(wire, "startTimeUnixNano", decoded),
        number_of(wire, "endTimeUnixNano", decoded),
    )
    decoded.records.append(
        SpanRecord(
            trace_id=trace_id,
            span_id=span_id,
            parent_id=_parent(wire, decoded),
            name=text_of(wire, "name", decoded),
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=_attributes(wire, decoded),
            kind=word_of(wire, "kind", KINDS, "SPAN_KIND_", decoded),
            status=word_of(status, "code", STATUSES, "STATUS_CODE_", decoded),
            status_message=text_of(status, "message", decoded) or None,
            events=_events(wire, decoded),
            links=_links(wire, decoded),
            scope_name=text_of(scope, "name", decoded),
            scope_version=text_of(scope, "version", decoded),
            resource=resource,
            parent_is_remote=number_of(wire, "flags", decoded) & REMOTE_PARENT
            == REMOTE_PARENT,
            dropped_attributes=number_of(wire, "droppedAttributesCount", decoded),
        )
    )


def _parent(wire: Json, decoded: Decoded) -> str | None:
    written = wire.get("parentSpanId")
    parent = identifier(written, SPAN_ID)
    if written and parent is None and written != "0" * 16:
        decoded.note("a parentSpanId is malformed; its span is taken for a root")
    return parent


def _events(wire: Json, decoded: Decoded) -> tuple[SpanEvent, ...]:
    return tuple(
        SpanEvent(
            name=text_of(event, "name", decoded),
            time_ns=number_of(event, "timeUnixNano", decoded),
            attributes=_attributes(event, decoded),
        )
        for event in objects_of(wire, "events", decoded)
    )


def _links(wire: Json, decoded: Decoded) -> tuple[SpanLink, ...]:
    found = []
    for link in objects_of(wire, "links", decoded):
        trace_id = identifier(link.get("traceId"), TRACE_ID)
        span_id = identifier(link.get("spanId"), SPAN_ID)
        if trace_id and span_id:
            found.append(SpanLink(trace_id, span_id, _attributes(link, decoded)))
        else:
            decoded.note("a link has no usable traceId and spanId; left out")
    return tuple(found)


def _add_log(wire: Any, resource: Json, scope: Json, decoded: Decoded) -> None:
    if not isinstance(wire, dict):
        decoded.reject_log("a log record is no object")
        return
    wire = camelled(wire, "traceId")
    trace_id = identifier(wire.get("traceId"), TRACE_ID)
    span_id = identifier(wire.get("spanId"), SPAN_ID)
    if trace_id is None or span_id is None:
        _leave_log(wire, decoded)
        return
    attributes = _attributes(wire, decoded)
    decoded.records.append(
        LogEvent(
            trace_id=trace_id,
            span_id=span_id,
            name=_event_name(wire, attributes, decoded),
            time_ns=number_of(wire, "timeUnixNano", decoded)
            or number_of(wire, "observedTimeUnixNano", decoded),
            attributes=attributes,
            body=_body(wire, decoded),
            severity=_severity(wire, decoded),
            scope_name=text_of(scope, "name", decoded),
            resource=resource,
        )
    )


def _leave_log(wire: Json, decoded: Decoded) -> None:
    """A record without ids stands alone; one with ids that cannot be read is bad."""
    ids = ((wire.get("traceId"), TRACE_ID), (wire.get("spanId"), SPAN_ID))
    if all(_is_blank(text) or identifier(text, pattern) for text, pattern in ids):
        decoded.unrelated_logs += 1
    else:
        decoded.reject_log("a log record's traceId or spanId is malformed")


def _is_blank(written: Any) -> bool:
    return not written or (isinstance(written, str) and not written.strip("0"))


def _event_name(wire: Json, attributes: Json, decoded: Decoded) -> str:
    """The field; records written before it was there carry an attribute instead."""
    named = attributes.get("event.name")
    return text_of(wire, "eventName", decoded) or (named if type(named) is str else "")


def _body(wire: Json, decoded: Decoded) -> Any:
    try:
        return value_of(wire.get("body") or {})
    except UNREADABLE:
        decoded.note("a log record's body cannot be read; left out")
        return None


def _severity(wire: Json, decoded: Decoded) -> int:
    """The severity's number; its name ("SEVERITY_NUMBER_INFO2") is looked up."""
    severity = wire.get("severityNumber")
    if isinstance(severity, str) and severity.startswith(_SEVERITY):
        return SEVERITIES.get(severity.removeprefix(_SEVERITY), 0)
    return number_of(wire, "severityNumber", decoded)


_SEVERITY = "SEVERITY_NUMBER_"

SEVERITIES = {
    f"{word}{step or ''}": 4 * rank + max(step, 1)
    for rank, word in enumerate(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))
    for step in (0, 2, 3, 4)
}


def _attributes(wire: Json, decoded: Decoded) -> Json:
    """The attributes of *wire*; one that cannot be read is left out."""
    found: Json = {}
    for pair in list_of(wire, "attributes", decoded):
        try:
            key = pair["key"]
            if type(key) is str:
                found[key] = value_of(pair.get("value") or {})
                continue
        except UNREADABLE:
            pass
        decoded.note("an attribute cannot be read; left out")
    return found
