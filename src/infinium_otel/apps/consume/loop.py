"""From Kafka to Infinium: an offset is committed only after delivery."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.backpressure import FULL, UNLIMITED, measure_queue_fullness
from infinium_otel.apps.consume.advice import Advice
from infinium_otel.apps.consume.assignment import Assignment
from infinium_otel.apps.consume.dead_letters import keep_refused_tasks
from infinium_otel.apps.consume.group_watch import GroupWatch
from infinium_otel.apps.consume.intake import Intake
from infinium_otel.apps.consume.kafka import KafkaTopic
from infinium_otel.apps.consume.message_source import MessageSource
from infinium_otel.apps.consume.partition_state import PartitionState
from infinium_otel.pipeline import SkippedTraces
from infinium_otel.runtime.content_hints import ContentHints
from infinium_otel.runtime.metrics import make_attempt_recorder, make_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infinium_otel.apps.consume.buffered_sender import BufferedSender
    from infinium_otel.apps.consume.dead_letters import DeadLetters
    from infinium_otel.apps.consume.logs_topic import LogsTopic
    from infinium_otel.apps.consume.reading import MessageReader
    from infinium_otel.config import Config
    from infinium_otel.delivery.pace import AdaptivePace
    from infinium_otel.dialects import Dialect
    from infinium_otel.pipeline import Router

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds to wait for a message, at most."""

LOOK_S = 0.1
"""Seconds between checks for tasks that are due."""

COMMIT_S = 1.0
"""Seconds between commits."""

REVOKE_S = 5.0
"""Seconds to wait for requests of a partition that is being revoked."""

RESUME = 0.4
"""The share of the queue below which reading goes on: each pause drops what was fetched."""


class ConsumerLoop:
    """One consumer of the group, driven by one thread.

    Args:
        properties: librdkafka's; must disable automatic commits.
        topic: to read from.
        reader: decodes messages.
        logs: the topic of the log records; None if they are not read.
        logs_reader: decodes its messages.
        config: the settings.
        sender: receives the tasks.
        pace: the sender's.
        dead_letters: keeps what cannot be delivered; None loses it, or tries for ever.
        rate_of_group: requests a second, at most, of all consumers together; None for a
            limit of this one's own.
        router: decides which agent a run is for; None for the only one.
        readers: dialects of third parties.
        clock: seconds, monotonic.

    Attributes:
        sender: as given.
        pace: as given.
        router: as given.
        is_paused: whether reading is paused, because the queue is full.
        progress_s: when the loop last ran, by the clock.
        labels: attributes of this consumer's metrics.
        skipped: traces without a model, tool or agent.
        filtered: runs that became no task, by reason, of partitions given up.
        rebalances: how often partitions were assigned, revoked or lost.
        kafka: the connection.
        assignment: the partitions assigned now.
        intake: reads messages.
        logs_dropped, texts_withheld: as in `Stats`, of partitions given up.
        lock: held while tasks and spans move.
        undelivered: tasks that were finished and not delivered at the end.

    Raises:
        InfiniumError: librdkafka rejects a property.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        properties: dict[str, Any],
        topic: str,
        reader: MessageReader,
        *,
        logs: LogsTopic | None = None,
        logs_reader: MessageReader | None = None,
        config: Config,
        sender: BufferedSender,
        pace: AdaptivePace,
        dead_letters: DeadLetters | None = None,
        rate_of_group: float | None = None,
        router: Router | None = None,
        readers: Sequence[Dialect] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = GroupWatch(clock)
        callbacks = {"stats_cb": self._group.note_statistics}
        self.kafka = KafkaTopic(properties | callbacks, topic, self._on_commit_failed)
        self._logs = logs
        self._messages = MessageSource(self.kafka, logs)
        self._config = config
        self.sender = sender
        self.pace = pace
        self._dead_letters = dead_letters
        self._rate_of_group = rate_of_group
        self.router = router
        self._readers = readers
        self._clock = clock
        self._hints = ContentHints()
        self._advice = Advice(pace)
        self.skipped = SkippedTraces()
        self.filtered: Counter[str] = Counter()
        self.labels = make_labels(config)
        self.rebalances = 0
        self.undelivered = self.logs_dropped = self.texts_withheld = 0
        # Held while tasks and spans move, so that `stats` can be read by any thread.
        self.lock = threading.Lock()
        self.assignment = Assignment(config, sender, self._make_state)
        by_topic = {topic: reader}
        if logs is not None:
            by_topic[logs.name] = logs_reader or reader
        self.intake = Intake(
            self.kafka, by_topic, self.assignment, self._advice, self.lock
        )
        self._observe_sender()
        self.is_paused = False
        self.progress_s = clock()
        self._revoke_s = REVOKE_S
        self._last_look_s = self._last_commit_s = self._last_pause_s = clock()

    def _observe_sender(self) -> None:
        self.sender.on_attempt = make_attempt_recorder(self.labels)
        if self._dead_letters is not None:
            keep_refused_tasks(self.sender, self._dead_letters)

    def run(self, should_stop: Callable[[], bool], drain_s: float) -> None:
        """Read and deliver until *should_stop*, then deliver the complete runs.

        Args:
            should_stop: called a few times a second.
            drain_s: seconds the delivery may take at the end. What is not delivered by
                then is not committed: the next consumer reads it again.

        Raises:
            InfiniumError: Kafka reports a fatal error, or nothing can be read.
        """
        self.kafka.subscribe(self.on_assign, self.on_revoke, self.on_lost)
        self.sender.wake()
        try:
            while not should_stop():
                self._poll()
            self._drain(drain_s)
            self.undelivered = self.count_undelivered()
            self._revoke_s = 0.0
        finally:
            self.kafka.close()
            if self._logs is not None:
                self._logs.close()
            if self.sender.durable:  # what it has in memory is still in Kafka
                self.sender.shutdown(0.0)

    def count_undelivered(self) -> int:
        """Tasks that are finished and not delivered yet."""
        return len(self.sender.buffer) + self.sender.counts.tasks.queued

    @property
    def refused(self) -> int:
        """Tasks that the service refused, or that were dropped."""
        tasks = self.sender.counts.tasks
        return sum(tasks.refused.values()) + sum(tasks.lost.values())

    def _poll(self) -> None:
        self.progress_s = self._clock()
        for message in self._messages.poll(TICK_S):
            self.intake.handle(message)
        now_s = self._clock()
        self._submit()
        if now_s - self._last_look_s >= LOOK_S and not self.sender.buffer:
            self._last_look_s = now_s
            with self.lock:
                finished = self.assignment.submit_due()
            self._advice.note_messages(0, finished)
            self._submit()
        self._apply_backpressure(now_s)
        if now_s - self._last_commit_s >= COMMIT_S:
            self._last_commit_s = now_s
            self.kafka.note_ends(self.assignment.states)
            self._commit()
            self._group.look(len(self.assignment.states))

    # -- backpressure --------------------------------------------------------------

    def _submit(self) -> None:
        """Queue buffered tasks while there is room for them."""
        before = len(self.sender.buffer)
        while self.sender.buffer and self.fullness < FULL:
            with self.lock:
                self.sender.submit_next()
        if len(self.sender.buffer) < before:
            self.sender.wake()

    def _apply_backpressure(self, now_s: float) -> None:
        """Pause reading while the queue is full; open runs are no reason to."""
        if self.is_paused:
            self._advice.note_pause(now_s - self._last_pause_s)
        self._last_pause_s = now_s
        fullness = self.fullness
        limit = RESUME if self.is_paused else FULL
        is_full = bool(self.sender.buffer) or fullness >= limit
        self.is_paused = is_full or self._messages.is_full
        intake = self.intake
        self._messages.pause_logs(intake.expected, intake.times_ms, everything=is_full)
        numbers = set(self.assignment.states) if self.is_paused else set[int]()
        self.kafka.pause_only(numbers)

    @property
    def fullness(self) -> float:
        """How much of the queue is used; 1.0 is full."""
        return measure_queue_fullness(
            self.sender.queued_tasks, self.sender.queued_bytes, self._config
        )

    # -- offsets -------------------------------------------------------------------

    def _commit(self) -> None:
        """Commit up to where every task is delivered, on disk, refused or dropped."""
        if self._dead_letters is not None and not self._dead_letters.flush():
            return
        undecided = self.sender.undecided_ids
        self.kafka.commit([*self.assignment.find_commits(undecided)])

    def _on_commit_failed(self, topic: str, number: int) -> None:
        state = self.assignment.states.get(number)
        if state is not None:
            state.offsets[topic].committed = None

    def _drain(self, timeout_s: float) -> None:
        """Deliver the finished tasks, and commit as far as that succeeds."""
        deadline = self._clock() + timeout_s
        left, before = self.count_undelivered(), None
        while left and left != before:
            self._submit()
            self.sender.flush(max(0.0, deadline - self._clock()))
            left, before = self.count_undelivered(), left
        self._commit()

    # -- partitions come and go ----------------------------------------------------

    def _make_state(self, number: int) -> PartitionState:
        # Its own bounds are out of reach: those of the settings are for all partitions.
        config = self._config.but(
            max_open_traces=UNLIMITED,
            max_open_spans=UNLIMITED,
            max_open_bytes=2 * self._config.max_open_bytes,
        )
        return PartitionState(
            config,
            self.sender,
            topic=self.kafka.name,
            logs_topic=None if self._logs is None else self._logs.name,
            number=number,
            hints=self._hints,
            skipped=self.skipped,
            router=self.router,
            readers=self._readers,
            clock=self._clock,
        )

    def on_assign(self, numbers: list[int]) -> None:
        """Begin with partitions, where the last consumer of each stopped."""
        self.rebalances += 1
        with self.lock:
            self.assignment.add(numbers)
        self.intake.expected.update(self.kafka.find_committed(numbers))
        self._share_rate()
        if self._logs is not None:
            self._logs.compare_partitions(self.kafka.count_partitions())
            self._logs.assign(self.assignment.states)

    def _share_rate(self) -> None:
        """Take this consumer's share of the group's rate: that of its partitions."""
        states = self.assignment.states
        total = self.kafka.count_partitions(max(states, default=0) + 1)
        self.pace.share = share = len(states) / max(total, len(states), 1)
        if self._rate_of_group is not None:
            self.pace.limit(self._rate_of_group * share)

    def on_revoke(self, numbers: list[int]) -> None:
        """Wait for the requests under way, and commit; the next consumer sends the rest."""
        states = self.assignment.states
        going = [states[number] for number in numbers if number in states]
        if self.sender.durable:
            while self.sender.buffer:
                self.sender.submit_next()
        with self.lock:
            sending = {each for state in going for each in state.outbox.withdraw()}
        deadline = self._clock() + self._revoke_s
        while self._clock() < deadline and sending & self.sender.undecided_ids:
            time.sleep(0.01)
        self._commit()
        self.on_lost(numbers)

    def on_lost(self, numbers: list[int]) -> None:
        """Drop the open runs: the next consumer of the partitions reads them again.

        So it does with finished ones, unless the brokers are away: then there is none.
        """
        self.rebalances += 1
        with self.lock:
            for number in numbers:
                self.intake.forget(number)
                state = self.assignment.drop(number)
                if state is not None:
                    if not self.kafka.is_cut_off:
                        state.outbox.withdraw()
                    self.filtered += state.pipeline.filtered_tasks
                    self.logs_dropped += state.pipeline.dropped_logs
                    self.texts_withheld += state.pipeline.texts_withheld
        self.kafka.pause_only(set(self.assignment.states) if self.is_paused else set())
        self._share_rate()
        self._messages.forget(numbers)
        if self._logs is not None:
            self._logs.assign(self.assignment.states)
