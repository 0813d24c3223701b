"""Sends whole spans beside their tasks, if the endpoint is a local `infinium-otel serve`."""

from __future__ import annotations

import json
import logging
import threading
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.delivery.locks import (
    Lock,
    RLock,
    begin_thread,
    end_thread,
    is_patched_late,
    must_hand_over,
)
from infinium_otel.delivery.starts import start_thread
from infinium_otel.delivery.transport.network import LOOPBACK
from infinium_otel.delivery.transport.suppression import suppress_instrumentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.records import LogEvent, SpanRecord

    Record = SpanRecord | LogEvent

logger = logging.getLogger(__name__)

FIELD = "spansPath"
"""The member of the response to a task with which `serve` offers to keep spans."""
MAX_HELD_BYTES = 32 * 1024 * 1024
"""Bytes of spans that wait for their task or their request, at most."""
MAX_BATCH = 200
"""Spans and log records of one request, at most."""
TIMEOUT_S = 5.0


def make_local_spans(config: Config, client: Any = None) -> LocalSpans | None:
    """What sends the spans; None if the endpoint cannot be a local server.

    Args:
        client: sends the tasks in place of our transport, to an unknown address.
    """
    address = urlsplit(config.base_url)
    is_local = address.scheme == "http" and address.hostname in LOOPBACK
    is_wanted = config.send_spans == "auto" and config.capture_content
    return LocalSpans(config) if is_local and is_wanted and client is None else None


class LocalSpans:
    """Holds spans until their task is submitted, then sends them.

    Nothing is sent before the server has offered to keep spans in its response to a
    task, and nothing of a run that is not sent. What waits is bounded; what does not fit
    or cannot be sent is counted, and logged with the next flush.

    Args:
        config: the address, and what is removed from spans.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Return to the initial state; in a child, what is held belongs to the parent."""
        self._lock, self._posting = RLock(), Lock()
        self._is_off = False
        self._path = ""
        self._held: dict[str, list[Record]] = {}
        self._outgoing: list[Record] = []
        self._bytes = 0
        self._is_running = False
        self.dropped = 0

    def add(self, records: Iterable[Record]) -> None:
        """Hold *records* until their run is submitted or filtered."""
        if self._is_off:
            return
        estimate = _load_estimate()
        with self._lock:
            for record in records:
                self._held.setdefault(record.span_id or "", []).append(record)
                self._bytes += estimate(record)
            while self._bytes > MAX_HELD_BYTES and self._held:
                self._remove(next(iter(self._held)), is_dropped=True)
            if self._bytes > MAX_HELD_BYTES:
                self.dropped += len(self._outgoing)
                self._outgoing, self._bytes = [], 0

    def discard(self, span_ids: Iterable[str]) -> None:
        """Forget the spans of a run that is not sent."""
        with self._lock:
            for span_id in span_ids:
                self._remove(span_id, is_dropped=False)

    def release(self, span_ids: Iterable[str]) -> None:
        """Send the spans of a task that was submitted."""
        with self._lock:
            for span_id in span_ids:
                self._outgoing += self._held.pop(span_id, ())
        if self._path:
            self._start()

    def watch(
        self, on_attempt: Callable[[AttemptResult, float], None]
    ) -> Callable[[AttemptResult, float], None]:
        """*on_attempt*, which also finds out whether the server keeps spans."""

        def watch(result: AttemptResult, duration_s: float) -> None:
            on_attempt(result, duration_s)
            self._read_offer(result)

        return watch

    def _read_offer(self, result: AttemptResult) -> None:
        """Find out by the response to a task whether the server keeps spans."""
        if self._path or self._is_off or result.kind != "delivered":
            return
        path = (result.data or {}).get(FIELD)
        # Always a path of the same server: no response sends spans elsewhere.
        if isinstance(path, str) and path.startswith("/"):
            self._path = path
            self._start()
        else:
            self._is_off = True
            with self._lock:
                self._held, self._outgoing, self._bytes = {}, [], 0

    def flush(self, timeout_s: float) -> None:
        """Send what is released, and log once what was dropped since the last flush."""
        if self._path and self._posting.acquire(timeout=max(0.0, timeout_s)):
            try:
                while self._post_batch():
                    pass
            finally:
                self._posting.release()
        if self.dropped:
            logger.warning(
                "Whole spans that the local page does not show: %d. Their tasks are "
                "not affected; INFINIUM_OTEL_SEND_SPANS=off sends none",
                self.dropped,
            )
            self.dropped = 0

    def _remove(self, span_id: str, *, is_dropped: bool) -> None:
        records = self._held.pop(span_id, [])
        self._bytes -= sum(map(_estimate, records))
        self.dropped += len(records) * is_dropped

    def _start(self) -> None:
        with self._lock:
            if self._is_running or not self._outgoing or must_hand_over():
                return
            self._is_running = True
        is_native = not is_patched_late()
        thread = threading.Thread(
            target=lambda: self._run(is_native=is_native),
            name="infinium-otel-spans",
            daemon=True,
        )
        try:
            start_thread(thread)
        except RuntimeError:  # at exit, where the last flush sends them
            self._is_running = False

    def _run(self, *, is_native: bool) -> None:
        begin_thread(is_native=is_native)
        try:
            while self._post_in_turn():
                pass
        except BaseException:  # nobody waits for what is raised in this thread
            logger.exception("Whole spans could not be sent")
            self._is_running = False
        finally:
            end_thread()

    def _post_in_turn(self) -> bool:
        with self._posting:
            return self._post_batch()

    def _post_batch(self) -> bool:
        """Send one batch; False if there is none."""
        with self._lock:
            batch = self._outgoing[:MAX_BATCH]
            del self._outgoing[:MAX_BATCH]
            self._bytes -= sum(map(_estimate, batch))
            if not batch:
                self._is_running = False
                return False
        if not self._post(batch):
            self.dropped += len(batch)
        return True

    def _post(self, batch: list[Record]) -> bool:
        from infinium_otel.otlp import to_otlp  # noqa: PLC0415 - when needed
        from infinium_otel.redaction import redact_records  # noqa: PLC0415 - likewise

        document = to_otlp(redact_records(batch, self._config))
        logs = document.pop("resourceLogs", None)
        is_kept = True
        if document.get("resourceSpans"):
            is_kept = self._send(self._path, document)
        if logs:
            is_kept &= self._send(f"{self._path}/logs", {"resourceLogs": logs})
        return is_kept

    def _send(self, path: str, document: dict[str, Any]) -> bool:
        from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - likewise

        address = urlsplit(self._config.base_url)
        connection = HTTPConnection(
            address.hostname or "", address.port or 80, timeout=TIMEOUT_S
        )
        try:
            with suppress_instrumentation():
                connection.request(
                    "POST",
                    path,
                    json.dumps(document),
                    {"Content-Type": "application/json"},
                )
                return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@cache
def _load_estimate() -> Callable[[Record], int]:
    """What estimates the bytes of a span or a log record; imported with the first span."""
    from infinium_otel.assembly.open_trace import (  # noqa: PLC0415
        estimate_log_size,
        estimate_size,
    )
    from infinium_otel.records import LogEvent  # noqa: PLC0415

    def estimate(record: Record) -> int:
        if isinstance(record, LogEvent):
            return estimate_log_size(record)
        return estimate_size(record)

    return estimate


def _estimate(record: Record) -> int:
    return _load_estimate()(record)
