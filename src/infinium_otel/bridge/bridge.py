"""From the SDK's threads to the sender: who may touch what, and when."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach

from infinium_otel.bridge.hints import ContentHints
from infinium_otel.bridge.inside import INSIDE, is_inside
from infinium_otel.bridge.metrics import attempts_of, labels_of_new
from infinium_otel.bridge.stats import Load, Stats, gather
from infinium_otel.bridge.worker import Worker
from infinium_otel.sdkspans import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.config import Config
    from infinium_otel.delivery.journal import Journal
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.pipeline import Finished, Pipeline
    from infinium_otel.records import LogEvent, SpanRecord

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds between looks at the inbox while traces are open: so the application's
threads need not wake anybody."""
AT_ONCE = 512
"""Ended spans fed under one hold of the lock."""
BYTES_WAITING = 8_192
"""About what a span takes that nobody has looked at; bounds how many may wait."""
SPOOLED_EXIT_S = 1.5
"""Seconds the last shutdown may take with a spool, which loses nothing."""
SPOOLED_LEAVE_S = 0.4
"""The same for those before it: together they stay below two seconds."""
PATIENCE_S = 5.0
"""Seconds an exit waits for an endpoint that takes nothing."""
LOCK_S = 5.0
"""Seconds to wait for the lock where no deadline was given; a signal handler that
interrupted its holder must not wait for ever."""


class Bridge:
    """A pipeline, driven from many threads, and what becomes of its tasks.

    The application's threads append to the inbox and nothing else; one thread, made
    when it is needed, does the rest.

    Args:
        config: the settings.
        sender: takes the finished tasks.
        journal: keeps ended spans of open traces over a kill; None without a spool.
        readers: finds the dialect readers of third parties, with the first span.
        clock: seconds, monotonic.

    Attributes:
        labels: of this bridge's numbers among the metrics.
    """

    def __init__(
        self,
        config: Config,
        sender: Sender,
        *,
        journal: Journal | None = None,
        readers: Callable[[], Sequence[Any]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self._sender = sender
        self._journal = journal
        self._readers = readers
        self._clock = clock
        self.inbox: deque[Any] = deque()
        self.worker = Worker(self._look, lambda: bool(self.inbox))
        self.max_waiting = min(
            config.max_open_spans, max(1, config.max_open_bytes // BYTES_WAITING)
        )
        self._settle_s = 0.0
        self._hints = ContentHints()
        self.labels = labels_of_new(config)
        sender.on_attempt = attempts_of(self.labels)
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._made: Pipeline | None = None
        self._recovered: Pipeline | None = None
        self._to_recover = self._journal is not None
        self._refused: Counter[str] = Counter()
        self._unspooled: list[str] = []
        self._patience_s = PATIENCE_S
        self.inlets = 0
        self._closed = False
        self._lost = False

    @property
    def _pipeline(self) -> Pipeline:
        if self._made is None:
            self._made = self._new_pipeline(self._forget)
        return self._made

    def _new_pipeline(
        self, on_filtered: Callable[[str, tuple[str, ...]], None] | None = None
    ) -> Pipeline:
        # Imported with the first span: all of the mapping hangs on it.
        from infinium_otel.pipeline import Pipeline  # noqa: PLC0415

        pipeline = Pipeline(self.config, self._readers(), on_filtered=on_filtered)
        pipeline.wait_for_logs(self._settle_s)
        return pipeline

    @property
    def closed(self) -> bool:
        """True once it was shut down: nothing is taken any more."""
        return self._closed

    def wait_for_logs(self, settle_s: float) -> None:
        """Log events will come in batches, up to *settle_s* after their spans."""
        self._hints.logs_come = True
        self._settle_s = max(self._settle_s, settle_s)
        with self._lock:
            if self._made is not None:
                self._made.wait_for_logs(settle_s)

    # -- the application's threads -------------------------------------------------

    def ended(self, item: Any) -> None:
        """A span has ended; costs an append, with a spool one to the journal too."""
        if self._journal is not None:
            item = self._journalled(item)
        self.inbox.append(item)
        if self.worker.attention:
            self.attend()

    def attend(self) -> None:
        """Something was put into the inbox while nobody was looking at it."""
        if self._closed:
            self._turn_inbox_away()
        elif not self.worker.wake() or len(self.inbox) > self.max_waiting:
            # No thread can be had any more, or ours cannot keep pace. Helping it slows
            # the threads that make so many spans; the alternatives are memory without
            # bound, or loss.
            self._catch_up()

    def _turn_inbox_away(self) -> None:
        while self.inbox:
            try:
                item = self.inbox.popleft()
            except IndexError:  # another thread was faster
                return
            if type(item) is not tuple:
                self.turn_away(1, "shutdown")

    def logged(self, log: Any) -> None:
        """A log record was emitted."""
        # Now, because whoever emitted it may change it when it has passed here.
        self._hints.logs_come = True
        event = as_record(log)
        if event is not None and not self._closed and not is_inside():
            self.ended(event)

    def _catch_up(self) -> None:
        if self._lock.acquire(timeout=LOCK_S):
            try:
                self._drain(AT_ONCE)
            finally:
                self._lock.release()

    def _journalled(self, item: Any) -> Any:
        record = as_record(item)
        if record is None or self._journal is None:
            return item
        self._journal.append(record)
        return record

    def turn_away(self, spans: int, reason: str) -> None:
        """Count spans that are not taken, as a loss."""
        if not self._refused[reason]:
            logger.warning("Spans are not taken: %s", reason)
        self._refused[reason] += spans
        self._lost = True

    # -- exporters -----------------------------------------------------------------

    def accept(self, items: Iterable[Any], timeout_s: float) -> bool:
        """Take ended spans or log records, and try to deliver what they complete.

        Returns:
            False if something was really lost.
        """
        batch = list(items)
        if self._closed:
            self.turn_away(len(batch), "shutdown")
            return False
        if is_inside():
            return True
        records = self._readable(batch)
        if not self._lock.acquire(timeout=LOCK_S):
            self.inbox.extend(records)
            self.worker.wake()
            return True
        try:
            before = self._sender.losses
            submitted = self._feed(records)
            self._journal_open(records)
            waits = self._pipeline.next_due() is not None
        finally:
            self._lock.release()
        if submitted:
            self._sender.attempt(timeout_s)
        if waits or self._to_recover:
            self.worker.wake()
        return self._sender.losses == before

    def _readable(self, batch: Iterable[Any]) -> list[SpanRecord | LogEvent]:
        records = []
        for item in batch:
            record = as_record(item)
            if record is not None:
                records.append(record)
            elif not hasattr(item, "log_record"):
                self._refused["unreadable"] += 1
        return records

    def _journal_open(self, records: list[SpanRecord | LogEvent]) -> None:
        """Journal what has not left with its trace; the rest is in the spool."""
        if self._journal is None or not self._pipeline.open_traces:
            return
        for record in records:
            self._journal.append(record)

    def _open_is_safe(self) -> bool:
        """Whether the ended spans of open traces would survive the process."""
        return self._journal is not None and self._journal.holds_all

    # -- everybody -----------------------------------------------------------------

    def flush(self, timeout_s: float, *, everything: bool = False) -> bool:
        """Deliver what has ended, or see it safe.

        Args:
            timeout_s: seconds this may take.
            everything: also traces that are still open and safe in the journal.

        Returns:
            True only if all of it is delivered or safe, and nothing was lost since the
            last flush.
        """
        deadline = self._clock() + timeout_s
        if not self._lock.acquire(timeout=max(0.0, timeout_s)):
            return False
        try:
            self._recover()
            self._drain()
            if everything or not self._open_is_safe():
                self._submit(self._pipeline.flush, self._clock())
        finally:
            self._lock.release()
        delivered = self._sender.flush(max(0.0, deadline - self._clock()))
        lost, self._lost = self._lost, False
        return delivered and not lost

    def leave(self, timeout_s: float) -> bool:
        """One of several inlets is shut down: as `shutdown`, but the rest goes on."""
        deadline = self._empty_pipeline(timeout_s, SPOOLED_LEAVE_S)
        return deadline is not None and self._drain_sender(deadline)

    def shutdown(self, timeout_s: float) -> bool:
        """As `flush` of everything, then nothing is taken any more."""
        if self._closed:
            return True
        lost = self._sender.losses
        deadline = self._empty_pipeline(timeout_s, SPOOLED_EXIT_S, close=True)
        if deadline is None:
            return False
        self._drain_sender(deadline)
        self._tell_journal()
        safe = self._sender.shutdown(max(0.0, min(1.0, deadline - self._clock())))
        if self._journal is not None:
            self._journal.close()
        self.worker.stop(max(0.0, deadline - self._clock()))
        return safe and not self._lost and self._sender.losses == lost

    def _empty_pipeline(
        self, timeout_s: float, spooled_s: float, *, close: bool = False
    ) -> float | None:
        """Hand all that has ended to the sender.

        Returns:
            Until when to wait for its delivery: *spooled_s* at most if it is on disk.
            None if the lock cannot be had.
        """
        began_s = self._clock()
        least_s = timeout_s if self._journal is None else min(timeout_s, spooled_s)
        if not self._lock.acquire(timeout=max(0.0, least_s)):
            return None
        try:
            self._closed = close
            self.worker.attention = self.worker.attention or close
            self._recover()
            self._drain()
            self._submit(self._pipeline.flush, self._clock())
        finally:
            self._lock.release()
        return began_s + (least_s if self._sender.durable else timeout_s)

    def _drain_sender(self, deadline: float) -> bool:
        """Deliver until *deadline*; in memory no longer than anything moves."""
        if self._sender.durable:
            return self._sender.flush(max(0.0, deadline - self._clock()))
        while not self._is_empty():
            left_s = deadline - self._clock()
            before = self._sender.counts.tasks.queued
            self._sender.flush(max(0.0, min(self._patience_s, left_s)))
            if self._sender.counts.tasks.queued >= before:
                self._patience_s = 0.0  # once is enough for one exit
                break
            if left_s <= self._patience_s:
                break
        return self._is_empty()

    def _is_empty(self) -> bool:
        return self._sender.counts.tasks.queued == 0

    def stats(self) -> Stats:
        """Where every span and task is now."""
        held = self._lock.acquire(timeout=LOCK_S)
        try:
            if held:
                self._drain()
            counts = self._sender.counts
            pipelines = [self._pipeline]
            if self._recovered is not None:
                pipelines.append(self._recovered)
            return gather(pipelines, self._refused, counts.spans, counts.tasks)
        finally:
            if held:
                self._lock.release()

    def load(self) -> Load:
        """How much is held now, for whoever may send later instead."""
        stats = self.stats()
        return Load(
            tasks_queued=stats.tasks_queued,
            bytes_queued=self._sender.queued_bytes,
            tasks_open=stats.tasks_open,
            spans_open=stats.open,
            bytes_open=self._pipeline.open_bytes,
        )

    def before_fork(self) -> bool:
        """Let what is under way come to an end, so that a child finds no half of it.

        Above all an import: a child would wait for ever for a thread it has not.

        Returns:
            True if `after_fork_in_parent` is to be called.
        """
        return self._lock.acquire(timeout=LOCK_S)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start clean: what was under way is the parent's. Never blocks or logs."""
        inlets = self.inlets
        self.inbox.clear()
        self._reset()
        self.inlets = inlets
        self._to_recover = False
        self.worker.reset()
        self._sender.after_fork_in_child()
        if self._journal is not None:
            self._journal.after_fork_in_child()

    # -- with the lock held --------------------------------------------------------

    def _look(self) -> float | None:
        """What the worker does; returns seconds until it is to look again."""
        submitted = 0
        while True:
            with self._lock:
                self._recover()
                submitted += self._drain(AT_ONCE)
                submitted += self._submit(self._pipeline.due, self._clock())
                next_due = self._pipeline.next_due()
            waiting = len(self.inbox)
            self.worker.attention = waiting > self.max_waiting
            if not waiting:
                break
        if submitted:
            self._sender.wake()
        if next_due is None:
            return None
        return min(TICK_S, max(0.0, next_due - self._clock()))

    def _drain(self, most: int | None = None) -> int:
        """Feed what is in the inbox, in order; returns how many tasks that finished."""
        batch: list[SpanRecord | LogEvent] = []
        submitted = 0
        waiting = len(self.inbox)
        for _ in range(waiting if most is None else min(waiting, most)):
            item = self.inbox.popleft()
            if type(item) is not tuple:
                batch += self._readable_end(item)
            elif _is_root(item[0]) and batch:
                submitted += self._feed(batch)
                batch = []
                self._open(item[0])
            else:
                self._open(item[0])
        return submitted + self._feed(batch)

    def _readable_end(self, item: Any) -> list[SpanRecord | LogEvent]:
        context = getattr(item, "context", None)
        if context is not None and not context.trace_flags.sampled:
            return []
        return self._readable((item,))

    def _open(self, span: Any) -> None:
        context, parent = span.context, span.parent
        if context.trace_flags.sampled:
            self._pipeline.opened(
                f"{context.trace_id:032x}",
                f"{context.span_id:016x}",
                f"{parent.span_id:016x}" if parent else None,
                bool(parent and parent.is_remote),
                self._clock(),
            )

    def _feed(self, records: list[SpanRecord | LogEvent]) -> int:
        self._tell_journal()
        if not records:
            return 0
        return self._submit(self._pipeline.feed, records, self._clock())

    def _submit(self, step: Callable[..., Iterable[Finished]], *args: Any) -> int:
        token = attach(INSIDE)
        try:
            finished = list(step(*args))
            for task in finished:
                if self.config.capture_content and not self._hints.logs_come:
                    self._hints.look(task.task)
                self._sender.submit(task)
                if self._journal is None:
                    continue
                if self._sender.durable:
                    self._journal.done(task.span_ids)
                else:
                    self._unspooled += task.span_ids
        finally:
            detach(token)
        return len(finished)

    def _tell_journal(self) -> None:
        """Say what went past a spool that fails, and has gone out since."""
        gone = self._unspooled and not self._sender.counts.tasks.queued
        if gone and self._journal is not None:
            self._journal.done(self._unspooled)
            self._journal.recovered()
            self._unspooled = []

    def _forget(self, _trace_id: str, span_ids: tuple[str, ...]) -> None:
        if self._journal is not None:
            self._journal.done(span_ids)

    def _recover(self) -> None:
        """Send what dead processes left, once."""
        if not self._to_recover or self._journal is None:
            return
        self._to_recover = False
        records = self._journal.recover()
        if records:
            now_s = self._clock()
            self._recovered = self._new_pipeline()
            self._submit(self._recovered.feed, records, now_s)
            self._submit(self._recovered.flush, now_s)
        if self._sender.durable:
            self._journal.recovered()
        self._sender.wake()


def _is_root(span: Any) -> bool:
    parent = span.parent
    return parent is None or parent.is_remote
