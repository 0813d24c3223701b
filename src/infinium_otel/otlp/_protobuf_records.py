"""One span or log record of a parsed OTLP protobuf message to our own record."""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Any

from infinium_otel.otlp._decoded import KINDS, REMOTE_PARENT, STATUSES, fill_times
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.otlp._decoded import Decoded
    from infinium_otel.records.bounds import Budget

TRACE_ID_BYTES = 16


SPAN_ID_BYTES = 8


LONG_TEXT = 4096
"""Characters past which a text counts by its size."""


BYTES_PER_ITEM = 150
"""Of a long text: an item takes about as much."""


def add_span(
    wire: Any, resource: dict[str, Any], scope: str, version: str, decoded: Decoded
) -> None:
    trace_id = _read_id(wire.trace_id, TRACE_ID_BYTES)
    span_id = _read_id(wire.span_id, SPAN_ID_BYTES)
    if trace_id is None or span_id is None:
        decoded.reject_span("a span has no usable trace_id and span_id")
        return
    parent_id = _read_id(wire.parent_span_id, SPAN_ID_BYTES)
    if parent_id is None and any(wire.parent_span_id):
        decoded.note("a parent_span_id is malformed; its span is read as a root")
    values = Values(decoded.budget)
    status = wire.status
    start_ns, end_ns = fill_times(wire.start_time_unix_nano, wire.end_time_unix_nano)
    decoded.records.append(
        SpanRecord(
            trace_id=trace_id,
            span_id=span_id,
            parent_id=parent_id,
            name=wire.name,
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=values.read_pairs(wire.attributes),
            kind=_read_enum(wire.kind, KINDS, "kind", decoded),
            status=_read_enum(status.code, STATUSES, "status code", decoded),
            status_message=status.message or None,
            events=values.read_events(wire.events),
            links=_read_links(wire.links, values, decoded),
            scope_name=scope,
            scope_version=version,
            resource=resource,
            parent_is_remote=wire.flags & REMOTE_PARENT == REMOTE_PARENT,
            dropped_attributes=wire.dropped_attributes_count,
        )
    )


def add_log(
    wire: Any, resource: dict[str, Any], scope: str, _version: str, decoded: Decoded
) -> None:
    trace_id = _read_id(wire.trace_id, TRACE_ID_BYTES)
    span_id = _read_id(wire.span_id, SPAN_ID_BYTES)
    if trace_id is None or span_id is None:
        _count_skipped_log(wire, trace_id, span_id, decoded)
        return
    values = Values(decoded.budget)
    attributes = values.read_pairs(wire.attributes)
    named = attributes.get("event.name")
    decoded.records.append(
        LogEvent(
            trace_id=trace_id,
            span_id=span_id,
            # the attribute was used before OTLP had the field
            name=wire.event_name or (named if isinstance(named, str) else ""),
            time_ns=wire.time_unix_nano or wire.observed_time_unix_nano,
            attributes=attributes,
            body=values.read(wire.body),
            severity=wire.severity_number,
            scope_name=scope,
            resource=resource,
        )
    )


def _count_skipped_log(
    wire: Any, trace_id: str | None, span_id: str | None, decoded: Decoded
) -> None:
    if (trace_id or not any(wire.trace_id)) and (span_id or not any(wire.span_id)):
        decoded.unrelated_logs += 1
    else:
        decoded.reject_log("a log record's trace_id or span_id is malformed")


def _read_links(
    wire: Iterable[Any], values: Values, decoded: Decoded
) -> tuple[SpanLink, ...]:
    found = []
    for link in wire:
        trace_id = _read_id(link.trace_id, TRACE_ID_BYTES)
        span_id = _read_id(link.span_id, SPAN_ID_BYTES)
        if trace_id and span_id:
            attributes = values.read_pairs(link.attributes)
            found.append(SpanLink(trace_id, span_id, attributes))
        else:
            decoded.note("a link has no usable trace_id and span_id; skipped")
    return tuple(found)


def _read_id(octets: bytes, length: int) -> str | None:
    return octets.hex() if len(octets) == length and any(octets) else None


def _read_enum(number: int, words: tuple[str, ...], noun: str, decoded: Decoded) -> str:
    if 0 <= number < len(words):
        return words[number]
    decoded.note(f"a {noun} has an unknown value; read as {words[0]}")
    return words[0]


class Values:
    """Reads attributes' values, and counts what it makes.

    Args:
        budget: what may still be made.
    """

    __slots__ = ("_spend",)

    def __init__(self, budget: Budget) -> None:
        self._spend = budget.spend

    def read_pairs(self, wire: Sequence[Any]) -> dict[str, Any]:
        if not wire:
            return {}
        self._spend(len(wire))
        read_other = self._read_other
        pairs: dict[str, Any] = {}
        for pair in wire:
            # as `read`, without a call for each: this runs for every attribute
            value = pair.value
            text = value.string_value
            if not text:
                pairs[pair.key] = value.int_value or read_other(value)
                continue
            if len(text) > LONG_TEXT:
                self._spend(getsizeof(text) // BYTES_PER_ITEM)
            pairs[pair.key] = text
        return pairs

    def read_events(self, wire: Sequence[Any]) -> tuple[SpanEvent, ...]:
        if not wire:
            return ()
        self._spend(2 * len(wire))
        return tuple(
            SpanEvent(each.name, each.time_unix_nano, self.read_pairs(each.attributes))
            for each in wire
        )

    def read(self, wire: Any) -> Any:
        """An AnyValue's value. Its depth is bounded by the parser."""
        # most are texts or numbers, and WhichOneof costs more than reading these two
        # fields, whose default is the value of an unset one
        text: str = wire.string_value
        if not text:
            return wire.int_value or self._read_other(wire)
        if len(text) > LONG_TEXT:
            self._spend(getsizeof(text) // BYTES_PER_ITEM)
        return text

    def _read_other(self, wire: Any) -> Any:
        """The value that is neither a text nor a number, or is an empty one."""
        kind = wire.WhichOneof("value")
        if kind == "array_value":
            values = wire.array_value.values
            self._spend(len(values))
            return tuple(map(self.read, values))
        if kind == "kvlist_value":
            return self.read_pairs(wire.kvlist_value.values)
        return None if kind is None else getattr(wire, kind)
