"""An OTLP protobuf request to records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError, MissingExtraError
from infinium_otel.otlp._decoded import (
    KINDS,
    REMOTE_PARENT,
    STATUSES,
    Decoded,
    times,
)
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8


def from_protobuf(body: bytes, signal: str = "traces") -> Decoded:
    """The records of a binary OTLP export request.

    Args:
        body: the message, decompressed.
        signal: "traces" or "logs": the bytes do not tell which request they are.

    Raises:
        DecodingError: the bytes are no such request, or were cut.
        MissingExtraError: the `otlp` extra is not installed.
    """
    decoded = Decoded()
    if signal == "logs":
        for group in _parsed(body, signal).resource_logs:
            _add_resource(group, group.scope_logs, decoded)
    else:
        for group in _parsed(body, signal).resource_spans:
            _add_resource(group, group.scope_spans, decoded)
    return decoded


def _parsed(body: bytes, signal: str) -> Any:
    # imported here: protobuf is an extra, and slow to import
    try:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - an extra
        from opentelemetry.proto.logs.v1.logs_pb2 import (  # noqa: PLC0415 - an extra
            LogsData,
        )
        from opentelemetry.proto.trace.v1.trace_pb2 import (  # noqa: PLC0415 - an extra
            TracesData,
        )
    except ImportError:
        raise MissingExtraError("Reading OTLP protobuf", "otlp") from None
    message: Any = LogsData() if signal == "logs" else TracesData()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise DecodingError(f"not OTLP: no protobuf request for {signal}") from None
    return message


def _add_resource(group: Any, scopes: Iterable[Any], decoded: Decoded) -> None:
    resource = _pairs(group.resource.attributes)
    for by_scope in scopes:
        scope = (by_scope.scope.name, by_scope.scope.version)
        for span in getattr(by_scope, "spans", ()):
            _add_span(span, resource, *scope, decoded)
        for log in getattr(by_scope, "log_records", ()):
            _add_log(log, resource, scope[0], decoded)


def _add_span(
    wire: Any, resource: dict[str, Any], scope: str, version: str, decoded: Decoded
) -> None:
    trace_id = _identifier(wire.trace_id, TRACE_ID_BYTES)
    span_id = _identifier(wire.span_id, SPAN_ID_BYTES)
    if trace_id is None or span_id is None:
        decoded.reject_span("a span has no usable trace_id and span_id")
        return
    parent_id = _identifier(wire.parent_span_id, SPAN_ID_BYTES)
    if parent_id is None and any(wire.parent_span_id):
        decoded.note("a parent_span_id is malformed; its span is taken for a root")
    start_ns, end_ns = times(wire.start_time_unix_nano, wire.end_time_unix_nano)
    decoded.records.append(
        SpanRecord(
            trace_id=trace_id,
            span_id=span_id,
            parent_id=parent_id,
            name=wire.name,
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=_pairs(wire.attributes),
            kind=_word(wire.kind, KINDS, "kind", decoded),
            status=_word(wire.status.code, STATUSES, "status code", decoded),
            status_message=wire.status.message or None,
            events=tuple(map(_event, wire.events)),
            links=_links(wire.links, decoded),
            scope_name=scope,
            scope_version=version,
            resource=resource,
            parent_is_remote=wire.flags & REMOTE_PARENT == REMOTE_PARENT,
            dropped_attributes=wire.dropped_attributes_count,
        )
    )


def _add_log(wire: Any, resource: dict[str, Any], scope: str, decoded: Decoded) -> None:
    trace_id = _identifier(wire.trace_id, TRACE_ID_BYTES)
    span_id = _identifier(wire.span_id, SPAN_ID_BYTES)
    if trace_id is None or span_id is None:
        _leave_log(wire, trace_id, span_id, decoded)
        return
    attributes = _pairs(wire.attributes)
    named = attributes.get("event.name")
    decoded.records.append(
        LogEvent(
            trace_id=trace_id,
            span_id=span_id,
            # the attribute is where records said it before the field was there
            name=wire.event_name or (named if isinstance(named, str) else ""),
            time_ns=wire.time_unix_nano or wire.observed_time_unix_nano,
            attributes=attributes,
            body=_value(wire.body),
            severity=wire.severity_number,
            scope_name=scope,
            resource=resource,
        )
    )


def _leave_log(
    wire: Any, trace_id: str | None, span_id: str | None, decoded: Decoded
) -> None:
    if (trace_id or not any(wire.trace_id)) and (span_id or not any(wire.span_id)):
        decoded.unrelated_logs += 1
    else:
        decoded.reject_log("a log record's trace_id or span_id is malformed")


def _event(wire: Any) -> SpanEvent:
    return SpanEvent(wire.name, wire.time_unix_nano, _pairs(wire.attributes))


def _links(wire: Iterable[Any], decoded: Decoded) -> tuple[SpanLink, ...]:
    found = []
    for link in wire:
        trace_id = _identifier(link.trace_id, TRACE_ID_BYTES)
        span_id = _identifier(link.span_id, SPAN_ID_BYTES)
        if trace_id and span_id:
            found.append(SpanLink(trace_id, span_id, _pairs(link.attributes)))
        else:
            decoded.note("a link has no usable trace_id and span_id; left out")
    return tuple(found)


def _identifier(octets: bytes, length: int) -> str | None:
    return octets.hex() if len(octets) == length and any(octets) else None


def _word(number: int, words: tuple[str, ...], noun: str, decoded: Decoded) -> str:
    if 0 <= number < len(words):
        return words[number]
    decoded.note(f"a {noun} is none of its values; taken for {words[0]}")
    return words[0]


def _pairs(wire: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in wire}


def _value(wire: Any) -> Any:
    """An AnyValue's value. Its depth is bounded by the parser."""
    # most are texts or numbers, and asking which kind is set costs more than asking
    # for these two, whose default is what an unset one has
    plain = wire.string_value or wire.int_value
    if plain:
        return plain
    kind = wire.WhichOneof("value")
    if kind == "array_value":
        return tuple(map(_value, wire.array_value.values))
    if kind == "kvlist_value":
        return _pairs(wire.kvlist_value.values)
    return None if kind is None else getattr(wire, kind)
