"""The lines of a journal: a checksum, a blank, JSON. Damage costs the lines it hit."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord
from infinium_otel.taskdata import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = b"infinium-otel journal 1\n"

BYTES = "$bytes"
"""Marks bytes, which JSON has no word for."""

RESOURCE, SPAN, LOG, DONE = "r", "s", "l", "d"


def _odd(value: Any) -> Any:
    """What the encoder does not know, as something it knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    return plain(value)


_encode = json.JSONEncoder(
    separators=(",", ":"), default=_odd, check_circular=False
).encode


def line(parts: list[Any]) -> bytes:
    """One line of *parts*; total."""
    try:
        text = _encode(parts).encode()
    except (ValueError, TypeError, RecursionError):
        text = _encode(plain(parts)).encode()
    return b"%08x %s\n" % (crc32(text), text)


def span_line(span: SpanRecord, resource: int) -> bytes:
    """The line of a span; its resource stands in a line of its own, by number."""
    return line(
        [
            SPAN,
            span.trace_id,
            span.span_id,
            span.parent_id,
            span.name,
            span.start_ns,
            span.end_ns,
            span.attributes,
            span.kind,
            span.status,
            span.status_message,
            [[e.name, e.time_ns, e.attributes] for e in span.events],
            [[k.trace_id, k.span_id, k.attributes] for k in span.links],
            span.scope_name,
            span.scope_version,
            resource,
            span.parent_is_remote,
            span.dropped_attributes,
        ]
    )


def log_line(event: LogEvent, resource: int) -> bytes:
    """The line of a log event."""
    return line(
        [
            LOG,
            event.trace_id,
            event.span_id,
            event.name,
            event.time_ns,
            event.attributes,
            event.body,
            event.severity,
            event.scope_name,
            resource,
        ]
    )


class Reading:
    """What the lines of one journal say.

    Attributes:
        records: spans and logs in the order they were written, done ones left out
            once `finish` was called.
        skipped: lines that could not be read, by reason: "torn" (the last one, cut by
            a kill) or "damaged".
    """

    def __init__(self) -> None:
        self.records: list[SpanRecord | LogEvent] = []
        self.skipped: Counter[str] = Counter()
        self._done: set[str] = set()
        self._resources: dict[int, Any] = {}

    def feed(self, lines: Iterable[bytes]) -> None:
        """Reads lines, the header left out."""
        for each in lines:
            if not each.endswith(b"\n"):
                self.skipped["torn"] += 1
                continue
            try:
                self._take(_checked(each))
            except (ValueError, TypeError, IndexError, KeyError, RecursionError):
                self.skipped["damaged"] += 1

    def finish(self) -> list[SpanRecord | LogEvent]:
        """The records that were not done."""
        self.records = [r for r in self.records if r.span_id not in self._done]
        return self.records

    def _take(self, parts: list[Any]) -> None:
        kind = parts[0]
        if kind == RESOURCE:
            self._resources[parts[1]] = parts[2]
        elif kind == DONE:
            self._done.update(parts[1])
        elif kind == SPAN:
            self.records.append(self._span(parts[1:]))
        else:
            parts[9] = self._resources[parts[9]]
            self.records.append(LogEvent(*parts[1:]))

    def _span(self, parts: list[Any]) -> SpanRecord:
        parts[10] = tuple(SpanEvent(*event) for event in parts[10])
        parts[11] = tuple(SpanLink(*link) for link in parts[11])
        parts[14] = self._resources[parts[14]]
        return SpanRecord(*parts)


def _checked(each: bytes) -> list[Any]:
    text = each[9:-1]
    if int(each[:8], 16) != crc32(text):
        raise ValueError("checksum")
    parts: list[Any] = json.loads(text, object_hook=_object)
    return parts


def _object(pairs: dict[str, Any]) -> Any:
    if pairs.keys() == {BYTES} and isinstance(pairs[BYTES], str):
        return base64.b64decode(pairs[BYTES])
    return pairs
