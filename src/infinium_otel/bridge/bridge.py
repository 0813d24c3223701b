"""From the SDK's threads to the sender: who may touch what, and when."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from infinium_otel.bridge.flow import Flow
from infinium_otel.bridge.inside import is_inside
from infinium_otel.bridge.metrics import attempts_of, labels_of_new
from infinium_otel.bridge.safekeeping import Safekeeping
from infinium_otel.bridge.worker import Worker
from infinium_otel.sdkspans import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from infinium_otel.bridge.stats import Load, Stats
    from infinium_otel.config import Config
    from infinium_otel.delivery.journal import Journal
    from infinium_otel.delivery.sender import Sender

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds between looks at the inbox while there is anything to look after: so the
application's threads need not wake anybody."""
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
        self._clock = clock
        self._kept = Safekeeping(journal, sender)
        self._flow = Flow(config, sender, self._kept, readers, clock)
        self.inbox: deque[Any] = deque()
        self.worker = Worker(self._look, lambda: bool(self.inbox))
        self.max_waiting = min(
            config.max_open_spans, max(1, config.max_open_bytes // BYTES_WAITING)
        )
        self.labels = labels_of_new(config)
        sender.on_attempt = attempts_of(self.labels)
        self.inlets = 0
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._patience_s = PATIENCE_S
        self._closed = False
        self._lost = False

    @contextmanager
    def _holding_lock(self, timeout_s: float) -> Iterator[bool]:
        """Holds the lock, or tells with False that it cannot be had in time."""
        held = self._lock.acquire(timeout=max(0.0, timeout_s))
        try:
            yield held
        finally:
            if held:
                self._lock.release()

    @property
    def closed(self) -> bool:
        """True once it was shut down: nothing is taken any more."""
        return self._closed

    def wait_for_logs(self, settle_s: float) -> None:
        """Log events will come in batches, up to *settle_s* after their spans."""
        with self._lock:
            self._flow.wait_for_logs(settle_s)

    # -- the application's threads -------------------------------------------------

    def ended(self, item: Any) -> None:
        """A span has ended; costs an append, with a spool one to the journal too."""
        self.inbox.append(self._kept.keep(item))
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
        self._flow.hints.logs_come = True
        event = as_record(log)
        if event is not None and not self._closed and not is_inside():
            self.ended(event)

    def _catch_up(self) -> None:
        with self._holding_lock(LOCK_S) as held:
            if held:
                self._flow.drain(self.inbox, AT_ONCE)

    def turn_away(self, spans: int, reason: str) -> None:
        """Count spans that are not taken, as a loss."""
        if not self._flow.refused[reason]:
            logger.warning("Spans are not taken: %s", reason)
        self._flow.refused[reason] += spans
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
        records = self._flow.readable(batch)
        with self._holding_lock(LOCK_S) as held:
            if not held:
                self.inbox.extend(records)
                self.worker.wake()
                return True
            before = self._sender.losses
            submitted = self._flow.accept(records)
            waits = self._flow.pipeline.next_due() is not None
        if submitted:
            self._sender.attempt(timeout_s)
        if waits or self._kept.to_recover or (submitted and self._kept.has_journal):
            self.worker.wake()
        return self._sender.losses == before

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
        with self._holding_lock(timeout_s) as held:
            if not held:
                return False
            self._flow.recover()
            self._flow.drain(self.inbox)
            if everything or not self._kept.holds_all:
                self._flow.flush()
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
        self._kept.tidy()
        safe = self._sender.shutdown(max(0.0, min(1.0, deadline - self._clock())))
        self._kept.close()
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
        least_s = min(timeout_s, spooled_s) if self._kept.has_journal else timeout_s
        with self._holding_lock(least_s) as held:
            if not held:
                return None
            self._closed = close
            self.worker.attention = self.worker.attention or close
            self._flow.recover()
            self._flow.drain(self.inbox)
            self._flow.flush()
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
        with self._holding_lock(LOCK_S) as held:
            if held:
                self._flow.drain(self.inbox)
            return self._flow.stats()

    def load(self) -> Load:
        """How much is held now, for whoever may send later instead."""
        return self._flow.load(self.stats())

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
        self.inbox.clear()
        self._reset()
        self._flow.reset()
        self._kept.after_fork_in_child()
        self.worker.reset()
        self._sender.after_fork_in_child()

    # -- our own thread ------------------------------------------------------------

    def _look(self) -> float | None:
        """What the worker does; returns seconds until it is to look again."""
        submitted = 0
        while True:
            with self._lock:
                self._flow.recover()
                submitted += self._flow.drain(self.inbox, AT_ONCE)
                submitted += self._flow.due()
                next_due = self._flow.pipeline.next_due()
            waiting = len(self.inbox)
            self.worker.attention = waiting > self.max_waiting
            if not waiting:
                break
        if submitted:
            self._sender.wake()
        waits = [self._kept.sync()]
        if next_due is not None:
            waits.append(next_due - self._clock())
        known = [wait for wait in waits if wait is not None]
        return max(0.0, min(TICK_S, *known)) if known else None
