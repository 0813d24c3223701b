"""Each span once, and which stands at the top of its tree, whatever parents claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import LogEvent

Key = tuple[str, str]
"""Trace id and span id."""


def distinct(records: Iterable[SpanRecord | LogEvent]) -> list[SpanRecord | LogEvent]:
    """*records* without the spans that were told before: a sender repeats a batch."""
    seen: set[Key] = set()
    return [each for each in records if not _is_known(each, seen)]


def _is_known(record: SpanRecord | LogEvent, seen: set[Key]) -> bool:
    if not isinstance(record, SpanRecord):
        return False
    key = (record.trace_id, record.span_id)
    known = key in seen
    seen.add(key)
    return known


def tops_of(records: Iterable[SpanRecord]) -> dict[Key, SpanRecord]:
    """For each span the one at the top of its tree, by trace and span id.

    A parent that is missing makes a top; of a circle the span where it closes is one.
    Each span is walked over once, so that a long chain costs no more than a flat trace.
    """
    known = {(each.trace_id, each.span_id): each for each in records}
    tops: dict[Key, SpanRecord] = {}
    for key in known:
        path = _path_up(key, known, tops)
        top = tops.get(path[-1]) or known[path[-1]]
        tops.update(dict.fromkeys(path, top))
    return tops


def _path_up(
    key: Key, known: Mapping[Key, SpanRecord], tops: Mapping[Key, SpanRecord]
) -> list[Key]:
    """The spans from one upwards, to the top or to one whose top is known."""
    path = [key]
    seen = {key}
    while key not in tops:
        above = (key[0], known[key].parent_id or "")
        if above not in known or above in seen:
            break
        path.append(above)
        seen.add(above)
        key = above
    return path
