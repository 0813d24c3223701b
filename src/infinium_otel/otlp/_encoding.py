"""Records to an OTLP/JSON request."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._decoded import MAX_DEPTH, REMOTE_PARENT, Record
from infinium_otel.records import LogEvent, SpanRecord
from infinium_otel.taskdata.values import TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.records import Attributes, SpanEvent, SpanLink

KIND_NUMBERS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUS_NUMBERS = {"ok": 1, "error": 2}
INT64 = range(-(1 << 63), 1 << 63)


def to_otlp(records: Iterable[Record]) -> dict[str, Any]:
    """Records as one OTLP/JSON request, ready for `json.dumps`.

    The order of spans is kept, so a scope is repeated as often as the order requires.
    Traces and logs are in one object, as in files; over HTTP they have separate paths:
    send one request of each.

    Values nested deeper than the decoders read (64 levels) are cut, and so marked.

    Returns:
        `resourceSpans` and `resourceLogs`, each only if it is not empty.
    """
    taken = list(records)
    spans = [_get_group(record) for record in taken if isinstance(record, SpanRecord)]
    logs = [_get_group(record) for record in taken if isinstance(record, LogEvent)]
    request = {}
    if spans or not logs:
        request["resourceSpans"] = _encode_resources(
            spans, "scopeSpans", "spans", _encode_span
        )
    if logs:
        request["resourceLogs"] = _encode_resources(
            logs, "scopeLogs", "logRecords", _encode_log
        )
    return request


def _get_group(record: Any) -> tuple[Attributes, tuple[str, str], Any]:
    """The resource and scope of a record, and the record."""
    scope = (record.scope_name, getattr(record, "scope_version", ""))
    return record.resource, scope, record


def _encode_resources(
    items: list[tuple[Attributes, tuple[str, str], Any]],
    scopes: str,
    records: str,
    encode: Callable[[Any], dict[str, Any]],
) -> list[dict[str, Any]]:
    return [
        {
            "resource": {"attributes": _encode_attributes(resource)},
            scopes: [
                {
                    "scope": _drop_defaults(name=name, version=version),
                    records: [encode(record) for _, _, record in of_scope],
                }
                for (name, version), of_scope in groupby(of_resource, itemgetter(1))
            ],
        }
        for resource, of_resource in groupby(items, itemgetter(0))
    ]


def _encode_span(span: SpanRecord) -> dict[str, Any]:
    status = _drop_defaults(
        code=STATUS_NUMBERS.get(span.status, 0), message=span.status_message or ""
    )
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": KIND_NUMBERS.get(span.kind, 0),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _encode_attributes(span.attributes),
    } | _drop_defaults(
        parentSpanId=span.parent_id or "",
        flags=REMOTE_PARENT if span.parent_is_remote else 0,
        droppedAttributesCount=span.dropped_attributes,
        events=[_encode_event(event) for event in span.events],
        links=[_encode_link(link) for link in span.links],
        status=status,
    )


def _encode_event(event: SpanEvent) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.time_ns),
        "name": event.name,
        "attributes": _encode_attributes(event.attributes),
    }


def _encode_link(link: SpanLink) -> dict[str, Any]:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "attributes": _encode_attributes(link.attributes),
    }


def _encode_log(log: LogEvent) -> dict[str, Any]:
    return {
        "timeUnixNano": str(log.time_ns),
        "traceId": log.trace_id,
        "spanId": log.span_id,
        "body": _encode_value(log.body),
        "attributes": _encode_attributes(log.attributes),
    } | _drop_defaults(severityNumber=log.severity, eventName=log.name)


def _drop_defaults(**members: Any) -> dict[str, Any]:
    """The members that are not defaults; OTLP omits those."""
    return {name: value for name, value in members.items() if value}


def _encode_attributes(attributes: Attributes, depth: int = 0) -> list[dict[str, Any]]:
    return [
        {"key": str(key), "value": _encode_value(value, depth)}
        for key, value in attributes.items()
    ]


def _encode_value(value: Any, depth: int = 0) -> dict[str, Any]:  # noqa: PLR0911 - a return per kind of value
    if value is None:
        return {}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and value in INT64:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": _encode_float(value)}
    if isinstance(value, bytes):
        return {"bytesValue": b64encode(value).decode()}
    if isinstance(value, (Mapping, Sequence)):
        return _encode_container(value, depth)
    # an integer beyond 64 bits, or a type that attributes do not allow
    return {"stringValue": str(value)}


def _encode_container(
    value: Mapping[str, Any] | Sequence[Any], depth: int
) -> dict[str, Any]:
    if depth >= MAX_DEPTH:
        return {"stringValue": TOO_DEEP}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _encode_attributes(value, depth + 1)}}
    return {
        "arrayValue": {"values": [_encode_value(each, depth + 1) for each in value]}
    }


def _encode_float(value: float) -> float | str:
    """NaN and infinities as protobuf's JSON mapping writes them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
