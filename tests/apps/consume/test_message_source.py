"""The order in which messages of two topics are read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest

confluent_kafka = pytest.importorskip("confluent_kafka")

from infinium_otel.apps.consume.logs_topic import (  # noqa: E402 - as above
    AHEAD_MS,
    BATCH,
    LEAD_MS,
    STALLED_S,
    LogsTopic,
)
from infinium_otel.apps.consume.message_source import (  # noqa: E402 - as above
    MAX_HELD,
    MessageSource,
)


def make_message(topic, partition, offset, at_ms):
    return confluent_kafka.Message(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=(confluent_kafka.TIMESTAMP_CREATE_TIME, at_ms),
    )


@dataclass
class Topic:
    """What a connection gives, in the order in which the test puts it."""

    name: str
    messages: deque = field(default_factory=deque)
    ends: dict = field(default_factory=dict)
    paused: set = field(default_factory=set)
    committed: dict = field(default_factory=dict)

    def put(self, *times_ms, partition=0):
        for at_ms in times_ms:
            end = self.ends[partition] = self.ends.get(partition, 0) + 1
            self.messages.append(make_message(self.name, partition, end - 1, at_ms))

    def poll(self, _):
        return self.messages.popleft() if self.messages else None

    def find_end(self, number):
        return self.ends.get(number, 0)

    def find_committed(self, numbers):
        return {n: at for n, at in self.committed.items() if n in numbers}

    def assign(self, positions):
        self.assigned = dict(positions)

    def pause_only(self, numbers):
        self.paused = set(numbers)


@pytest.fixture
def topics():
    spans, logs = Topic("spans"), Topic("logs")
    times = {"now": 0.0}
    reader = LogsTopic({"group.id": "g"}, "logs", lambda: times["now"])
    reader.close()
    reader.kafka = logs
    reader.assign([0, 1])
    return spans, logs, reader, MessageSource(spans, reader), times


def read(source, polls):
    return [
        (message.topic(), message.timestamp()[1])
        for _ in range(polls)
        for message in source.poll(0)
    ]


def test_log_records_are_read_before_the_spans_of_their_time(topics):
    """Those up to a little later too: a process may export them after their spans."""
    spans, logs, _, source, _ = topics
    spans.put(1_000, 20_000)
    logs.messages = deque()
    logs.ends[0] = 3
    (held,) = ([*source.poll(0)],)
    assert held == []
    logs.ends[0] = 0
    logs.put(500, 1_000 + LEAD_MS, 30_000)
    assert read(source, 3) == [
        ("logs", 500),
        ("logs", 1_000 + LEAD_MS),
        ("logs", 30_000),
        ("spans", 1_000),
        ("spans", 20_000),
    ]


def test_spans_do_not_wait_at_the_end_of_the_logs(topics):
    """There is nothing to wait for."""
    spans, logs, _, source, _ = topics
    logs.put(500)
    spans.put(1_000_000)
    assert read(source, 1) == [("logs", 500), ("spans", 1_000_000)]


def test_spans_do_not_wait_for_a_topic_that_does_not_respond(topics):
    """After a while they are read without their log records."""
    spans, logs, _, source, times = topics
    logs.ends[0] = 10
    spans.put(1_000)
    assert read(source, 3) == []
    times["now"] += STALLED_S
    assert read(source, 1) == [("spans", 1_000)]


def test_spans_of_another_partition_keep_their_order(topics):
    """Partition 1 has no log records; its spans come after those that wait."""
    spans, logs, _, source, times = topics
    logs.ends[0] = 10
    spans.put(1_000, partition=0)
    spans.put(900, partition=1)
    assert read(source, 2) == []
    times["now"] += STALLED_S
    assert read(source, 1) == [("spans", 1_000), ("spans", 900)]


def test_reading_pauses_while_many_spans_wait(topics):
    """And goes on once half of them are read."""
    spans, logs, _, source, times = topics
    logs.ends[0] = 10
    spans.put(*range(1_000, 1_000 + MAX_HELD))
    assert read(source, MAX_HELD) == []
    assert source.is_full
    times["now"] += STALLED_S
    assert len(read(source, 1)) == MAX_HELD
    assert not source.is_full


def test_what_waits_of_a_lost_partition_is_dropped(topics):
    """Its next consumer reads it.

    Source: reactor/reactor-kafka#345: what was fetched before a rebalance is processed by
    both consumers.
    """
    spans, logs, reader, source, times = topics
    logs.ends[0] = logs.ends[1] = 10
    spans.put(1_000, partition=0)
    spans.put(1_000, partition=1)
    assert read(source, 2) == []
    source.forget([0])
    reader.assign([1])
    assert reader.kafka.assigned == {1: None}
    times["now"] += STALLED_S
    assert [message.partition() for message in source.poll(0)] == [1]


def test_log_records_far_ahead_wait_in_kafka(topics):
    """While there are spans to read; with all of them read, nothing is ahead."""
    spans, logs, _, source, _ = topics
    logs.put(0, AHEAD_MS + 1)
    read(source, 1)
    spans.ends[0] = 5
    source.pause_logs({0: 1}, {0: 0}, everything=False)
    assert logs.paused == {0}
    source.pause_logs({0: 1}, {0: AHEAD_MS - 20_000}, everything=False)
    assert logs.paused == set()
    source.pause_logs({0: 5}, {0: 0}, everything=False)
    assert logs.paused == set()
    source.pause_logs({0: 1}, {}, everything=False)  # since the first log record
    assert logs.paused == {0}
    source.pause_logs({0: 5}, {0: 0}, everything=True)
    assert logs.paused == {0, 1}


def test_a_partition_that_moves_back_goes_on_where_it_stopped(topics):
    """What was read is not read again while the partition stays."""
    _, logs, reader, source, _ = topics
    logs.put(500, 600)
    read(source, 1)
    reader.assign([0])
    assert logs.assigned == {0: 2}


def test_without_a_topic_of_log_records(topics):
    """Messages are read as they come."""
    spans, *_ = topics
    spans.put(1, 2)
    source = MessageSource(spans, None)
    assert read(source, 3) == [("spans", 1), ("spans", 2)]
    source.pause_logs({}, {}, everything=True)


def test_a_partition_that_comes_back_starts_where_the_group_is(topics):
    """Another consumer went on meanwhile, or read less than this one had.

    Source: confluentinc/librdkafka#1802: it goes on from its own position.
    """
    _, logs, reader, source, _ = topics
    logs.put(500, 600)
    read(source, 1)
    reader.assign([1])
    logs.committed = {0: 40}
    reader.assign([0, 1])
    assert logs.assigned == {0: 40, 1: None}


def test_log_records_are_read_in_batches(topics):
    """Spans have their turn between two of them."""
    _, logs, _, source, _ = topics
    logs.put(*range(BATCH + 5))
    assert len(read(source, 1)) == BATCH
    assert len(read(source, 1)) == 5


def test_partitions_that_another_consumer_reads(topics):
    """A log record that was fetched before is dropped; spans wait for none."""
    spans, logs, reader, source, _ = topics
    logs.put(500, partition=0)
    logs.put(500, partition=1)
    reader.assign([1])
    spans.put(1_000, partition=0)
    assert [
        (message.topic(), message.partition())
        for _ in range(2)
        for message in source.poll(0)
    ] == [("logs", 1), ("spans", 0)]
