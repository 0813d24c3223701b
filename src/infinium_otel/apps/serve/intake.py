"""Spans on their way into the store: the pipeline, with a clock and a lock."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.store import Arrival
from infinium_otel.protocol import encode
from infinium_otel.records import LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.apps.serve.live import Live
    from infinium_otel.apps.serve.store import Store
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import Finished, Pipeline

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5

SETTLE_S = 1.5
"""Log events come in requests of their own: whoever sends some is waited for."""


class Intake:
    """Feeds a pipeline from worker threads and keeps what it finishes."""

    def __init__(self, pipeline: Pipeline, store: Store, live: Live) -> None:
        self._pipeline = pipeline
        self._store = store
        self._live = live
        self._lock = threading.Lock()

    def accept(self, records: list[Record]) -> None:
        """Take the records of one request."""
        with self._lock:
            if any(isinstance(record, LogEvent) for record in records):
                self._pipeline.wait_for_logs(SETTLE_S)
            self._keep(self._pipeline.feed(records, time.time()))

    def due(self) -> None:
        """Keep the tasks whose time has come."""
        with self._lock:
            self._keep(self._pipeline.due(time.time()))

    def flush(self) -> None:
        """Keep every task, finished or not: the server stops."""
        with self._lock:
            self._keep(self._pipeline.flush(time.time()))

    async def watch(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        try:
            self.due()
        except Exception:
            # the next look must take place whatever one task did to this one
            logger.exception("a task could not be kept")

    def _keep(self, finished: Iterable[Finished]) -> None:
        now_ms = time.time_ns() // 1_000_000
        arrivals = [_arrival(one, now_ms) for one in finished]
        if arrivals:
            self._store.add(arrivals)
            self._live.tell(self._store.last())


def _arrival(finished: Finished, now_ms: int) -> Arrival:
    body = encode(finished.task)
    return Arrival(json.loads(body), body, "", finished.key, "otlp", now_ms)
