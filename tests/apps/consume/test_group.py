"""Several consumers of one group: no partition stays paused, and few requests repeat.

Against two implementations of the group protocol: a broker, and librdkafka's mock.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import pytest

from infinium_otel.testing import FakeInfinium
from support.kafka import (
    consuming,
    running_broker,
    running_mock_cluster,
    stop,
)
from support.otlp_requests import agent_span, protobuf, traces

PARTITIONS = 4  # what the mock gives a topic
RUNS = 160


@contextmanager
def running_tansu():
    with running_broker() as broker:
        broker.make_topic(PARTITIONS)
        yield broker


CLUSTERS = [
    pytest.param(running_tansu, id="tansu"),
    pytest.param(running_mock_cluster, id="mock"),
]


def write(broker, numbers):
    for partition in range(PARTITIONS):
        broker.write(
            *[
                protobuf(traces(agent_span(number)))
                for number in numbers
                if number % PARTITIONS == partition
            ],
            partition=partition,
        )


def write_more(broker, before):
    """Write another two seconds' work, so that reading stays paused."""
    write(broker, range(before + 1, before + 41))
    return before + 40


def wait_for_runs(fakes, count, timeout_s=90):
    """Wait until so many runs are delivered, to any of *fakes*."""

    def delivered():
        return len({key for fake in fakes for key in fake.keys})

    for _ in range(timeout_s * 5):
        if delivered() >= count:
            return True
        fakes[0].wait_for(lambda _: delivered() >= count, 0.2)
    return False


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_partitions_move_while_reading_is_paused(cluster, fake):
    """The queue is full, so reading is paused, when a second consumer comes and goes.

    Source: confluentinc/confluent-kafka-go#193, confluentinc/librdkafka#1849: a
    partition that was paused stays paused after a rebalance.
    """
    small = {
        "INFINIUM_OTEL_MAX_QUEUED_TASKS": "8",
        "INFINIUM_OTEL_REQUESTS_PER_SECOND": "12",
        "INFINIUM_OTEL_BURST": "1",
    }
    with cluster() as broker, FakeInfinium() as other, ExitStack() as stack:
        written = write_more(broker, 0)
        first = stack.enter_context(consuming(broker, fake, **small))
        assert fake.wait_for_tasks(5, 60)
        second = stack.enter_context(consuming(broker, other, **small))
        while len(other.tasks) < 5:
            written = write_more(broker, written)
            other.wait_for_tasks(5, 3)
        assert stop(second)[0] == 0
        assert wait_for_runs([fake, other], written)
        code, complaints = stop(first)
    assert code == 0
    # More is written than the rate allows, which may be reported; nothing else is.
    assert all("The lag grows" in line for line in complaints.splitlines()), complaints
    assert len(fake.requests) + len(other.requests) <= 1.1 * written


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_three_consumers_share_a_backlog(cluster):
    """Each run is sent once, or nearly: at most 1.1 requests a run.

    Source: vectordotdev/vector#12084, confluentinc/parallel-consumer#365: when consumers
    join, what the first one has read is delivered again.
    """
    steady = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "8", "INFINIUM_OTEL_BURST": "1"}
    with cluster() as broker, ExitStack() as stack:
        fakes = [stack.enter_context(FakeInfinium()) for _ in range(3)]
        write(broker, range(1, RUNS + 1))
        consumers = [
            stack.enter_context(consuming(broker, fake, **steady)) for fake in fakes
        ]
        assert wait_for_runs(fakes, RUNS)
        for consumer in consumers:
            assert stop(consumer)[0] == 0
    assert all(fake.tasks for fake in fakes)
    assert sum(len(fake.requests) for fake in fakes) <= 1.1 * RUNS
