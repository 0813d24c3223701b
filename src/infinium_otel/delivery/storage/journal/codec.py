"""The lines of a journal: a checksum, a space, JSON. Damage loses only its own lines."""

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
"""Key that marks base64-encoded bytes, which JSON has no type for."""

RESOURCE, SPAN, LOG, DONE = "r", "s", "l", "d"


def _to_jsonable(value: Any) -> Any:
    """Convert a value that the JSON encoder does not support."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    return plain(value)


_encode = json.JSONEncoder(
    separators=(",", ":"), default=_to_jsonable, check_circular=False
).encode


def encode_line(parts: list[Any]) -> bytes:
    """The line for *parts*; never raises."""
    try:
        text = _encode(parts).encode()
    except (ValueError, TypeError, RecursionError):
        text = _encode(plain(parts)).encode()
    return b"%08x %s\n" % (crc32(text), text)


def encode_span(span: SpanRecord, resource: int) -> bytes:
    """The line for a span.

    Args:
        span: the span.
        resource: number of the line that holds the span's resource.
    """
    return encode_line(
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
            span.is_annotated,
        ]
    )


def encode_log(event: LogEvent, resource: int) -> bytes:
    """The line for a log event; *resource* as for a span."""
    return encode_line(
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


class JournalReader:
    """Decodes the lines of one journal.

    Attributes:
        records: spans and logs in the order they were written; without those marked as
            done once `finish` was called.
        skipped: lines that could not be read, by reason: "torn" (the last one, cut off
            by a kill) or "damaged".
    """

    def __init__(self) -> None:
        self.records: list[SpanRecord | LogEvent] = []
        self.skipped: Counter[str] = Counter()
        self._done: set[str] = set()
        self._resources: dict[int, Any] = {}

    def feed(self, lines: Iterable[bytes]) -> None:
        """Read lines; the header is not one of them."""
        for each in lines:
            if not each.endswith(b"\n"):
                self.skipped["torn"] += 1
                continue
            try:
                self._add(_decode_line(each))
            except (ValueError, TypeError, IndexError, KeyError, RecursionError):
                self.skipped["damaged"] += 1

    def finish(self) -> list[SpanRecord | LogEvent]:
        """Remove the records marked as done, and return the rest."""
        self.records = [r for r in self.records if r.span_id not in self._done]
        return self.records

    def _add(self, parts: list[Any]) -> None:
        kind = parts[0]
        if kind == RESOURCE:
            self._resources[parts[1]] = parts[2]
        elif kind == DONE:
            self._done.update(parts[1])
        elif kind == SPAN:
            self.records.append(self._to_span(parts[1:]))
        else:
            parts[9] = self._resources[parts[9]]
            self.records.append(LogEvent(*parts[1:]))

    def _to_span(self, parts: list[Any]) -> SpanRecord:
        parts[10] = tuple(SpanEvent(*event) for event in parts[10])
        parts[11] = tuple(SpanLink(*link) for link in parts[11])
        parts[14] = self._resources[parts[14]]
        return SpanRecord(*parts)


def _decode_line(each: bytes) -> list[Any]:
    text = each[9:-1]
    if int(each[:8], 16) != crc32(text):
        raise ValueError("checksum")
    parts: list[Any] = json.loads(text, object_hook=_decode_bytes)
    return parts


def _decode_bytes(pairs: dict[str, Any]) -> Any:
    if pairs.keys() == {BYTES} and isinstance(pairs[BYTES], str):
        return base64.b64decode(pairs[BYTES])
    return pairs
