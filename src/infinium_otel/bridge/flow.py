"""From the inbox through the pipeline to the sender."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach

from infinium_otel.bridge.hints import ContentHints
from infinium_otel.bridge.inside import INSIDE
from infinium_otel.bridge.patience import Patience
from infinium_otel.bridge.stats import Load, Stats, gather
from infinium_otel.sdkspans import as_record

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.bridge.safekeeping import Safekeeping
    from infinium_otel.config import Config
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.pipeline import Finished, Pipeline
    from infinium_otel.records import LogEvent, SpanRecord


class Flow:
    """Feeds the pipeline in the order of what happened, and submits what it finishes.

    Not thread-safe: whoever calls holds the bridge's lock.

    Args:
        config: the settings.
        sender: takes the finished tasks.
        kept: keeps spans safe on their way.
        readers: finds the dialect readers of third parties, with the first span.
        clock: seconds, monotonic.

    Attributes:
        refused: spans that were not taken, by reason.
        hints: what to say of instrumentations that record no content.
    """

    def __init__(
        self,
        config: Config,
        sender: Sender,
        kept: Safekeeping,
        readers: Callable[[], Sequence[Any]],
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._sender = sender
        self._kept = kept
        self._readers = readers
        self._clock = clock
        self._settle_s = 0.0
        self._patience = Patience(clock)
        self.hints = ContentHints()
        self.reset()

    def reset(self) -> None:
        """As new: nothing is open, nothing is counted."""
        self._made: Pipeline | None = None
        self._recovered: Pipeline | None = None
        self.refused: Counter[str] = Counter()

    @property
    def pipeline(self) -> Pipeline:
        """The one in use."""
        if self._made is None:
            self._made = self._new_pipeline(self._kept.filtered)
        return self._made

    def _new_pipeline(
        self, on_filtered: Callable[[str, tuple[str, ...]], None] | None = None
    ) -> Pipeline:
        # Imported with the first span: all of the mapping hangs on it.
        from infinium_otel.pipeline import Pipeline  # noqa: PLC0415

        pipeline = Pipeline(
            self._patience.timing(self._config),
            self._readers(),
            on_filtered=on_filtered,
        )
        pipeline.wait_for_logs(self._settle_s)
        return pipeline

    def wait_for_logs(self, settle_s: float) -> None:
        """Log events will come in batches, up to *settle_s* after their spans."""
        self.hints.logs_come = True
        self._settle_s = max(self._settle_s, settle_s)
        if self._made is not None:
            self._made.wait_for_logs(settle_s)

    def drain(self, inbox: deque[Any], most: int | None = None) -> int:
        """Feed what is in *inbox*, in order.

        Args:
            inbox: ended spans and log records; a span in a tuple has started.
            most: how many of them; None for all that are there now.

        Returns:
            How many tasks that finished.
        """
        batch: list[SpanRecord | LogEvent] = []
        submitted = 0
        waiting = len(inbox)
        for _ in range(waiting if most is None else min(waiting, most)):
            item = inbox.popleft()
            if type(item) is not tuple:
                batch += self._readable_end(item)
            elif _is_root(item[0]) and batch:
                submitted += self.feed(batch)
                batch = []
                self._open(item[0])
            else:
                self._open(item[0])
        return submitted + self.feed(batch)

    def _readable_end(self, item: Any) -> list[SpanRecord | LogEvent]:
        context = getattr(item, "context", None)
        if context is not None and not context.trace_flags.sampled:
            return []
        return self.readable((item,))

    def readable(self, batch: Iterable[Any]) -> list[SpanRecord | LogEvent]:
        """The records of *batch*; what is no span and no log record is counted."""
        records = []
        for item in batch:
            record = as_record(item)
            if record is not None:
                records.append(record)
            elif not hasattr(item, "log_record"):
                self.refused["unreadable"] += 1
        return records

    def _open(self, span: Any) -> None:
        context, parent = span.context, span.parent
        if context.trace_flags.sampled:
            self.pipeline.opened(
                f"{context.trace_id:032x}",
                f"{context.span_id:016x}",
                f"{parent.span_id:016x}" if parent else None,
                bool(parent and parent.is_remote),
                self._clock(),
            )

    def accept(self, records: list[SpanRecord | LogEvent]) -> int:
        """As `feed`; what does not leave with its trace is kept safe then."""
        submitted = self.feed(records)
        if self.pipeline.open_traces:
            self._kept.keep_all(records)
        return submitted

    def feed(self, records: list[SpanRecord | LogEvent]) -> int:
        """Feed ended spans and log events; returns how many tasks that finished."""
        self._kept.tidy()
        if not records:
            return 0
        return self._submit(self.pipeline.feed, records, self._clock())

    def due(self) -> int:
        """Submit what has to leave by now; returns how many tasks that is."""
        return self._submit(self.pipeline.due, self._clock())

    def flush(self) -> None:
        """Submit all that has ended, whether its trace is complete or not."""
        self._submit(self.pipeline.flush, self._clock())

    def recover(self) -> None:
        """Submit what dead processes left, once."""
        if not self._kept.to_recover:
            return
        records = self._kept.recover()
        if records:
            now_s = self._clock()
            self._recovered = self._new_pipeline()
            self._submit(self._recovered.feed, records, now_s)
            self._submit(self._recovered.flush, now_s)
        self._kept.recovered()
        self._sender.wake()

    def _submit(self, step: Callable[..., Iterable[Finished]], *args: Any) -> int:
        token = attach(INSIDE)
        try:
            finished = list(step(*args))
            self._patience.look()
            for task in finished:
                if self._config.capture_content and not self.hints.logs_come:
                    self.hints.look(task.task)
                self._sender.submit(task)
                self._kept.submitted(task)
        finally:
            detach(token)
        return len(finished)

    def stats(self) -> Stats:
        """Where every span and task is now."""
        pipelines = [self.pipeline]
        if self._recovered is not None:
            pipelines.append(self._recovered)
        counts = self._sender.counts
        return gather(pipelines, self.refused, counts.spans, counts.tasks)

    def load(self, stats: Stats) -> Load:
        """How much is held, where *stats* were just taken."""
        return Load(
            tasks_queued=stats.tasks_queued,
            bytes_queued=self._sender.queued_bytes,
            tasks_open=stats.tasks_open,
            spans_open=stats.open,
            bytes_open=self.pipeline.open_bytes,
        )


def _is_root(span: Any) -> bool:
    parent = span.parent
    return parent is None or parent.is_remote
