"""Many open runs: reading goes on, and all are delivered whole."""

from __future__ import annotations

import pytest

from support.kafka import consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces

RUNS = 10_000
PER_MESSAGE = 50
CHAT = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
FAST = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "5000",
    "INFINIUM_OTEL_BURST": "5000",
    "INFINIUM_OTEL_CONCURRENCY": "4",
}


def make_root(number):
    return agent_span(number)


def make_call(number):
    ids = {"spanId": f"{number + RUNS:016x}", "parentSpanId": f"{number:016x}"}
    return agent_span(number, attributes=[CHAT], **ids)


def write_all(broker, partitions, make_span, runs):
    """Write a span of each run, the runs of a partition several to a message."""
    for partition in range(partitions):
        numbers = range(partition + 1, runs + 1, partitions)
        spans = [make_span(number) for number in numbers]
        batches = [
            protobuf(traces(*spans[at : at + PER_MESSAGE]))
            for at in range(0, len(spans), PER_MESSAGE)
        ]
        broker.write(*batches, partition=partition)


@pytest.mark.parametrize("partitions", [8, 128])
def test_ten_thousand_open_runs_are_delivered_whole(partitions, fake, few_examples):
    """All calls are read before the first root; each run becomes one task of two spans."""
    runs = RUNS // 10 if few_examples else RUNS
    with running_broker() as broker:
        broker.make_topic(partitions)
        write_all(broker, partitions, make_call, runs)
        write_all(broker, partitions, make_root, runs)
        with consuming(broker, fake, **FAST) as consumer:
            assert fake.wait_for_tasks(runs, 240)
            assert stop(consumer) == (0, "")
    assert len(fake.requests) == len(fake.tasks) == runs
    assert all(len(task["steps"]) == 1 for task in fake.tasks)
