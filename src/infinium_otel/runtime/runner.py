"""Drives the pipeline from many threads: locking, deadlines, forks and shutdown."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.locks import Lock, is_patched_late, sleep
from infinium_otel.delivery.transport.suppression import is_mapping, is_own_work
from infinium_otel.runtime.closing import IMPORT_S, LOCK_S, TURN, ClosableRunner
from infinium_otel.runtime.feeder import PipelineFeeder
from infinium_otel.runtime.inbox import STARTED, UNREAD_BYTES, count_unread
from infinium_otel.runtime.journal_coordinator import JournalCoordinator
from infinium_otel.runtime.last_delivery import LastDelivery
from infinium_otel.runtime.metrics import make_attempt_recorder, make_labels
from infinium_otel.runtime.slices import Slices
from infinium_otel.runtime.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.config import Config
    from infinium_otel.delivery.storage.journal import Journal
    from infinium_otel.delivery.task_sender import TaskSender
    from infinium_otel.pipeline import Router
    from infinium_otel.records import LogEvent, SpanRecord
    from infinium_otel.runtime.local_spans import LocalSpans
    from infinium_otel.runtime.stats import Load, Stats
    from infinium_otel.runtime.verdict_follower import VerdictFollower

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds between checks of the inbox while spans are open: so the application's threads
need not wake the worker."""
GIVE_WAY_S, GIVE_WAY_MAX = 0.001, 20
"""Pauses between two batches while a caller waits for the lock."""
BATCH_SIZE = 512
"""Items fed while the lock is held once."""
FROM_SDK = "infinium_otel.records.from_sdk"
"""Imported with the first span or log record, not before: it takes 10 ms."""
FORK_POLL_S = 0.02
"""Seconds between two looks, before a fork, whether a hook holds everything up."""
ATTEMPT_S = 4.0
"""Seconds an export may wait for the first attempt to deliver what it completed."""


class PipelineRunner(ClosableRunner):
    """Runs a pipeline for any number of threads, and delivers its tasks.

    The application's threads only append to the inbox. One background thread, started on
    demand, does everything else.

    Args:
        config: the settings.
        sender: delivers the completed tasks.
        journal: stores ended spans of open traces, so that they survive a kill; None
            without a spool.
        readers: loads the dialects of third parties, with the first span.
        router: decides which agent a run is for; None for the only one.
        clock: seconds, monotonic.

    Attributes:
        inbox: started and ended spans and log records, in order.
        max_waiting: items in the inbox past which the application's threads help.
        labels: the attributes of this runner's metrics.
        handles: exporters and processors that use this runner.
        verdicts: awaits the interpretations of delivered runs; None unless wanted.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        config: Config,
        sender: TaskSender,
        *,
        journal: Journal | None = None,
        readers: Callable[[], Sequence[Any]] = tuple,
        router: Router | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self._sender = sender
        self._clock = clock
        self._journal = JournalCoordinator(journal, sender)
        self._last_delivery = LastDelivery(sender, clock)
        self._slices = Slices(self._is_urgent)
        self._local_spans = None
        self._feeder = PipelineFeeder(config, sender, self._journal, readers, clock)
        self._feeder.router = router
        self._feeder.pause = self._slices.pause
        self.inbox: deque[Any] = deque()
        self.worker = Worker(self._run_once, lambda: bool(self.inbox))
        self.max_waiting = min(
            config.max_open_spans, max(1, config.max_open_bytes // UNREAD_BYTES)
        )
        self.labels = make_labels(config)
        sender.on_attempt = make_attempt_recorder(self.labels)
        self.handles = 0
        self.verdicts: VerdictFollower | None = None
        self._reset()

    def _reset(self) -> None:
        self._lock = Lock()
        self._waiting = deque()
        self._process = os.getpid()
        self._is_held_for_fork = False
        self._last_delivery.reset()
        self._closed = False
        self._has_lost = False

    def send_spans(self, local_spans: LocalSpans) -> None:
        """Send whole spans beside their tasks; to be called before the first span."""
        self._local_spans = self._feeder.local_spans = local_spans
        self._sender.on_attempt = local_spans.watch(self._sender.on_attempt)

    def wait_for_logs(self, settle_s: float) -> None:
        """Expect log events in batches, up to *settle_s* seconds after their spans."""
        with self._try_lock(LOCK_S):
            self._feeder.wait_for_logs(settle_s)

    # -- the application's threads -------------------------------------------------

    def on_end(self, item: Any) -> None:
        """Add an ended span: one append, with a spool also a write to the journal."""
        self.inbox.append(self._journal.append(item))
        if self.worker.needs_wake:
            self.process_soon()

    def process_soon(self) -> None:
        """Have the inbox processed; to be called while `worker.needs_wake`."""
        if self._process != os.getpid():
            self._begin_in_unannounced_child()
        if self._closed:
            if not self._deliver_late(lambda: self._feeder.drain(self.inbox)):
                self._refuse_inbox()
        elif not self.worker.wake() or len(self.inbox) > self.max_waiting:
            # No thread can be started, or ours is too slow. Processing spans here slows
            # down the threads that produce them; the alternatives are unbounded memory
            # or loss.
            self._catch_up()

    def _begin_in_unannounced_child(self) -> None:
        """What the hook of a fork would have done: uWSGI forks without them."""
        newest = self.inbox[-1] if self.inbox else None  # all before is the parent's
        self.after_fork_in_child()
        if newest is not None:
            self.inbox.append(newest)

    def _refuse_inbox(self) -> None:
        while self.inbox:
            try:
                item = self.inbox.popleft()
            except IndexError:  # another thread was faster
                return
            if type(item) is not STARTED:
                self.refuse(1, "shutdown")

    def on_log(self, log: Any) -> None:
        """Add an emitted log record."""
        if is_own_work():  # the evaluation events of verdicts
            return
        # Converted now, because the caller may change the record later.
        self._feeder.hints.expects_logs = True
        event = self._get_reader()(log)
        if event is not None and not self._is_over:
            self.on_end(event)

    def _get_reader(self) -> Callable[[Any], SpanRecord | LogEvent | None]:
        """What reads a log record; imported under the lock, for which a fork waits."""
        if FROM_SDK in sys.modules:
            from infinium_otel.records.from_sdk import to_record  # noqa: PLC0415
        else:
            with self._try_lock(LOCK_S):
                from infinium_otel.records.from_sdk import to_record  # noqa: PLC0415
        return to_record

    def _catch_up(self) -> None:
        with self._try_lock(LOCK_S) as held:
            if held:
                self._feeder.drain(self.inbox, BATCH_SIZE)

    def refuse(self, spans: int, reason: str) -> None:
        """Count spans that are refused, which is a loss."""
        if not self._feeder.refused[reason]:
            logger.warning("Spans are refused: %s", reason)
        self._feeder.refused[reason] += spans
        self._has_lost = True

    # -- exporters -----------------------------------------------------------------

    def accept(self, items: Iterable[Any], timeout_s: float) -> bool:
        """Process ended spans or log records, and try to deliver the tasks they complete.

        Returns:
            False only if something was lost.
        """
        batch = list(items)
        if self._is_over:
            self.refuse(len(batch), "shutdown")
            return False
        if is_mapping():  # a signal handler has interrupted this thread
            self.inbox.extend(batch)
            self.worker.wake()
            return True
        if is_own_work():
            return True
        if self._closed:
            losses = self._sender.losses
            self._deliver_late(lambda: self._feeder.accept(self._feeder.read(batch)))
            return self._sender.losses == losses
        with self._try_lock(LOCK_S) as held:
            if not held or not self._is_prepared():
                self.inbox.extend(batch if held else self._feeder.read(batch))
                self.worker.wake()
                return True
            before = self._sender.losses
            submitted = self._feeder.accept(self._feeder.read(batch))
            waits = self._feeder.pipeline.next_due() is not None
        if submitted:
            self._attempt(timeout_s)
        if (
            waits
            or self._journal.to_recover
            or (submitted and self._journal.has_journal)
        ):
            self.worker.wake()
        return self._sender.losses == before

    def _is_prepared(self) -> bool:
        try:
            self._feeder.prepare()
        except Exception:
            logger.exception("Spans cannot be processed now; retrying")
            return False
        return True

    def _attempt(self, timeout_s: float) -> None:
        began_s = self._clock()
        self._sender.attempt(min(timeout_s, ATTEMPT_S))
        if not self._last_delivery.is_empty:
            self._last_delivery.note_attempt(began_s)

    # -- everybody -----------------------------------------------------------------

    def is_open(self, trace_id: str) -> bool:
        """Whether spans of this trace wait for more; read without a lock."""
        return self._feeder.is_open(trace_id)

    def stats(self) -> Stats:
        """Where every span and task is now; only reads counters."""
        with self._try_lock(LOCK_S):
            return self._feeder.stats(count_unread(self.inbox), self._sender.counts)

    def load(self) -> Load:
        """How much is held now, for back pressure; only reads counters."""
        with self._try_lock(LOCK_S):
            return self._feeder.load(
                count_unread(self.inbox), self._sender.counts, self._sender.queued_bytes
            )

    def get_oldest_age_s(self) -> float | None:
        """How long the oldest open trace has been open, in seconds; None without one."""
        with self._try_lock(LOCK_S):
            return self._feeder.get_oldest_age_s()

    def before_fork(self) -> bool:
        """Wait for work in progress to end, so that a child does not inherit half of it.

        Above all an import: its lock is never released in a child, which lacks the
        importing thread.

        Nobody waits for a hook of the application, which may take long: it is neither in an
        import of ours nor in the spool.

        Returns:
            True if `after_fork_in_parent` must be called.
        """
        self._is_held_for_fork = self._acquire_for_fork()
        is_ready = self._is_held_for_fork or self._feeder.hook_timer.is_in_hook
        if is_ready:
            self._sender.before_fork()
        return is_ready

    def _acquire_for_fork(self) -> bool:
        began_s = time.monotonic()
        while not self._lock.acquire(timeout=FORK_POLL_S):
            most_s = IMPORT_S if self._feeder.is_importing else LOCK_S
            is_over = self._lock.is_held or time.monotonic() - began_s >= most_s
            if is_over or self._feeder.hook_timer.is_in_hook:
                return False
        return True

    def after_fork_in_parent(self) -> None:
        """Continue."""
        self._sender.after_fork_in_parent()
        if self._is_held_for_fork:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Drop everything: it belongs to the parent. Never blocks or logs."""
        self.inbox.clear()
        self._reset()
        self._feeder.reset()
        self._journal.after_fork_in_child()
        if self._local_spans is not None:
            self._local_spans.reset()
        self.worker.reset()
        self._sender.after_fork_in_child()
        if self.verdicts is not None:
            self.verdicts.after_fork_in_child()

    # -- our own thread ------------------------------------------------------------

    def _give_way(self) -> None:
        """Let green threads run between two batches, and callers take the lock.

        A thread that waits for a lock may never get it from one that takes it again at
        once: on a busy machine the latter is faster.
        """
        sleep(0)
        for _ in range(GIVE_WAY_MAX):
            if not self._waiting:
                return
            sleep(GIVE_WAY_S)

    def _is_urgent(self) -> bool:
        """Whether our thread must not pause: callers wait, or the inbox fills up."""
        return bool(self._waiting) or len(self.inbox) > self.max_waiting // 2

    def _run_once(self) -> float | None:
        """All work that is due; returns seconds until the next run, None if none is."""
        submitted = 0
        while True:
            with self._lock, self._slices:
                self._recover()
                submitted += self._feeder.drain(self.inbox, BATCH_SIZE)
                submitted += self._feeder.due(TURN)
                next_due = self._feeder.pipeline.next_due()
            self.worker.report_progress()
            waiting = len(self.inbox)
            self.worker.needs_wake = waiting > self.max_waiting
            if not waiting:
                break
            self._give_way()
        if submitted or is_patched_late():  # the sender's native threads have ended
            self._sender.wake()
        waits = [self._journal.sync()]
        if next_due is not None:
            waits.append(next_due - self._clock())
        finite = [wait for wait in waits if wait is not None]
        return max(0.0, min(TICK_S, *finite)) if finite else None
