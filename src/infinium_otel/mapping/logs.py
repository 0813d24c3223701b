"""Content that was logged beside its span, put back on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.jsontext import decode
from infinium_otel.records import SpanEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord


def with_logs(records: list[SpanRecord], logs: Iterable[LogEvent]) -> list[SpanRecord]:
    """*records*, each with the log events that carry its ids as further span events."""
    by_span: dict[str, list[LogEvent]] = defaultdict(list)
    for log in logs:
        by_span[log.span_id].append(log)
    if not by_span:
        return records
    return [
        replace(
            record,
            events=record.events + tuple(map(as_event, by_span[record.span_id])),
        )
        if record.span_id in by_span
        else record
        for record in records
    ]


def as_event(log: LogEvent) -> SpanEvent:
    """A log record as a span event: the members of its body become attributes."""
    told = decode(log.body)
    body = told if isinstance(told, Mapping) else {"content": told}
    attributes = {k: v for k, v in {**body, **log.attributes}.items() if v is not None}
    name = log.name or str(log.attributes.get("event.name", ""))
    return SpanEvent(name, log.time_ns, attributes)
