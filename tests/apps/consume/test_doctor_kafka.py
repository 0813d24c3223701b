"""`infinium-otel doctor --brokers`: what it finds out about a topic."""

from __future__ import annotations

import time

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.doctor import kafka
from support.kafka import GROUP, TOPIC, confluent_kafka, running_broker
from support.otlp_requests import agent_span, protobuf, traces


def run(number):
    return protobuf(traces(agent_span(number)))


def examine(broker):
    found = kafka.check_kafka(broker.properties, TOPIC, GROUP, time.time)
    return {(each.level, each.message) for each in found}


def test_a_topic_of_a_group_that_is_behind(capsys):
    """Its partitions, format, keys and lag; the group is not disturbed."""
    with running_broker() as broker:
        broker.make_topic(2)
        for value in (run(1), run(2), b"no protobuf"):  # a batch each
            broker.write(value, partition=0)
        broker.write(run(1), partition=1)
        consumer = confluent_kafka.Consumer(broker.properties | {"group.id": GROUP})
        place = confluent_kafka.TopicPartition(TOPIC, 0, 1)
        consumer.commit(offsets=[place], asynchronous=False)
        consumer.close()
        found = examine(broker)
        code = cli.main(["doctor", "--brokers", broker.address])
    assert ("ok", "otlp_spans has 2 partitions") in found
    assert ("error", "1 of 2 traces are in several partitions") in found
    assert any("1 of the last 4 messages cannot be read" in text for _, text in found)
    (lag,) = (text for level, text in found if level == "note")
    assert lag.startswith("3 messages wait for the group infinium-otel in 2 partitions")
    assert code == 1
    assert "partition_traces_by_id: true" in capsys.readouterr().out


def test_without_a_broker_it_is_an_error(monkeypatch):
    """One finding, with librdkafka's reason."""
    monkeypatch.setattr(kafka, "WAIT_S", 0.2)
    properties = {"bootstrap.servers": "127.0.0.1:1"}
    (finding,) = kafka.check_kafka(properties, TOPIC, GROUP, time.time)
    assert finding.level == "error"
    assert finding.message.startswith("no broker responds: ")


def make_partition(low, high, committed):
    return kafka.Partition(0, low, high, committed)


@pytest.mark.parametrize(
    ("partitions", "level", "message"),
    [
        pytest.param([(5, 9, 2)], "error", "3 messages were deleted", id="deleted"),
        pytest.param([(5, 9, 8), (0, 9, 3)], "ok", "3 messages are between", id="near"),
    ],
)
def test_what_retention_does(partitions, level, message):
    """The messages deleted before they were read, or how far away that is."""
    (finding,) = kafka.report_deleted([make_partition(*each) for each in partitions])
    assert (finding.level, finding.message.startswith(message)) == (level, True)


def test_a_new_group_has_no_margin():
    """Without an offset of the group, nothing was skipped."""
    assert kafka.report_deleted([make_partition(5, 9, -1001)]) == []
    assert make_partition(5, 9, -1001).lag == 4


def test_a_group_that_has_read_everything():
    """It is reported as well."""
    (finding,) = kafka.report_lag([make_partition(0, 9, 9)], GROUP, 0.0)
    assert finding.level == "ok"


def test_what_messages_are_like():
    """None, all good, or none readable."""
    assert kafka.report_messages(kafka.LastMessages())[0].level == "note"
    assert kafka.report_messages(kafka.LastMessages(3))[0].level == "ok"
    assert kafka.report_messages(kafka.LastMessages(0, ["no"]))[0].level == "error"
