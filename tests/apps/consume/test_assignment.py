"""One bound over all partitions: the run quiet longest goes first, wherever it is."""

from __future__ import annotations

import pytest

from infinium_otel.apps.consume.assignment import Assignment
from infinium_otel.apps.consume.buffered_sender import BufferedSender
from infinium_otel.apps.consume.partition_state import PartitionState
from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from infinium_otel.testing import FakeInfinium
from support.spans import log, span, tid

TOPIC = "otlp_spans"
LOGS = "logs"


class Clock:
    now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def make():
    with FakeInfinium() as fake:

        def build(**settings):
            config = Config(**fake.settings, include="all", **settings)
            sender, clock = BufferedSender({"": Sender(config)}), Clock()
            far = {"max_open_traces": 10**9, "max_open_bytes": 10**9}

            def make_state(number):
                return PartitionState(
                    config.but(**far),
                    sender,
                    topic=TOPIC,
                    logs_topic=LOGS,
                    number=number,
                    clock=clock,
                )

            assignment = Assignment(config, sender, make_state)
            assignment.add(range(4))
            return assignment, sender

        yield build


def open_run(assignment, number):
    record = span("b", "a", trace=tid(number))
    assignment.feed(number % 4, number, [record], TOPIC)


def get_runs(sender):
    return [held.task.trace_id for held in sender.buffer]


def test_the_run_quiet_longest_is_sent_early(make, caplog):
    """In the order of their last spans, over all partitions; one warning."""
    assignment, sender = make(max_open_traces=5)
    for number in range(1, 6):
        open_run(assignment, number)
    assignment.feed(1, 9, [span("c", "a", trace=tid(1))], TOPIC)
    assert assignment.open_traces == 5
    for number in (6, 7):
        open_run(assignment, number)
    assert get_runs(sender) == [tid(2), tid(3)]
    assert (assignment.evicted, assignment.open_traces) == (2, 5)
    (message,) = caplog.messages
    assert "INFINIUM_OTEL_MAX_OPEN_BYTES" in message


def test_bytes_are_counted_over_all_partitions(make):
    """A partition may hold all of it."""
    assignment, sender = make(max_open_bytes=100_000)
    for number in range(4, 44, 4):
        open_run(assignment, number)
    assert sender.buffer == type(sender.buffer)()
    assert assignment.open_bytes < 100_000
    for number in range(100, 1000, 4):
        open_run(assignment, number)
    assert 50_000 < assignment.open_bytes <= 100_000
    assert assignment.evicted == len(sender.buffer) > 0


def test_a_partition_that_goes_frees_its_share(make):
    """Also when it is assigned again without being revoked."""
    assignment, _ = make()
    for number in range(1, 9):
        open_run(assignment, number)
    assert assignment.open_traces == 8
    assignment.drop(1)
    assert assignment.open_traces == 6
    assignment.add([2])
    assert assignment.open_traces == 4
    for number in (0, 2, 3):
        assignment.drop(number)
    assert (assignment.open_bytes, assignment.open_traces) == (0, 0)
    assert assignment.drop(7) is None


def test_log_events_share_one_bound(make):
    """Those of all partitions take a quarter at most; the partition with most loses."""
    assignment, _ = make(max_open_bytes=40_000)
    for number in range(200):
        assignment.feed(
            number % 2, number, [log("x", "a", trace=tid(number + 1))], LOGS
        )
    sizes = [assignment.states[number].pipeline.logs.size for number in range(4)]
    assert sum(sizes) <= 10_000
    assert min(sizes[:2]) > 3_000
    assert sum(each.pipeline.dropped_logs for each in assignment.states.values()) > 100
    assignment.drop(0)
    assignment.drop(1)
    assert assignment._log_bytes == 0
