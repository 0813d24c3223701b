"""What is known of one trace that has not left yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.assembly.forest import is_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import Attributes, LogEvent, SpanRecord

SPAN_BYTES = 800
"""Bytes a record takes apart from its texts. Measured with tracemalloc, CPython 3.11."""
VALUE_BYTES = 100
"""Bytes one attribute takes apart from its text, key included, where keys are shared."""


class OpenTrace:
    """The spans of one trace id that have ended, and the ids of those running.

    Args:
        heard_s: when a span of it last started or ended.
        since_s: when the first of its ended spans came in; meaningless without one.
        told: True if starts are told as well as ends.
        due_s: when it is to leave whatever happens; None if nothing says so yet.
    """

    __slots__ = (
        "due_s",
        "heard_s",
        "linked",
        "root_ended",
        "running",
        "since_s",
        "size",
        "spans",
        "told",
        "trace_id",
        "true_root_ended",
    )

    def __init__(self, trace_id: str, now_s: float) -> None:
        self.trace_id = trace_id
        self.heard_s = self.since_s = now_s
        self.due_s: float | None = None
        self.spans: dict[str, SpanRecord] = {}
        self.running: dict[str, str | None] = {}
        self.size = 0
        self.root_ended = False
        self.true_root_ended = False
        self.told = False
        self.linked: list[SpanRecord] = []

    def add(self, record: SpanRecord, size: int) -> None:
        """Take an ended span in."""
        self.running.pop(record.span_id, None)
        if not self.spans:
            self.since_s = self.heard_s
        self.spans[record.span_id] = record
        self.size += size
        if is_root(record) and not self._knows(record.parent_id):
            self.root_ended = True
            if record.parent_id is None:
                self.true_root_ended = True
                if record.links:
                    self.linked.append(record)

    def _knows(self, span_id: str | None) -> bool:
        return span_id in self.spans or span_id in self.running

    def join(self, other: OpenTrace) -> None:
        """Take everything of *other* in; ids are unique across traces in practice."""
        self.since_s = min(t.since_s for t in (self, other) if t.spans)
        for span_id, record in other.spans.items():
            self.spans.setdefault(span_id, record)
        self.running |= other.running
        self.told = self.told or other.told
        self.size += other.size

    def restart(self, kept: list[SpanRecord]) -> None:
        """Go on after its spans left, with *kept* and those running."""
        since_s = self.since_s
        self.spans = {}
        self.size = 0
        self.due_s = None
        self.root_ended = self.true_root_ended = False
        self.linked = []
        for record in kept:
            self.add(record, size_of(record))
        self.since_s = since_s


def size_of(record: SpanRecord) -> int:
    """About how many bytes *record* takes in memory."""
    size = SPAN_BYTES + _texts(record.attributes)
    for event in record.events:
        size += SPAN_BYTES // 4 + _texts(event.attributes)
    return size + len(record.links) * SPAN_BYTES // 4


def size_of_log(log: LogEvent) -> int:
    """As `size_of`, for a log event."""
    return SPAN_BYTES + _texts(log.attributes) + _value(log.body)


def _texts(attributes: Attributes) -> int:
    size = 0
    for value in attributes.values():
        size += VALUE_BYTES
        if type(value) is str:
            size += len(value)
        elif value.__class__ not in _SMALL:
            size += _value(value)
    return size


_SMALL = frozenset({int, float, bool, type(None)})
_DEPTH = 6


def _value(value: object, depth: int = _DEPTH) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if depth and isinstance(value, (list, tuple)):
        return sum(VALUE_BYTES + _value(item, depth - 1) for item in value)
    if depth and isinstance(value, dict):
        return _mapping(value, depth - 1)
    return VALUE_BYTES


def _mapping(values: Mapping[object, object], depth: int) -> int:
    return sum(VALUE_BYTES + _value(item, depth) for item in values.values())
