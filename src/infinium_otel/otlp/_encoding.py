"""Records to an OTLP/JSON request."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._decoded import REMOTE_PARENT, Record
from infinium_otel.records import LogEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.records import Attributes, SpanEvent, SpanLink

KIND_NUMBERS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUS_NUMBERS = {"ok": 1, "error": 2}
INT64 = range(-(1 << 63), 1 << 63)


def to_otlp(records: Iterable[Record]) -> dict[str, Any]:
    """Records as one OTLP/JSON request, ready for `json.dumps`.

    The order of spans is kept, so a scope occurs as often as the order needs. Traces
    and logs stand in one object, as files may hold them; over HTTP they go to two
    addresses: send a request of each.

    Returns:
        `resourceSpans` and `resourceLogs`, each only if there is something in it.
    """
    taken = list(records)
    spans = [_grouped(record) for record in taken if isinstance(record, SpanRecord)]
    logs = [_grouped(record) for record in taken if isinstance(record, LogEvent)]
    request = {}
    if spans or not logs:
        request["resourceSpans"] = _resources(spans, "scopeSpans", "spans", _span)
    if logs:
        request["resourceLogs"] = _resources(logs, "scopeLogs", "logRecords", _log)
    return request


def _grouped(record: Any) -> tuple[Attributes, tuple[str, str], Any]:
    """A record after what it has in common with its neighbours."""
    scope = (record.scope_name, getattr(record, "scope_version", ""))
    return record.resource, scope, record


def _resources(
    items: list[tuple[Attributes, tuple[str, str], Any]],
    scopes: str,
    records: str,
    encode: Callable[[Any], dict[str, Any]],
) -> list[dict[str, Any]]:
    return [
        {
            "resource": {"attributes": _pairs(resource)},
            scopes: [
                {
                    "scope": _filled(name=name, version=version),
                    records: [encode(record) for _, _, record in of_scope],
                }
                for (name, version), of_scope in groupby(of_resource, itemgetter(1))
            ],
        }
        for resource, of_resource in groupby(items, itemgetter(0))
    ]


def _span(span: SpanRecord) -> dict[str, Any]:
    status = _filled(
        code=STATUS_NUMBERS.get(span.status, 0), message=span.status_message or ""
    )
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": KIND_NUMBERS.get(span.kind, 0),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
    } | _filled(
        parentSpanId=span.parent_id or "",
        flags=REMOTE_PARENT if span.parent_is_remote else 0,
        droppedAttributesCount=span.dropped_attributes,
        events=[_event(event) for event in span.events],
        links=[_link(link) for link in span.links],
        status=status,
    )


def _event(event: SpanEvent) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.time_ns),
        "name": event.name,
        "attributes": _pairs(event.attributes),
    }


def _link(link: SpanLink) -> dict[str, Any]:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "attributes": _pairs(link.attributes),
    }


def _log(log: LogEvent) -> dict[str, Any]:
    return {
        "timeUnixNano": str(log.time_ns),
        "traceId": log.trace_id,
        "spanId": log.span_id,
        "body": _value(log.body),
        "attributes": _pairs(log.attributes),
    } | _filled(severityNumber=log.severity, eventName=log.name)


def _filled(**members: Any) -> dict[str, Any]:
    """The members that say something; OTLP leaves defaults out."""
    return {name: value for name, value in members.items() if value}


def _pairs(attributes: Attributes) -> list[dict[str, Any]]:
    return [
        {"key": str(key), "value": _value(value)} for key, value in attributes.items()
    ]


def _value(value: Any) -> dict[str, Any]:  # noqa: PLR0911 - a return per kind of value
    if value is None:
        return {}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and value in INT64:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": _real(value)}
    if isinstance(value, bytes):
        return {"bytesValue": b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _pairs(value)}}
    if isinstance(value, Sequence):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    # an integer past 64 bits, or what no attribute may be
    return {"stringValue": str(value)}


def _real(value: float) -> float | str:
    """JSON has no word for the three that are no numbers; protobuf's JSON has."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
