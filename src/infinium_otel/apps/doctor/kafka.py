"""Whether the topic can be read: its partitions, messages, keys, lag and retention.

Reads without joining the group, so the consumers are not disturbed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.errors import DecodingError
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from infinium_otel.otlp import Decoded

TOPIC = "Kafka"
WAIT_S = 10.0
"""Seconds to wait for a broker's response."""
READ_S = 5.0
"""Seconds to read the last messages."""
LAST = 20
"""Messages to read of each partition, from its end."""


@dataclass(slots=True)
class Partition:
    """What is known of a partition.

    Args:
        low: the first offset that Kafka still has.
        high: the offset after the last message.
        committed: the group's offset; negative if it has none.
    """

    number: int
    low: int
    high: int
    committed: int

    @property
    def lag(self) -> int:
        """Messages that the group has not delivered."""
        return self.high - max(self.low, self.committed)


@dataclass(slots=True)
class LastMessages:
    """What the last messages are like.

    Args:
        readable: messages with spans.
        problems: why others cannot be read.
        partitions: by trace id, where its spans are.
    """

    readable: int = 0
    problems: list[str] = field(default_factory=list)
    partitions: dict[str, set[int]] = field(default_factory=dict)

    def add(
        self, number: int, value: bytes, decode: Callable[[bytes], Decoded]
    ) -> None:
        """Look at a message."""
        try:
            records = decode(value).records
        except DecodingError as error:
            self.problems.append(str(error))
            return
        self.readable += bool(records)
        for record in records:
            if isinstance(record, SpanRecord):
                self.partitions.setdefault(record.trace_id, set()).add(number)


def check_kafka(
    properties: Mapping[str, Any], topic: str, group: str, now: Callable[[], float]
) -> list[Finding]:
    """Examine *topic*, and what *group* has read of it.

    Args:
        properties: librdkafka's.
        topic: with the spans.
        group: of the consumers.
        now: the time, in seconds since the epoch.
    """
    try:
        from confluent_kafka import Consumer, KafkaException  # noqa: PLC0415 - an extra

        from infinium_otel.apps.consume.formats import decode  # noqa: PLC0415 - an extra
    except ImportError:
        fix = "pip install 'infinium-otel[kafka]'"
        return [Finding(TOPIC, "error", "the extra `kafka` is not installed", fix)]
    quiet = {"log_level": 2, "error_cb": lambda _: None, "enable.auto.commit": False}
    consumer = Consumer({**properties, **quiet, "group.id": group})
    try:
        partitions = _read_partitions(consumer, topic)
        if not partitions:
            message = f"the topic {topic} does not exist yet"
            return [Finding(TOPIC, "warning", message)]
        last = LastMessages()
        for number, value in _read_last(consumer, topic, partitions):
            last.add(number, value, decode)
        oldest_s = _find_age(consumer, topic, partitions, now)
    except KafkaException as error:
        return [Finding(TOPIC, "error", f"no broker responds: {error.args[0].str()}")]
    finally:
        consumer.close()
    return [
        Finding(TOPIC, "ok", f"{topic} has {len(partitions)} partitions"),
        *report_messages(last),
        *report_keys(last),
        *report_lag(partitions, group, oldest_s),
        *report_deleted(partitions),
    ]


def _read_partitions(consumer: Any, topic: str) -> list[Partition]:
    from confluent_kafka import TopicPartition  # noqa: PLC0415 - an extra

    found = consumer.list_topics(topic, timeout=WAIT_S).topics[topic]
    if found.error is not None:
        return []
    places = [TopicPartition(topic, number) for number in sorted(found.partitions)]
    committed = {
        each.partition: each.offset
        for each in consumer.committed(places, timeout=WAIT_S)
    }
    examined = []
    for place in places:
        low, high = consumer.get_watermark_offsets(place, timeout=WAIT_S)
        number = place.partition
        examined.append(Partition(number, low, high, committed[number]))
    return examined


def _read_last(
    consumer: Any, topic: str, partitions: Iterable[Partition]
) -> Iterator[tuple[int, bytes]]:
    """The last messages, each with the number of its partition."""
    ends = {each.number: each.high for each in partitions if each.high > each.low}
    starts = {
        each.number: max(each.low, each.high - LAST)
        for each in partitions
        if each.number in ends
    }
    deadline = time.monotonic() + READ_S
    _assign(consumer, topic, starts)
    while ends and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        yield message.partition(), message.value() or b""
        if message.offset() + 1 >= ends.get(message.partition(), 0):
            ends.pop(message.partition(), None)


def _assign(consumer: Any, topic: str, starts: Mapping[int, int]) -> None:
    from confluent_kafka import TopicPartition  # noqa: PLC0415 - an extra

    consumer.assign([TopicPartition(topic, *start) for start in starts.items()])


def _find_age(
    consumer: Any,
    topic: str,
    partitions: Iterable[Partition],
    now: Callable[[], float],
) -> float:
    """Seconds since the oldest message was written that waits; 0 if none waits."""
    starts = {
        each.number: max(each.low, each.committed)
        for each in partitions
        if each.lag > 0
    }
    oldest_s = now()
    deadline = time.monotonic() + READ_S
    _assign(consumer, topic, starts)
    while starts and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        if starts.pop(message.partition(), None) is not None:
            oldest_s = min(oldest_s, message.timestamp()[1] / 1000)
    return max(0.0, now() - oldest_s)


def report_messages(last: LastMessages) -> list[Finding]:
    """Report whether the last messages can be read."""
    if last.problems:
        total = last.readable + len(last.problems)
        message = (
            f"{len(last.problems)} of the last {total} messages cannot be read: "
            f"{last.problems[0]}"
        )
        return [Finding(TOPIC, "warning" if last.readable else "error", message)]
    if not last.readable:
        return [Finding(TOPIC, "note", "there are no messages with spans")]
    return [Finding(TOPIC, "ok", f"the last {last.readable} messages are OTLP")]


def report_keys(last: LastMessages) -> list[Finding]:
    """Report whether the spans of a trace are in one partition."""
    spread = sum(len(numbers) > 1 for numbers in last.partitions.values())
    if not spread:
        return []
    message = f"{spread} of {len(last.partitions)} traces are in several partitions"
    fix = "in the Collector's Kafka exporter: partition_traces_by_id: true"
    return [Finding(TOPIC, "error", message, fix)]


def report_lag(
    partitions: Iterable[Partition], group: str, oldest_s: float
) -> list[Finding]:
    """Report how many messages the group has not delivered."""
    lags = [each.lag for each in partitions]
    if not any(lags):
        return [Finding(TOPIC, "ok", f"the group {group} has read everything")]
    message = (
        f"{sum(lags)} messages wait for the group {group} in {sum(map(bool, lags))} "
        f"partitions, the oldest for {oldest_s:,.0f} s"
    )
    return [Finding(TOPIC, "note", message)]


def report_deleted(partitions: Iterable[Partition]) -> list[Finding]:
    """Report what Kafka deleted before it was read, or is about to."""
    deleted = sum(
        max(0, each.low - each.committed) for each in partitions if each.committed >= 0
    )
    if deleted:
        message = f"{deleted} messages were deleted before the group read them"
        fix = "raise the topic's retention.ms, or start more consumers"
        return [Finding(TOPIC, "error", message, fix)]
    waiting = [each for each in partitions if each.committed >= 0 and each.lag]
    margin = min((each.committed - each.low for each in waiting), default=None)
    if margin is None:
        return []
    message = f"{margin} messages are between what waits and what Kafka deletes next"
    return [Finding(TOPIC, "ok", message)]
