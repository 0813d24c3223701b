"""The connection to Kafka: messages in, offsets out, and what goes wrong with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from confluent_kafka import Message

    OnPartitions = Callable[[list[int]], None]

logger = logging.getLogger(__name__)

MOVING = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)
"""Why a commit fails while partitions move: nothing that needs attention."""

WAIT_S = 5.0
"""Seconds to wait for a broker's response about partitions."""


class KafkaTopic:
    """The partitions of one topic that the group assigns to this consumer.

    Args:
        properties: librdkafka's; must disable automatic commits.
        topic: to read from.
        on_commit_failed: called with the topic and partition whose commit failed.

    Raises:
        InfiniumError: librdkafka rejects a property.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        topic: str,
        on_commit_failed: Callable[[str, int], None],
    ) -> None:
        self.name = topic
        self._on_commit_failed = on_commit_failed
        # The first error while `check` waits; then None, and errors are logged.
        self._first_error: str | None = ""
        self._logged_errors: set[int] = set()
        self._paused: set[int] = set()
        self._partitions = 0
        self._ends: dict[int, int] = {}
        callbacks = {"error_cb": self.report_error, "on_commit": self.on_commit}
        try:
            self._consumer = Consumer({**properties, **callbacks})
        except KafkaException as error:
            raise InfiniumError(f"Kafka: {error.args[0].str()}") from None

    def check(self, timeout_s: float) -> None:
        """Check that a broker answers.

        Raises:
            InfiniumError: none did within *timeout_s*.
        """
        try:
            self._partitions = self._request_partitions(timeout_s)
        except KafkaException as error:
            self._consumer.close()
            reason = self._first_error or error.args[0].str()
            raise InfiniumError(f"cannot reach Kafka: {reason}") from None
        self._first_error = None

    def subscribe(
        self, on_assign: OnPartitions, on_revoke: OnPartitions, on_lost: OnPartitions
    ) -> None:
        """Join the group; the callbacks get the numbers of partitions, in `poll`."""
        self._consumer.subscribe(
            [self.name],
            on_assign=lambda _, found: on_assign(_get_numbers(found)),
            on_revoke=lambda _, found: on_revoke(_get_numbers(found)),
            on_lost=lambda _, found: on_lost(_get_numbers(found)),
        )

    def assign(self, positions: Mapping[int, int | None]) -> None:
        """Read these partitions, and no others, without joining the group.

        Args:
            positions: the next offset of each; None for what the group has committed.
        """
        self._paused = set()
        self._consumer.assign(
            [
                TopicPartition(self.name, number, OFFSET_INVALID if at is None else at)
                for number, at in sorted(positions.items())
            ]
        )

    def poll(self, timeout_s: float) -> Message | None:
        """The next message; None if none came in time, or there was an error.

        Raises:
            InfiniumError: the error is fatal.
        """
        message = self._consumer.poll(timeout_s)
        if message is None:
            return None
        error = message.error()
        if error is not None:
            self.report_error(error)
            return None
        self._logged_errors.clear()
        return message

    def close(self) -> None:
        """Leave the group; its callback gets the partitions before that."""
        self._consumer.close()

    # -- errors --------------------------------------------------------------------

    @property
    def is_cut_off(self) -> bool:
        """Whether no broker answers."""
        return KafkaError._ALL_BROKERS_DOWN in self._logged_errors  # noqa: SLF001 - the public name of the code

    def report_error(self, error: KafkaError) -> None:
        """Log an error, each kind once until messages are received again.

        Raises:
            InfiniumError: it is fatal.
        """
        if error.fatal():
            raise InfiniumError(f"Kafka: {error.str()}")
        if self._first_error is not None:
            self._first_error = self._first_error or error.str()
        elif error.code() not in self._logged_errors:
            self._logged_errors.add(error.code())
            logger.warning("Kafka: %s", error.str())

    # -- offsets -------------------------------------------------------------------

    def commit(self, found: Iterable[tuple[str, int, int]]) -> None:
        """Commit offsets, each with its topic and partition, without waiting.

        Synchronous, this would block for long without a broker; `close` waits for
        commits that are under way.
        """
        offsets = [TopicPartition(*each) for each in found]
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def on_commit(
        self, error: KafkaError | None, partitions: list[TopicPartition]
    ) -> None:
        """Handle the result of a commit; after a failure the next one repeats it."""
        for each in partitions:
            if error is not None or each.error is not None:
                self._on_commit_failed(each.topic, each.partition)
        if error is not None and error.code() in MOVING:
            logger.info("Kafka: a commit is repeated: %s", error.str())
        elif error is not None:
            self.report_error(error)

    def find_committed(self, numbers: Iterable[int]) -> dict[int, int]:
        """The offsets that the group has committed; without those that are unknown."""
        try:
            found = self._consumer.committed(self._name(numbers), timeout=WAIT_S)
        except KafkaException:
            return {}  # the broker is away: `report_error` has logged it
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def find_low(self, number: int) -> int | None:
        """The first offset that Kafka still has; None if that is unknown."""
        place = TopicPartition(self.name, number)
        try:
            low, _ = self._consumer.get_watermark_offsets(place, timeout=WAIT_S)
        except KafkaException:
            return None  # as above
        return low

    def note_ends(self, numbers: Iterable[int]) -> None:
        """Note where these partitions end; to be called by the thread that polls."""
        self._ends = {
            each.partition: self._consumer.get_watermark_offsets(each, cached=True)[1]
            for each in self._name(numbers)
        }

    def find_end(self, number: int) -> int:
        """The offset after the last message, as noted last; negative if unknown.

        May be called by any thread. confluent-kafka 2.16 lets another thread wait until no
        poll is under way, and a thread that polls again at once may never let it through.
        Source: confluentinc/confluent-kafka-python#2322.
        """
        return self._ends.get(number, OFFSET_INVALID)

    def count_partitions(self, known: int = 1) -> int:
        """How many partitions the topic has; 0 if that is unknown.

        Requested by `check`, and again when more are known: a request for metadata in
        every rebalance makes the members of a group join it again and again.

        Args:
            known: how many there are at least.
        """
        if self._partitions < known:
            try:
                self._partitions = self._request_partitions(WAIT_S)
            except KafkaException:
                return 0  # as above
        return self._partitions

    def _request_partitions(self, timeout_s: float) -> int:
        found = self._consumer.list_topics(self.name, timeout=timeout_s)
        return len(found.topics[self.name].partitions)

    # -- pauses --------------------------------------------------------------------

    def pause_only(self, numbers: set[int]) -> None:
        """Pause these partitions, and resume all others.

        Which are paused is known here only: librdkafka keeps a partition paused when it
        is assigned again. Source: confluentinc/librdkafka#1849.
        """
        if numbers - self._paused:
            self._consumer.pause(self._name(numbers - self._paused))
        if self._paused - numbers:
            self._consumer.resume(self._name(self._paused - numbers))
        self._paused = set(numbers)

    def _name(self, numbers: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self.name, number) for number in sorted(numbers)]


def _get_numbers(partitions: list[TopicPartition]) -> list[int]:
    return [each.partition for each in partitions]
