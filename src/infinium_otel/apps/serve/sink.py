"""From received spans to stored tasks: the pipeline with a clock and a lock."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.store import Arrival
from infinium_otel.config import Config
from infinium_otel.delivery.protocol import encode
from infinium_otel.records import LogEvent
from infinium_otel.redaction import redact_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.apps.serve.event_stream import EventStream
    from infinium_otel.apps.serve.span_archive import SpanArchive
    from infinium_otel.apps.serve.store import Store
    from infinium_otel.assembly.open_trace import WaitingTrace
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import CompletedTask, Pipeline

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.5
"""Seconds between checks for tasks that are due."""

STORED_AT_ONCE = 100
"""Tasks in one transaction: other requests read between two."""

SETTLE_S = 1.5
"""Seconds to wait for log events, which arrive in requests of their own."""

MAX_SEARCH_S = 2.5
"""CPU time to search the spans of one request for credentials: those that are not searched
by then are not kept."""


class StoreSink:
    """Feeds a pipeline from worker threads, and stores the finished tasks.

    Args:
        archive: keeps the spans themselves, without credentials; None keeps none.
        config: what is a credential, and whether content may be kept at all.
        cpu_time: the seconds of CPU that the thread has used.

    Attributes:
        not_kept: spans and log events that were too many to search.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        pipeline: Pipeline,
        store: Store,
        events: EventStream,
        archive: SpanArchive | None = None,
        config: Config | None = None,
        *,
        cpu_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._events = events
        self._archive = archive
        self._config = config or Config()
        self._lock = threading.Lock()
        self._published = 0
        self._cpu_time = cpu_time
        self.not_kept = 0
        self._unstored: deque[CompletedTask] = deque()
        self._archive_failed = self._store_failed = False

    def accept(self, records: list[Record]) -> None:
        """Accept the records of one request.

        Raises:
            sqlite3.OperationalError: the disk is full, for example. Tasks that were made
                before that are stored first once it is not, and none is made until then,
                so that the sender can send the same again.
        """
        with self._lock:
            self._store_tasks(())
        self.keep(records)
        with self._lock:
            if any(isinstance(record, LogEvent) for record in records):
                self._pipeline.wait_for_logs(SETTLE_S)
            self._store_tasks(self._pipeline.feed(records, time.time()))

    def keep(self, records: list[Record]) -> None:
        """Keep the records for the page, and make no task of them."""
        if self._archive is None or not self._config.capture_content:
            return
        end_s = self._cpu_time() + MAX_SEARCH_S
        # the task matters more than what the page shows beside it
        try:
            searched = redact_records(
                records, self._config, lambda: self._cpu_time() < end_s
            )
            self._archive.add(searched)
            self._count_rest(len(records) - len(searched))
        except sqlite3.OperationalError as error:
            if not self._archive_failed:
                logger.error("Whole spans could not be kept: %s", error)  # noqa: TRY400 - the disk's state, not ours
            self._archive_failed = True
        except Exception as error:
            logger.exception("spans could not be kept: %s", type(error).__name__)
        else:
            self._archive_failed = False

    def _count_rest(self, number: int) -> None:
        """Count records that were not kept; log it the first time."""
        with self._lock:
            is_first = number > 0 and not self.not_kept
            self.not_kept += number
        if is_first:
            logger.warning(
                "A request has more text than is searched for credentials in %.1f s: "
                "%d of its spans and log events are not kept for the page (their tasks "
                "are). Send fewer in one request. Further ones are only counted",
                MAX_SEARCH_S,
                number,
            )

    def peek(self, limit: int) -> list[WaitingTrace]:
        """The traces that are not complete yet, at most *limit*; see `Pipeline.peek`."""
        with self._lock:
            return self._pipeline.peek(limit)

    def due(self) -> None:
        """Store the tasks that are due."""
        with self._lock:
            self._store_tasks(self._pipeline.due(time.time()))

    def flush(self) -> None:
        """Store every task, complete or not: the server stops."""
        with self._lock:
            try:
                self._store_tasks(self._pipeline.flush(time.time()))
            except sqlite3.OperationalError as error:
                logger.error(  # noqa: TRY400 - the disk's state, not ours
                    "%d runs could not be stored, and are lost: %s",
                    len(self._unstored),
                    error,
                )

    async def watch(self) -> None:
        """Store due tasks until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            await asyncio.to_thread(self._check)

    def _check(self) -> None:
        try:
            self.due()
            self._publish_changes()
        except sqlite3.OperationalError as error:
            if not self._store_failed:
                logger.error("Runs wait to be stored: %s", error)  # noqa: TRY400 - the disk's state, not ours
            self._store_failed = True
        except Exception:
            # one bad task must not end the checks
            logger.exception("a task could not be stored")
        else:
            self._store_failed = False

    def _publish_changes(self) -> None:
        """Notify pages that open runs have new spans, at most once per check."""
        if self._pipeline.received != self._published:
            self._published = self._pipeline.received
            self._events.touch()

    def _store_tasks(self, finished: Iterable[CompletedTask]) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._unstored.extend(finished)
        while tasks := [*islice(self._unstored, STORED_AT_ONCE)]:
            try:
                self._store.add([_to_arrival(task, now_ms) for task in tasks])
            except sqlite3.OperationalError:
                raise  # they are kept, and stored once that works again
            except BaseException:
                self._drop(len(tasks))
                raise
            self._drop(len(tasks))
            self._events.publish(self._store.last())

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._unstored.popleft()


def _to_arrival(finished: CompletedTask, now_ms: int) -> Arrival:
    body = encode(finished.task)
    return Arrival(json.loads(body), body, "", finished.key, "otlp", now_ms)
