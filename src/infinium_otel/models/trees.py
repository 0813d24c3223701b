"""Repeated spans and roots, for any parent links: missing ones and cycles too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import find_roots, sort_key
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent

Key = tuple[str, str]
"""Trace id and span id."""


def drop_repeated(
    records: Iterable[SpanRecord | LogEvent],
) -> list[SpanRecord | LogEvent]:
    """*records* without repeated spans: a sender may retry a batch."""
    seen: set[Key] = set()
    return [each for each in records if not _is_repeated(each, seen)]


def _is_repeated(record: SpanRecord | LogEvent, seen: set[Key]) -> bool:
    if not isinstance(record, SpanRecord):
        return False
    key = (record.trace_id, record.span_id)
    known = key in seen
    seen.add(key)
    return known


def find_root_spans(records: Iterable[SpanRecord]) -> dict[Key, SpanRecord]:
    """The root of each span's tree, by trace id and span id.

    A span whose parent is missing is a root; in a cycle, the earliest span is one.
    """
    spans = {(each.trace_id, each.span_id): each for each in records}
    parents = {
        key: (span.trace_id, span.parent_id) if span.parent_id else None
        for key, span in spans.items()
    }
    roots, _ = find_roots(parents, lambda key: sort_key(spans[key]))
    return {key: spans[root] for key, root in roots.items()}
