"""When a step began and how long it took, and times as a task has them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import SpanRecord

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


MAX_LATENCY_MS = 86_400_000


MAX_TIME_NS = 253_402_300_799_000_000_000


def to_iso(ns: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 with microseconds and `Z`."""
    if not 0 <= ns <= MAX_TIME_NS:
        ns = min(max(ns, 0), MAX_TIME_NS)
    minute, rest_us = divmod(ns // 1_000, 60_000_000)
    digits = f"{rest_us:08d}"
    return f"{_format_minute(minute)}:{digits[:2]}.{digits[2:]}Z"


@lru_cache(maxsize=256)
def _format_minute(minutes: int) -> str:
    return (EPOCH + timedelta(minutes=minutes)).isoformat()[:16]


def find_start_ns(node: Node) -> int:
    """When the work that *node* represents began, in ns.

    A call around failed attempts (with a fallback model) began after the last of them.
    """
    if node.children and node.kind in CALLS:
        ends = [n.record.end_ns for n in node.children if n.kind in CALLS and n.failed]
        if ends:
            return max(ends)
    return node.record.start_ns - get_length_before_ns(node)


def get_length_before_ns(node: Node) -> int:
    """How long before its span a call began, of which the span is only a log record."""
    if not is_log_record(node):
        return 0
    return round(min(node.span.latency_ms or 0, MAX_LATENCY_MS) * 1e6)


def is_log_record(node: Node) -> bool:
    """Whether a call's span is a log record: an instant with the duration of the call."""
    record = node.record
    return (
        node.kind in CALLS
        and record.start_ns == record.end_ns
        and node.span.latency_ms is not None
    )


def get_duration_ms(record: SpanRecord) -> int:
    """Duration in ms, rounded half up; 0 for a span that ends before it starts."""
    return max(0, (record.end_ns - record.start_ns + 500_000) // 1_000_000)


def get_latency_ms(node: Node) -> int:
    """How long the work took, in ms: as reported, else by the times of the span."""
    latency_ms = node.span.latency_ms
    return get_duration_ms(node.record) if latency_ms is None else round(latency_ms)


def get_working_ms(node: Node) -> int:
    """The tool's own time, without what it waited for a person's approval."""
    took_ms = get_duration_ms(node.record)
    if not node.children:
        return took_ms
    waited = sum(
        get_duration_ms(c.record) for c in node.children if c.kind == "waiting"
    )
    return max(0, took_ms - waited)
