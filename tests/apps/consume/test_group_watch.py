"""A consumer to which the group assigns nothing says so, with the reason and the cure."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("confluent_kafka")

from infinium_otel.apps.consume.group_watch import IDLE_S, GroupWatch
from support.delivery import Clock
from support.kafka import consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces


@pytest.fixture
def clock():
    return Clock(0.0)


@pytest.fixture
def watch(clock):
    return GroupWatch(clock)


def statistics(state, reason=""):
    return json.dumps({"cgrp": {"join_state": state, "rebalance_reason": reason}})


def test_a_group_that_does_not_form(watch, clock, caplog):
    """One warning with librdkafka's reason, and one line once it is over.

    Source: confluentinc/librdkafka#1992 (strategies must not be mixed in a group).
    """
    watch.look(0)
    clock.now = IDLE_S - 1
    watch.look(0)
    assert caplog.messages == []
    watch.note_statistics(statistics("wait-join", "Inconsistent group protocol"))
    for _ in range(3):
        clock.now += 1
        watch.look(0)
    (message,) = caplog.messages
    assert "does not form (Inconsistent group protocol)" in message
    assert "the same partition.assignment.strategy" in message
    watch.look(2)
    watch.look(2)
    assert caplog.messages[1:] == ["2 partitions are assigned now"]


def test_more_members_than_partitions(watch, clock, caplog):
    """Nothing is wrong with the group then."""
    watch.look(0)
    watch.note_statistics(statistics("steady", "whatever it was before"))
    clock.now = IDLE_S
    watch.look(0)
    (message,) = caplog.messages
    assert "more members than the topic has partitions" in message


def test_partitions_that_move(watch, clock, caplog):
    """A consumer that has some again in time says nothing."""
    for clock.now in range(0, 100, 10):
        watch.look(0)
        watch.look(1)
    assert caplog.messages == []


def test_a_reason_of_before(watch, clock, caplog):
    """What was noted before partitions were assigned explains nothing later."""
    watch.look(0)
    watch.note_statistics(statistics("steady"))
    watch.look(1)
    watch.look(0)
    clock.now = IDLE_S
    watch.look(0)
    assert "does not form (no reason is known)" in caplog.text


def test_without_statistics(watch, clock, caplog):
    """They can be switched off; those of other clients have no group."""
    watch.look(0)
    watch.note_statistics("{}")
    clock.now = IDLE_S
    watch.look(0)
    assert "does not form (no reason is known)" in caplog.text


def test_a_second_consumer_of_one_partition(fake):
    """The statistics of librdkafka name the state in which such a consumer waits."""
    with running_broker() as broker:
        broker.make_topic()
        broker.write(protobuf(traces(agent_span(1))))
        with consuming(broker, fake) as first:
            assert broker.wait_for_commit(1)
            with consuming(broker, fake) as second:
                line = second.stderr.readline()
                while line and "No partition is assigned" not in line:
                    line = second.stderr.readline()
                stop(second)
            stop(first)
    assert "more members than the topic has partitions" in line
