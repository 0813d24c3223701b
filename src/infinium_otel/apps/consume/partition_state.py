"""One partition: its open runs, and the offset that may be committed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infinium_otel.apps.consume.buffered_sender import Source
from infinium_otel.apps.consume.offsets import Offsets
from infinium_otel.apps.consume.outbox import Outbox
from infinium_otel.assembly.waits import SETTLE_S
from infinium_otel.runtime.content_hints import ContentHints
from infinium_otel.runtime.feeder import PipelineFeeder
from infinium_otel.runtime.journal_coordinator import JournalCoordinator

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.apps.consume.buffered_sender import BufferedSender, TaskId
    from infinium_otel.config import Config
    from infinium_otel.dialects import Dialect
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import Pipeline, Router, SkippedTraces

TRACE_BYTES = 1_000
"""About how many bytes an open trace uses beside its spans."""


class PartitionState:
    """The open runs of one partition, and which of its messages they need.

    Each partition has a pipeline of its own: when another consumer gets the partition,
    the open runs are dropped with it, and that consumer reads their messages again.

    Args:
        config: the settings; their bounds on open traces belong to all partitions.
        sender: receives the finished tasks.
        topic: the topic of the spans.
        logs_topic: that of their log records; None if they are not read.
        number: of the partition.
        hints: shared by all partitions, so that each hint is logged once.
        skipped: the same for traces without a model, tool or agent.
        router: the same, decides which agent a run is for; None for the only one.
        readers: dialects of third parties.
        clock: seconds, monotonic.

    Attributes:
        offsets: of the spans' topic, and of the logs' topic under its name, if there is
            one.
        outbox: the finished tasks.
        counted: bytes, traces and bytes of waiting log events, as `load`, that the bounds
            over all partitions count for this one.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        config: Config,
        sender: BufferedSender,
        *,
        topic: str = "",
        logs_topic: str | None = None,
        number: int = 0,
        hints: ContentHints | None = None,
        skipped: SkippedTraces | None = None,
        router: Router | None = None,
        readers: Sequence[Dialect] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        without_journal = JournalCoordinator(None, sender)
        self.outbox = Outbox(sender, self._find_source)
        self._feeder = PipelineFeeder(
            config,
            self.outbox,
            without_journal,
            lambda: readers,
            clock,
        )
        self._feeder.hints = hints or ContentHints()
        self._feeder.skipped = skipped
        self._feeder.router = router
        self._clock = clock
        self._topic = topic
        self._number = number
        self._logs_topic = logs_topic
        self.offsets = {topic: Offsets()}
        if logs_topic is not None:
            self.offsets[logs_topic] = Offsets()
            self._feeder.wait_for_logs(min(SETTLE_S, config.linger_s))
        self.counted = (0, 0, 0)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline of this partition."""
        return self._feeder.pipeline

    @property
    def refused(self) -> Counter[str]:
        """Spans that were not accepted, by reason."""
        return self._feeder.refused

    @property
    def load(self) -> tuple[int, int, int]:
        """About how many bytes it holds, how many open traces, and bytes of log events."""
        pipeline = self._feeder.pipeline
        traces, log_bytes = pipeline.open_traces, pipeline.logs.size
        return pipeline.open_bytes + traces * TRACE_BYTES, traces, log_bytes

    def feed(
        self, offset: int, records: Sequence[Record], topic: str | None = None
    ) -> int:
        """Feed the records of the message at *offset*; offsets only grow.

        Args:
            offset: of the message.
            records: its spans and log events.
            topic: of the message; None for that of the spans.

        Returns:
            How many tasks that finished.
        """
        # Before the records are fed, so that no run seems older than its first message.
        name = self._topic if topic is None else topic
        self.offsets[name].read(offset, self._clock())
        return self._feeder.feed([*records])

    def submit_due(self, limit: float = float("inf")) -> int:
        """Submit the tasks of *limit* traces that are due by now; returns how many."""
        return self._feeder.due(limit)

    def evict_oldest(self) -> int:
        """Submit the run that was quiet longest, though it may be incomplete."""
        return self._feeder.evict_oldest()

    def find_commits(self, undecided: set[TaskId]) -> dict[str, int]:
        """The offsets to commit now, by topic.

        Args:
            undecided: as `Sender.undecided_ids`.
        """
        times = (self.pipeline.open_since, self.outbox.find_since(undecided))
        since_s = _find_first(times)
        found = {
            # Log events that wait for their spans are in no run yet.
            topic: offsets.advance(
                _find_first((since_s, self.pipeline.logs.since_s))
                if topic == self._logs_topic
                else since_s
            )
            for topic, offsets in self.offsets.items()
        }
        return {topic: at for topic, at in found.items() if at is not None}

    def _find_source(self, since_s: float) -> Source:
        offset = self.offsets[self._topic].find_offset(since_s)
        return Source(self._topic, self._number, offset)


def _find_first(times: Iterable[float | None]) -> float | None:
    """The first of these times; None if there is none."""
    return min((each for each in times if each is not None), default=None)
