"""Moves spans from the inbox through the pipeline, and passes the finished tasks on."""

from __future__ import annotations

from collections import Counter, deque
from math import inf
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach

from infinium_otel.delivery.transport.suppression import OWN_WORK, make_mapping_context
from infinium_otel.runtime import skipped_file
from infinium_otel.runtime.closed_streams import guard_loggers
from infinium_otel.runtime.content_hints import ContentHints
from infinium_otel.runtime.hook_timer import HookTimer
from infinium_otel.runtime.inbox import STARTED
from infinium_otel.runtime.stats import Load, Stats, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.config import Config
    from infinium_otel.delivery.counters import CounterSnapshot
    from infinium_otel.delivery.task_sender import TaskSink
    from infinium_otel.pipeline import CompletedTask, Pipeline, Router, SkippedTraces
    from infinium_otel.records import LogEvent, SpanRecord
    from infinium_otel.runtime.inbox import Unread
    from infinium_otel.runtime.journal_coordinator import JournalCoordinator
    from infinium_otel.runtime.local_spans import LocalSpans


def go_on() -> None:
    """Do not pause."""


class PipelineFeeder:
    """Feeds the pipeline in the order of events, and submits the tasks it completes.

    Not thread-safe: the caller must hold the runner's lock.

    Args:
        config: the settings.
        sink: takes the completed tasks.
        journal: keeps spans on disk until their task is.
        load_readers: loads the dialects of third parties, with the first span.
        clock: seconds, monotonic.

    Attributes:
        is_importing: whether what the first span needs is being imported.
        pause: called between small parts of the work, so that the application can work.
        refused: spans refused before the pipeline, by reason.
        hints: logs hints about instrumentations that record no content.
        local_spans: sends whole spans beside their tasks; None for none.
        skipped: counts and logs the traces without a model, tool or agent; None until
            the first span.
        router: decides which agent a run is for; None for the default one. Set before
            the first span.
    """

    def __init__(
        self,
        config: Config,
        sink: TaskSink,
        journal: JournalCoordinator,
        load_readers: Callable[[], Sequence[Any]],
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self.pause: Callable[[], None] = go_on
        self._sink = sink
        self._journal = journal
        self._load_readers = load_readers
        self._clock = clock
        self._settle_s = 0.0
        self._has_spool = config.spool is not None  # SQLite may be instrumented
        self.local_spans: LocalSpans | None = None
        self.hook_timer = HookTimer(clock)
        self.hints = ContentHints()
        self.router: Router | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the initial state: no open spans, no counts."""
        self._pipeline: Pipeline | None = None
        self.is_importing = False
        self.hook_timer.is_in_hook = False  # a child lacks the thread that was in it
        # What an exception (Ctrl-C, a time limit) interrupted: the next call goes on.
        self._unsubmitted: deque[CompletedTask] = deque()
        self._recovery_pipeline: Pipeline | None = None
        self.skipped: SkippedTraces | None = None
        self._saved = 0
        self._calls_hooks = True  # until it is known
        self.refused: Counter[str] = Counter()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline, created with the first span."""
        if self._pipeline is None:
            self._pipeline = self._create_pipeline(self._on_filtered)
        return self._pipeline

    def prepare(self) -> None:
        """Import what is needed: an error (no file descriptor is left) must lose nothing."""
        self.is_importing = self._pipeline is None
        import infinium_otel.records.from_sdk  # noqa: F401, PLC0415 - with the first span

        _ = self.pipeline
        self.is_importing = False

    def _on_filtered(self, trace_id: str, span_ids: tuple[str, ...]) -> None:
        self._journal.on_filtered(trace_id, span_ids)
        if self.local_spans is not None:
            self.local_spans.discard(span_ids)

    def _create_pipeline(
        self, on_filtered: Callable[[str, tuple[str, ...]], None] | None = None
    ) -> Pipeline:
        # Imported with the first span: it imports all of the mapping.
        from infinium_otel.pipeline import Pipeline, SkippedTraces  # noqa: PLC0415
        from infinium_otel.runtime.instrumentors import advise  # noqa: PLC0415

        guard_loggers()  # those of the modules above as well
        self.skipped = self.skipped or SkippedTraces(advise)
        config, readers = self.hook_timer.wrap(self._config), self._load_readers()
        hooks = callable(config.redact), config.should_send, readers, self.router
        self._calls_hooks = any(hooks)
        pipeline = Pipeline(
            config,
            readers,
            on_filtered=on_filtered,
            skipped=self.skipped,
            router=self.router,
        )
        pipeline.pause = self.pause
        pipeline.wait_for_logs(self._settle_s)
        return pipeline

    def wait_for_logs(self, settle_s: float) -> None:
        """Expect log events in batches, up to *settle_s* seconds after their spans."""
        self.hints.expects_logs = True
        self._settle_s = max(self._settle_s, settle_s)
        if self._pipeline is not None:
            self._pipeline.wait_for_logs(settle_s)

    def drain(self, inbox: deque[Any], limit: int | None = None) -> int:
        """Feed the items of *inbox*, in order.

        Args:
            inbox: ended spans, log records, and started spans as `(span,)`.
            limit: how many items at most; None for all that are there now.

        Returns:
            How many tasks were completed by them.
        """
        if not inbox:
            return self.feed([])
        self.prepare()
        from infinium_otel.assembly.trees import is_root  # noqa: PLC0415
        from infinium_otel.records.from_sdk import (  # noqa: PLC0415
            to_record,
            to_span_start,
        )

        batch: list[SpanRecord | LogEvent] = []
        taken: list[Any] = []
        submitted = 0
        waiting = len(inbox)
        try:
            for _ in range(waiting if limit is None else min(waiting, limit)):
                self.pause()
                item = inbox.popleft()
                taken.append(item)
                if type(item) is not STARTED:
                    context = getattr(item, "context", None)
                    if context is None or context.trace_flags.sampled:
                        self._append(to_record(item), item, batch)
                    continue
                (span,) = item
                if not span.context.trace_flags.sampled:
                    continue
                start = to_span_start(span, with_attributes=self._reads_starts(span))
                if batch and is_root(start):
                    submitted += self.feed(batch)
                    batch, taken = [], [item]
                self.pipeline.on_start(start, self._clock())
            return submitted + self.feed(batch)
        except BaseException as error:
            if not isinstance(error, Exception):  # what was fed counts as a duplicate
                inbox.extendleft(reversed(taken))
            raise

    def _reads_starts(self, span: Any) -> bool:
        """Whether what a span starts with matters: for all, or for roots only."""
        parent = span.parent
        return self._config.task_per == "agent" or parent is None or parent.is_remote

    def read(self, batch: Iterable[Any]) -> list[SpanRecord | LogEvent]:
        """Convert *batch* to records; counts objects that are neither span nor log."""
        # Imported with the first span, like the pipeline.
        from infinium_otel.records.from_sdk import to_record  # noqa: PLC0415

        records: list[SpanRecord | LogEvent] = []
        for item in batch:
            self._append(to_record(item), item, records)
        return records

    def _append(
        self,
        record: SpanRecord | LogEvent | None,
        item: Any,
        records: list[SpanRecord | LogEvent],
    ) -> None:
        if record is not None:
            records.append(record)
        elif not hasattr(item, "log_record"):
            self.refused["unreadable"] += 1

    def accept(self, records: list[SpanRecord | LogEvent]) -> int:
        """As `feed`; while traces are open, the records are written to the journal."""
        submitted = self.feed(records)
        if self.pipeline.open_traces:
            self._journal.append_all(records)
        return submitted

    def feed(self, records: list[SpanRecord | LogEvent]) -> int:
        """Feed ended spans and log events; returns how many tasks that completed."""
        self._journal.release_delivered()
        if not records:
            return 0
        if self.local_spans is not None:
            self.local_spans.add(records)
        return self._submit(self.pipeline.feed, records, self._clock())

    def due(self, limit: float = inf) -> int:
        """Submit the tasks of *limit* traces that are due now; returns how many."""
        return self._submit(self.pipeline.due, self._clock(), limit)

    def evict_oldest(self) -> int:
        """Submit the tasks of the trace that was quiet longest; returns how many."""
        return self._submit(self.pipeline.evict_oldest)

    def is_open(self, trace_id: str) -> bool:
        """Whether a span of this trace waits or runs; may be called by any thread."""
        return self._pipeline is not None and self._pipeline.is_open(trace_id)

    def flush(self, limit: int | None = None) -> bool:
        """Submit all ended spans, whether their traces are complete or not.

        Args:
            limit: how many traces at most; None for all.

        Returns:
            Whether spans remain that a further call would submit.
        """
        if self._pipeline is None:  # at exit, an import may meet a second Ctrl-C
            return False
        before = self._pipeline.open
        self._submit(self._pipeline.flush, self._clock(), limit)
        if 0 < self._pipeline.open < before:
            return True
        self._log_skipped(everything=True)
        return False

    def recover(self) -> None:
        """Submit the spans of dead processes; to be called while there may be some."""
        records = self._journal.recover()
        if records:
            now_s = self._clock()
            self._recovery_pipeline = self._create_pipeline()
            self._submit(self._recovery_pipeline.feed, records, now_s)
            self._submit(self._recovery_pipeline.flush, now_s)
        self._journal.on_recovered()

    def _submit(self, step: Callable[..., Iterable[CompletedTask]], *args: Any) -> int:
        token = attach(OWN_WORK if self._calls_hooks else make_mapping_context())
        try:
            self._unsubmitted.extend(step(*args))
            self.hook_timer.end_batch()
        finally:
            detach(token)
        token = attach(OWN_WORK if self._has_spool else make_mapping_context())
        submitted = 0
        try:
            while self._unsubmitted:
                self.pause()
                self._submit_next()
                submitted += 1
            self._log_skipped()
        finally:
            detach(token)
        return submitted

    def _submit_next(self) -> None:
        """Submit the first of `_unsubmitted`; it stays the first if it is interrupted."""
        task = self._unsubmitted[0]
        try:
            if self._config.capture_content and not self.hints.expects_logs:
                self.hints.check(task.task)
            self._sink.submit(task)
            if self.local_spans is not None:
                self.local_spans.release(task.span_ids)
            self._journal.on_submitted(task)
        except Exception:  # it would fail again
            self._unsubmitted.popleft()
            raise
        self._unsubmitted.popleft()

    def _log_skipped(self, *, everything: bool = False) -> None:
        if self.skipped is None:
            return
        self.skipped.log(everything=everything)
        total = self.skipped.scopes.total()
        if everything and self._config.spool is not None and total != self._saved:
            self._saved = total
            skipped_file.save(self._config.spool, self.skipped.scopes)

    def stats(self, unread: Unread, delivery: CounterSnapshot) -> Stats:
        """Where every span and task is; only reads counters.

        Args:
            unread: spans that are still in the inbox.
            delivery: what became of the tasks.
        """
        pipelines = (self._pipeline, self._recovery_pipeline)
        return gather(
            [pipeline for pipeline in pipelines if pipeline is not None],
            self.refused,
            delivery,
            unread_spans=unread.spans,
            skipped_scopes={} if self.skipped is None else self.skipped.scopes,
            journal_problems=self._journal.problems,
            rules={} if self.router is None else self.router.summarize(),
        )

    def get_oldest_age_s(self) -> float | None:
        """How long the first of the waiting spans has waited; None if none waits."""
        since_s = None if self._pipeline is None else self._pipeline.open_since
        return None if since_s is None else self._clock() - since_s

    def load(
        self, unread: Unread, delivery: CounterSnapshot, queued_bytes: int
    ) -> Load:
        """How much is held now; only reads counters.

        Args:
            unread: spans that are still in the inbox.
            delivery: what became of the tasks.
            queued_bytes: of the tasks that are queued.
        """
        open_bytes = 0 if self._pipeline is None else self._pipeline.open_bytes
        stats = self.stats(unread, delivery)
        return Load.of(stats, unread, queued_bytes, open_bytes)
