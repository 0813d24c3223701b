"""What the consumer shows of itself: the numbers, and whether it is alive and ready."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.observe.attempts import AttemptCounters
from infinium_otel.apps.observe.health import find_stalled, find_unready
from infinium_otel.apps.observe.probe_server import Probes
from infinium_otel.apps.observe.samples import Delivery, Sample, describe_delivery
from infinium_otel.apps.routes import describe_agents
from infinium_otel.runtime import Load
from infinium_otel.runtime.stats import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infinium_otel.apps.consume.loop import ConsumerLoop
    from infinium_otel.runtime import Stats


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the end of the partitions a consumer is.

    Args:
        messages: not read yet.
        seconds: the age of the last message read, where others wait behind it.
    """

    messages: int
    seconds: float


class ConsumerTelemetry:
    """Reads the consumer's state. Thread-safe.

    Args:
        loop: reads and delivers.
        clock: seconds, monotonic.

    Attributes:
        labels: attributes of the consumer's OpenTelemetry metrics.
    """

    def __init__(
        self, loop: ConsumerLoop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._attempts = AttemptCounters()
        self._attempts.watch(loop.sender)
        self.labels = loop.labels

    def as_probes(self) -> Probes:
        """What `--listen` serves."""
        return Probes(self.read_samples, self.find_stalled, self.find_unready)

    def read_samples(self) -> Iterable[Sample]:
        """The samples of this moment."""
        return describe_delivery(self.read())

    def read(self) -> Delivery:
        """The state of this moment."""
        loop = self._loop
        with loop.lock:
            since_s = loop.assignment.open_since
        return Delivery(
            stats=self.stats(),
            load=self._load(),
            attempts=self._attempts,
            state=loop.sender.state,
            rate_allowed=loop.pace.rate,
            fullness=loop.fullness,
            oldest_open_s=None if since_s is None else self._clock() - since_s,
            more=(*self._describe_reading(), *describe_agents(loop.sender)),
        )

    def stats(self) -> Stats:
        """Where every span and task is, for the partitions assigned now."""
        loop = self._loop
        with loop.lock:
            states = [*loop.assignment.states.values()]
            stats = gather(
                [state.pipeline for state in states],
                sum((state.refused for state in states), Counter[str]()),
                loop.sender.counts,
                skipped_scopes=loop.skipped.scopes,
                rules={} if loop.router is None else loop.router.summarize(),
            )
            buffered = [held.task.spans for held in loop.sender.buffer]
        return stats._replace(
            queued=stats.queued + sum(buffered),
            tasks_queued=stats.tasks_queued + len(buffered),
            tasks_received=stats.tasks_received + len(buffered),
            evicted=loop.assignment.evicted,
            logs_dropped=stats.logs_dropped + loop.logs_dropped,
            texts_withheld=stats.texts_withheld + loop.texts_withheld,
        )

    def _load(self) -> Load:
        loop = self._loop
        with loop.lock:
            states = [*loop.assignment.states.values()]
            return Load(
                tasks_queued=loop.count_undelivered(),
                bytes_queued=loop.sender.queued_bytes,
                tasks_open=loop.assignment.open_traces,
                spans_open=sum(state.pipeline.open for state in states),
                bytes_open=loop.assignment.open_bytes,
            )

    def read_lag(self) -> Lag:
        """How far behind the end of its partitions it is, as far as is known."""
        messages, oldest_ms = 0, 0
        for number, at_ms in [*self._loop.intake.times_ms.items()]:
            end = self._loop.kafka.find_end(number)
            behind = end - self._loop.intake.expected.get(number, end)
            if behind > 0:
                messages += behind
                oldest_ms = min(oldest_ms or at_ms, at_ms)
        seconds = time.time() - oldest_ms / 1000 if oldest_ms else 0.0
        return Lag(messages, max(0.0, seconds))

    def find_stalled(self) -> str:
        """Why the consumer should be restarted; "" if it makes progress."""
        return find_stalled({"the consumer": self._clock() - self._loop.progress_s})

    def find_unready(self) -> str:
        """Why it cannot do its work now; "" if it can.

        A full queue is no reason: then messages wait in Kafka, as they should.
        """
        loop = self._loop
        if not loop.rebalances:
            return "no partition was assigned yet"
        if loop.kafka.is_cut_off:
            return "no Kafka broker answers"
        return find_unready(
            is_closed=False,
            state=loop.sender.state,
            is_durable=loop.sender.durable,
            fullness=0.0,
        )

    def _describe_reading(self) -> Iterator[Sample]:
        loop = self._loop
        lag = self.read_lag()
        for name, unit, meaning, value in (
            ("lag", "{message}", "Messages that were not read yet.", lag.messages),
            (
                "lag.time",
                "s",
                "The age of the last message read, where others wait behind it.",
                lag.seconds,
            ),
            (
                "partitions",
                "{partition}",
                "Partitions assigned.",
                len(loop.assignment.states),
            ),
            ("paused", "1", "1 while the queue is full.", float(loop.is_paused)),
        ):
            yield Sample(
                f"infinium.consumer.{name}", "gauge", unit, meaning, {"": value}
            )
        for name, unit, meaning, value in (
            (
                "messages.unreadable",
                "{message}",
                "Messages that could not be read.",
                loop.intake.unreadable,
            ),
            (
                "records.unreadable",
                "{record}",
                "Spans and logs that could not be decoded.",
                loop.intake.left_out,
            ),
            (
                "rebalances",
                "{rebalance}",
                "How often partitions were assigned, revoked or lost.",
                loop.rebalances,
            ),
        ):
            yield Sample(
                f"infinium.consumer.{name}", "counter", unit, meaning, {"": value}
            )
