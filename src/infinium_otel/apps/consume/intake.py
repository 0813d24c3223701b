"""From a message to the open runs of its partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Lock

    from confluent_kafka import Message

    from infinium_otel.apps.consume.advice import Advice
    from infinium_otel.apps.consume.assignment import Assignment
    from infinium_otel.apps.consume.kafka import KafkaTopic
    from infinium_otel.apps.consume.partition_state import PartitionState
    from infinium_otel.apps.consume.reading import MessageReader


class Intake:
    """Reads messages, and follows where in each partition it is.

    Args:
        kafka: the topic of the spans.
        readers: by topic; they count what could not be read.
        assignment: the partitions assigned now.
        advice: is notified of what was read.
        lock: held while spans move.

    Attributes:
        expected: the offset of the next message with spans, by partition.
        times_ms: when the last one read was written, by partition.
    """

    def __init__(
        self,
        kafka: KafkaTopic,
        readers: Mapping[str, MessageReader],
        assignment: Assignment,
        advice: Advice,
        lock: Lock,
    ) -> None:
        self._kafka = kafka
        self._readers = readers
        self._assignment = assignment
        self._advice = advice
        self._lock = lock
        self.expected: dict[int, int] = {}
        self.times_ms: dict[int, int] = {}

    @property
    def unreadable(self) -> int:
        """Messages that could not be read."""
        return sum(reader.unreadable for reader in self._readers.values())

    @property
    def left_out(self) -> int:
        """Spans and log records that could not be read, in messages that could."""
        return sum(reader.left_out for reader in self._readers.values())

    def handle(self, message: Message) -> None:
        """Feed the records of a message to its partition."""
        number, topic = cast("int", message.partition()), cast("str", message.topic())
        state = self._assignment.states.get(number)
        if state is None:
            return
        offset = cast("int", message.offset())
        if topic == self._kafka.name:
            self._check_gap(number, offset)
        records = self._readers[topic].read(message)
        self._hold_unreadable(topic, state, offset)
        self._advice.look_at_keys(number, records)
        with self._lock:
            finished = self._assignment.feed(number, offset, records, topic)
        if topic == self._kafka.name:
            at_ms = message.timestamp()[1]
            self.times_ms[number] = at_ms
            self._advice.note_messages(at_ms, finished)

    def forget(self, number: int) -> None:
        """Forget a partition that is not assigned any more."""
        self.expected.pop(number, None)
        self.times_ms.pop(number, None)

    def _hold_unreadable(self, topic: str, state: PartitionState, offset: int) -> None:
        """Commit no message that cannot be read before another one could be."""
        reader, offsets = self._readers[topic], state.offsets[topic]
        if not reader.is_holding:
            for each in self._assignment.states.values():
                each.offsets[topic].held_from = None
        elif reader.in_a_row and offsets.held_from is None:
            offsets.held_from = offset

    def _check_gap(self, number: int, offset: int) -> None:
        """Report messages that Kafka deleted before they were read."""
        expected = self.expected.get(number, offset)
        self.expected[number] = offset + 1
        if offset > expected and self._advice.wants_gap():
            low = self._kafka.find_low(number)
            if low is not None and low > expected:
                self._advice.warn_of_gap(number, expected, low)
