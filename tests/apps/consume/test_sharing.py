"""What the consumers of a group share: the partitions, and nothing else."""

from __future__ import annotations

import signal
import sys

import pytest

from infinium_otel.testing import FakeInfinium
from support.kafka import consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces


@pytest.mark.skipif(sys.platform == "win32", reason="it has no SIGSTOP")
def test_consumers_of_a_group_share_nothing_but_the_partitions(fake):
    """Each delivers all runs of its partitions, though another stands still."""

    def write(*numbers):
        for number in numbers:
            broker.write(protobuf(traces(agent_span(number))), partition=number % 4)

    def list_numbers(service):
        return [int(task["name"].split()[-1]) for task in service.tasks]

    def list_partitions(service, first):
        return {number % 4 for number in list_numbers(service) if number >= first}

    with running_broker() as broker, FakeInfinium() as other:
        broker.make_topic(partitions=4)
        with consuming(broker, fake) as first, consuming(broker, other) as second:
            assert second.stdout.readline()
            number = 4
            while not (fake.tasks and other.wait_for_tasks(1, 0.5)):
                write(*range(number, number + 4))
                number += 4
            write(*range(number, number + 24))  # nobody joins or leaves any more
            everything = {*range(4, number + 24)}
            assert other.wait_for(
                lambda _: {*list_numbers(fake), *list_numbers(other)} >= everything, 60
            )
            ours, theirs = (list_partitions(s, number) for s in (fake, other))
            assert len(ours) == len(theirs) == 2
            assert not ours & theirs
            first.send_signal(signal.SIGSTOP)
            try:
                late = [n for n in range(number + 24, number + 44) if n % 4 in theirs]
                write(*late)
                assert other.wait_for(lambda _: {*list_numbers(other)} >= {*late}, 30)
            finally:
                first.send_signal(signal.SIGCONT)
            assert stop(first) == (0, "")
            assert stop(second) == (0, "")
