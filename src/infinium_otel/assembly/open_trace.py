"""The state of one trace that has not been emitted yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import is_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.assembly.live_runs import LiveRuns
    from infinium_otel.records import Attributes, LogEvent, SpanRecord, SpanStart


@dataclass(frozen=True, slots=True)
class WaitingTrace:
    """What has ended of a trace that is not complete yet.

    Args:
        seen_s: when one of its spans last started or ended.
        records: its ended spans that were not emitted.
    """

    trace_id: str
    seen_s: float
    records: tuple[SpanRecord, ...]


SPAN_BYTES = 800
"""Bytes a record uses apart from its texts. Measured with tracemalloc, CPython 3.11."""
VALUE_BYTES = 100
"""Bytes one attribute uses apart from its text, key included, where keys are shared."""


class OpenTrace:
    """The spans of one trace id that have ended, and the ids of those running.

    Args:
        last_seen_s: when a span of it last started or ended.
        since_s: when the first of its ended spans was received; meaningless without one.
        starts_seen: whether the starts of its spans are reported, as well as the ends.
        due_s: when it is to be emitted in any case; None if there is no deadline yet.
        running: parents of the spans that run, by span id; None for a root.
        linked_roots: its roots with span links.
        root_ended: whether one of its roots has ended.
        true_root_ended: whether a root without any parent has ended.
        opened_s: when it began to wait; later if that was reported.
        root_start: the start of a root that runs; None if no start was seen.
        runs: the runs inside it, where each is emitted on its own.
    """

    __slots__ = (
        "due_s",
        "last_seen_s",
        "linked_roots",
        "opened_s",
        "root_ended",
        "root_start",
        "running",
        "runs",
        "since_s",
        "size",
        "spans",
        "starts_seen",
        "trace_id",
        "true_root_ended",
    )

    def __init__(self, trace_id: str, now_s: float) -> None:
        self.trace_id = trace_id
        self.last_seen_s = self.since_s = self.opened_s = now_s
        self.due_s: float | None = None
        self.spans: dict[str, SpanRecord] = {}
        self.running: dict[str, str | None] = {}
        self.size = 0
        self.root_ended = False
        self.true_root_ended = False
        self.starts_seen = False
        self.linked_roots: list[SpanRecord] = []
        self.root_start: SpanStart | None = None
        self.runs: LiveRuns | None = None

    def add(self, record: SpanRecord, size: int) -> None:
        """Add an ended span."""
        if self.running:
            self.running.pop(record.span_id, None)
        if not self.spans:
            self.since_s = self.last_seen_s
        self.spans[record.span_id] = record
        self.size += size
        if is_root(record) and not self._has_span(record.parent_id):
            self.root_ended = True
            if record.parent_id is None:
                self.true_root_ended = True
                if record.links:
                    self.linked_roots.append(record)

    def _has_span(self, span_id: str | None) -> bool:
        return span_id in self.spans or span_id in self.running

    def join(self, other: OpenTrace) -> None:
        """Add everything of *other*; span ids are unique across traces in practice."""
        self.since_s = min(t.since_s for t in (self, other) if t.spans)
        for span_id, record in other.spans.items():
            self.spans.setdefault(span_id, record)
        self.running |= other.running
        self.starts_seen = self.starts_seen or other.starts_seen
        self.size += other.size

    def remove(self, records: Iterable[SpanRecord]) -> None:
        """Remove ended spans that are emitted while the rest waits."""
        for record in records:
            del self.spans[record.span_id]
            self.size -= estimate_size(record)

    def restart(self, kept: list[SpanRecord]) -> None:
        """Continue after its spans were emitted, with *kept* and those running."""
        since_s = self.since_s
        self.spans = {}
        self.size = 0
        self.due_s = None
        self.root_ended = self.true_root_ended = False
        self.linked_roots = []
        for record in kept:
            self.add(record, estimate_size(record))
        self.since_s = since_s


def estimate_size(record: SpanRecord) -> int:
    """About how many bytes *record* uses in memory."""
    size = SPAN_BYTES + _estimate_attributes(record.attributes)
    for event in record.events:
        size += SPAN_BYTES // 4 + _estimate_attributes(event.attributes)
    return size + len(record.links) * SPAN_BYTES // 4


def estimate_log_size(log: LogEvent) -> int:
    """As `estimate_size`, for a log event."""
    return SPAN_BYTES + _estimate_attributes(log.attributes) + _estimate_value(log.body)


def _estimate_attributes(attributes: Attributes) -> int:
    size = VALUE_BYTES * len(attributes)
    for value in attributes.values():
        kind = value.__class__
        if kind is str:
            size += len(value)
        elif kind not in _SMALL:
            size += _estimate_value(value)
    return size


_SMALL = frozenset({int, float, bool, type(None)})
_DEPTH = 6


def _estimate_value(value: object, depth: int = _DEPTH) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if depth and isinstance(value, (list, tuple)):
        size = VALUE_BYTES * len(value)
        for item in value:
            size += len(item) if type(item) is str else _estimate_value(item, depth - 1)
        return size
    if depth and isinstance(value, dict):
        return _estimate_mapping(value, depth - 1)
    return VALUE_BYTES


def _estimate_mapping(values: Mapping[object, object], depth: int) -> int:
    return sum(VALUE_BYTES + _estimate_value(item, depth) for item in values.values())
