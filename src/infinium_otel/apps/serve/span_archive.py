"""The received spans, kept beside the tasks they became, within bounds of size and age."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel import otlp
from infinium_otel.apps.serve.task_row import clean
from infinium_otel.errors import DecodingError
from infinium_otel.records.bounds import MAX_RECORD_BYTES, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.otlp import Record

logger = logging.getLogger(__name__)

MIB = 1 << 20
DAY_MS = 86_400_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    otel_trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS spans_by_trace ON spans (otel_trace_id, span_id);
"""
MAX_RECORDS = 20_000
"""Spans and log events of one trace that are read, at most."""
REMOVED_AT_ONCE = 500
"""Records that are removed in one step to make room."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept.

    Args:
        max_bytes: of all records together, compressed; 0 keeps none.
        max_age_ms: since a record was received.
    """

    max_bytes: int = 1024 * MIB
    max_age_ms: int = 30 * DAY_MS


class SpanArchive:
    """Spans and log events in the server's SQLite file; thread-safe.

    Args:
        path: the file, which `Store` has created; it has connections of its own.
        retention: what to keep. The oldest records are removed first, which is logged once.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """

    def __init__(self, path: str, retention: Retention | None = None) -> None:
        self.retention = retention or Retention()
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(SCHEMA)
        (self._bytes,) = self._db.execute(
            "SELECT coalesce(sum(size), 0) FROM spans"
        ).fetchone()
        self.removed = 0

    @property
    def is_on(self) -> bool:
        """Whether records are kept at all."""
        return self.retention.max_bytes > 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, records: Iterable[Record]) -> None:
        """Keep *records*; what is too much or too old is removed."""
        if not self.is_on:
            return
        now_ms = time.time_ns() // 1_000_000
        rows = [_to_row(record, now_ms) for record in records]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            before = self._bytes
            try:
                self._db.executemany(
                    "INSERT INTO spans (otel_trace_id, span_id, received_ms, size, record)"
                    " VALUES (?, ?, ?, ?, ?)",
                    rows,
                )
                self._bytes += sum(row[3] for row in rows)
                self._make_room(now_ms)
                self._db.execute("COMMIT")
            except BaseException:
                self._bytes = before
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise

    def find(
        self, otel_trace_id: str, span_ids: Iterable[str] | None = None
    ) -> list[Record]:
        """Find what is kept of a trace, in the order of arrival.

        Args:
            span_ids: only the records of these spans; None for all.
        """
        if span_ids is None:
            return list(self._read("otel_trace_id = ?", [otel_trace_id]))
        wanted = list(dict.fromkeys(span_ids))[:MAX_RECORDS]
        return [
            record
            for span_id in wanted
            for record in self._read(
                "otel_trace_id = ? AND span_id = ?", [otel_trace_id, span_id]
            )
        ]

    def find_with(self, otel_trace_id: str, words: Iterable[str]) -> list[Record]:
        """Find what is kept of a trace and contains all *words*, in lower case, anywhere.

        Only those records are decoded: a trace may have thousands.
        """
        found = self._select("otel_trace_id = ?", [otel_trace_id])
        wanted = [word.encode() for word in words]
        texts = (text for packed in found if (text := _unpack(packed)) is not None)
        return [
            record
            for text in texts
            if _contains(text.lower(), wanted)
            for record in _decode(text)
        ]

    def remove(self, otel_trace_id: str) -> None:
        """Remove what is kept of a trace."""
        with self._lock:
            self._remove("otel_trace_id = ?", [otel_trace_id])

    def _read(self, where: str, arguments: list[str]) -> Iterator[Record]:
        for packed in self._select(where, arguments):
            yield from _from_row(packed)

    def _select(self, where: str, arguments: list[str]) -> list[Any]:
        with self._lock:
            found = self._db.execute(
                f"SELECT record FROM spans WHERE {where} ORDER BY place LIMIT ?",  # noqa: S608 (conditions are this module's own)
                [*arguments, MAX_RECORDS],
            ).fetchall()
        return [packed for (packed,) in found]

    def _make_room(self, now_ms: int) -> None:
        self._remove("received_ms < ?", [now_ms - self.retention.max_age_ms])
        before = self.removed
        while self._bytes > self.retention.max_bytes:
            oldest = "place IN (SELECT place FROM spans ORDER BY place LIMIT ?)"
            if not self._remove(oldest, [REMOVED_AT_ONCE]):
                break
        if self.removed > before == 0:
            logger.warning(
                "The kept spans use more than %d MiB: the oldest are removed (the tasks "
                "stay). To keep more, set --keep-spans-mib",
                self.retention.max_bytes // MIB,
            )

    def _remove(self, where: str, arguments: list[int] | list[str]) -> int:
        """Remove the records for which *where* holds; return how many there were."""
        (count, size) = self._db.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM spans WHERE {where}",  # noqa: S608 (as above)
            arguments,
        ).fetchone()
        if count:
            self._db.execute(f"DELETE FROM spans WHERE {where}", arguments)  # noqa: S608 (as above)
            self._bytes -= size
            self.removed += count
        return int(count)


def _from_row(packed: Any) -> list[Record]:
    """The record of a row; none if it is damaged, or larger than a record can be."""
    text = _unpack(packed)
    return [] if text is None else _decode(text)


def _contains(text: bytes, words: list[bytes]) -> bool:
    return all(word in text for word in words)


def _unpack(packed: Any) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, 4 * MAX_RECORD_BYTES)
    except (TypeError, zlib.error):
        return None


def _decode(text: bytes) -> list[Record]:
    try:
        return otlp.from_json(parse_json(text)).records
    except DecodingError:
        return []


def _to_row(record: Record, now_ms: int) -> tuple[str, str, int, int, bytes]:
    text = clean(json.dumps(otlp.to_otlp([record]), ensure_ascii=False))
    packed = zlib.compress(text.encode(), 3)
    return record.trace_id, record.span_id, now_ms, len(packed), packed
