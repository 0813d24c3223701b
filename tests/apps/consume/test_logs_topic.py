"""Log records from a topic of their own, joined to their spans."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager

import pytest

from infinium_otel.testing import FakeInfinium
from support.kafka import consuming, running_broker, running_mock_cluster, stop
from support.otlp_requests import agent_span, logs, protobuf, traces

LOGS = "otlp_logs"
OPTIONS = ("--logs-topic", LOGS)
PARTITIONS = 4  # what the mock gives a topic
RUNS = 40


def spans_of(number):
    return protobuf(traces(agent_span(number)))


def log_of(number):
    """What the user of run *number* wrote, as an event of its span."""
    content = {"key": "content", "value": {"stringValue": f"Question {number}."}}
    return protobuf(
        logs(
            {
                "timeUnixNano": "1",
                "eventName": "gen_ai.user.message",
                "traceId": f"{number:032x}",
                "spanId": f"{number:016x}",
                "body": {"kvlistValue": {"values": [content]}},
            }
        )
    )


def is_joined(task):
    """Whether a task has what the user wrote in this run, and not in another."""
    number = task["name"].removeprefix("run ")
    return f"Question {number}." in json.dumps(task)


@contextmanager
def running_tansu():
    with running_broker() as broker:
        broker.make_topic(PARTITIONS)
        broker.make_topic(PARTITIONS, LOGS)
        yield broker


def write_spans(broker):
    for partition in range(PARTITIONS):
        numbers = [n for n in range(1, RUNS + 1) if n % PARTITIONS == partition]
        broker.write(*map(spans_of, numbers), partition=partition)


def write_logs(broker):
    for partition in range(PARTITIONS):
        numbers = [n for n in range(1, RUNS + 1) if n % PARTITIONS == partition]
        broker.write(*map(log_of, numbers), partition=partition, topic=LOGS)


@pytest.mark.parametrize(
    ("cluster", "writers"),
    [
        pytest.param(running_tansu, (write_logs, write_spans), id="tansu-logs-first"),
        pytest.param(
            running_mock_cluster, (write_spans, write_logs), id="mock-spans-first"
        ),
    ],
)
def test_a_backlog_of_both(cluster, writers):
    """Each run has its log record, whichever topic was written first; both are committed.

    Source: open-telemetry/opentelemetry-collector-contrib#39146: log records are not in
    the partition of their spans, so that no consumer can join them.
    """
    with cluster() as broker, FakeInfinium() as fake:
        for write in writers:
            write(broker)
        # A run is sent with its root: what is not read before that is too late.
        with consuming(broker, fake, *OPTIONS, INFINIUM_OTEL_LINGER_S="0") as process:
            assert fake.wait_for_tasks(RUNS, 60)
            for partition in range(PARTITIONS):
                for topic in ("otlp_spans", LOGS):
                    assert broker.wait_for_commit(RUNS // PARTITIONS, partition, topic)
            assert stop(process) == (0, "")
    assert all(map(is_joined, fake.tasks))


def test_two_consumers_share_both_topics():
    """Whoever has a partition of the spans reads that of the logs, and after a move."""
    with running_mock_cluster() as broker, ExitStack() as stack:
        fakes = [stack.enter_context(FakeInfinium()) for _ in range(2)]
        slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "10", "INFINIUM_OTEL_BURST": "1"}
        write_logs(broker)
        write_spans(broker)
        first, second = (
            stack.enter_context(consuming(broker, fake, *OPTIONS, **slow))
            for fake in fakes
        )
        assert fakes[1].wait_for_tasks(2, 60)
        assert stop(first)[0] == 0
        assert fakes[1].wait_for(
            lambda _: len({key for fake in fakes for key in fake.keys}) == RUNS, 60
        )
        assert stop(second)[0] == 0
    tasks = [task for fake in fakes for task in fake.tasks]
    assert all(map(is_joined, tasks))


def test_a_log_record_is_committed_with_its_run(fake):
    """After a kill it is read again, although it came long before its span."""
    with running_tansu() as broker:
        fake.always(503)
        broker.write(log_of(4), topic=LOGS)
        broker.write(spans_of(4))
        with consuming(broker, fake, *OPTIONS) as process:
            assert fake.wait_for(lambda each: len(each.requests) > 0, 60)
            process.kill()
        assert broker.committed(0, LOGS) <= 0
        fake.always(None)
        with consuming(broker, fake, *OPTIONS) as process:
            assert fake.wait_for_tasks(1, 60)
            assert broker.wait_for_commit(1, 0, LOGS)
            assert stop(process) == (0, "")
    assert is_joined(fake.tasks[0])


def test_a_log_record_after_its_run(fake):
    """It is counted, and committed at once: nothing is left that it belongs to."""
    with running_tansu() as broker:
        broker.write(spans_of(4))
        with consuming(broker, fake, *OPTIONS) as process:
            assert fake.wait_for_tasks(1, 60)
            broker.write(log_of(4), topic=LOGS)
            assert broker.wait_for_commit(1, 0, LOGS)
            assert stop(process) == (0, "Log records without a run: 1\n")
    assert not is_joined(fake.tasks[0])


def test_a_topic_that_does_not_exist_yet(fake):
    """Spans are delivered all the same; the log names what is missing, once."""
    with running_broker() as broker:
        broker.make_topic(1)
        broker.write(spans_of(1), spans_of(2))
        with consuming(broker, fake, *OPTIONS) as process:
            assert fake.wait_for_tasks(2, 60)
            assert broker.wait_for_commit(2)
            code, errors = stop(process)
    assert code == 0
    assert errors.count("\n") <= 1


def test_topics_of_different_partitions(fake):
    """Log records would be in other partitions than their spans: one warning."""
    with running_broker() as broker:
        broker.make_topic(2)
        broker.make_topic(3, LOGS)
        broker.write(spans_of(1))
        with consuming(broker, fake, *OPTIONS) as process:
            assert fake.wait_for_tasks(1, 60)
            code, errors = stop(process)
    assert code == 0
    assert errors.count("otlp_logs has 3 partitions and the topic of the spans 2") == 1
    assert "partition_logs_by_trace_id: true" in errors
