"""One partition: the offset that may be committed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.apps.consume.buffered_sender import BufferedSender
from infinium_otel.apps.consume.partition_state import PartitionState
from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from support.spans import log, span, tid

TICK_S = 1e-6


class Clock:
    """A clock that always advances."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        self.now_s += TICK_S
        return self.now_s


class Tasks(list):
    """A sender that collects the tasks."""

    def __init__(self):
        self.sources = {}

    def hold(self, held):
        self.append(held.task)


class Partition:
    """A `PartitionState` whose messages have times."""

    def __init__(self, **settings):
        self.tasks, self.clock = Tasks(), Clock()
        self.state = PartitionState(
            Config(include="all", **settings), self.tasks, clock=self.clock
        )

    def committable_offset(self):
        """The offset below which no message holds a span of an open run."""
        since_s = self.state.pipeline.open_since
        return self.state.offsets[""].find_needed(since_s)

    def feed(self, offset, records, now_s):
        self.clock.now_s = now_s
        return self.state.feed(offset, records)

    def submit_due(self, now_s):
        self.clock.now_s = now_s
        return self.state.submit_due()


@pytest.fixture
def partition():
    return Partition()


def test_without_messages_there_is_no_offset(partition):
    """A partition without messages is not committed."""
    assert partition.committable_offset() is None


def test_complete_runs_are_not_needed(partition):
    """Complete runs, and messages without spans, are below the offset."""
    assert partition.feed(7, [span("a", None)], 0.0) == 1
    assert partition.committable_offset() == 8
    partition.feed(8, [], 1.0)
    assert partition.committable_offset() == 9


def test_an_open_run_holds_the_offset(partition):
    """The first message of the oldest open run is still needed."""
    partition.feed(3, [span("a", None)], 0.0)
    partition.feed(4, [span("c", "b")], 1.0)
    partition.feed(5, [span("d", None, trace=tid(2))], 2.0)
    assert partition.committable_offset() == 4
    partition.feed(6, [span("f", "e", trace=tid(3))], 3.0)
    assert partition.feed(7, [span("b", None)], 4.0) == 1
    assert partition.committable_offset() == 6
    assert partition.submit_due(603.1) == 1
    assert partition.committable_offset() == 8


def test_marks_are_few(partition):
    """Messages that are close in time share a mark: the offset may be lower."""
    for offset in range(1000):
        partition.feed(offset, [span("a", None, trace=tid(offset + 1))], offset / 1000)
        partition.feed(offset, [span("b", "c", trace="f" * 32)], offset / 1000)
    assert len(partition.state.offsets[""]._marks) == 125
    assert partition.committable_offset() == 0


def test_a_continuing_run_does_not_hide_a_newer_one(partition):
    """Later spans of an old run do not change its first message."""
    partition.feed(0, [span("b", "a")], 0.0)
    partition.feed(1, [span("d", "c", trace=tid(2))], 1.0)
    partition.feed(2, [span("e", "a")], 2.0)
    assert partition.committable_offset() == 0
    partition.feed(3, [span("a", None)], 3.0)
    assert partition.committable_offset() == 1


SPANS = st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.floats(0, 3))


@given(st.lists(SPANS, max_size=40), st.sampled_from(["root", "trace"]))
def test_no_message_below_the_offset_is_needed(messages, task_per):
    """In any order of messages, every span of an open run is at or above the offset."""
    partition = Partition(task_per=task_per, linger_s=2)
    seen, waiting, now_s = set(), {}, 0.0
    for offset, (number, name, pause_s) in enumerate(messages):
        now_s += pause_s
        record = span(name, None if name == "a" else "a", trace=tid(number))
        if (number, name) not in seen:
            waiting[record.trace_id, record.span_id] = offset
        seen.add((number, name))
        partition.submit_due(now_s)
        partition.feed(offset, [record], now_s)
        for task in partition.tasks:
            for span_id in task.span_ids:
                del waiting[task.trace_id, span_id]
        partition.tasks.clear()
        assert all(
            partition.committable_offset() <= needed for needed in waiting.values()
        )


def test_what_may_be_committed_of_the_logs(fake):
    """Nothing past a log event that waits, or whose run is not delivered."""
    sender, clock = BufferedSender({"": Sender(Config(**fake.settings))}), Clock()
    config = Config(include="all", linger_s=0.0, trace_timeout_s=50)
    state = PartitionState(
        config, sender, topic="spans", logs_topic="logs", clock=clock
    )

    def feed(offset, record, topic, at_s):
        clock.now_s = at_s
        state.feed(offset, [record], topic)

    feed(0, log("one", "a"), "logs", 1.0)
    feed(1, log("other", "x", trace=tid(9)), "logs", 2.0)
    feed(7, span("z", None, trace=tid(3)), "spans", 3.0)
    clock.now_s = 4.0
    state.submit_due()
    assert state.find_commits(set()) == {}  # the run of offset 7 is not sent yet
    sender.submit_next()
    assert state.find_commits(set()) == {"spans": 8}
    feed(8, span("a", None), "spans", 5.0)
    clock.now_s = 6.0
    state.submit_due()
    sender.submit_next()
    assert state.find_commits(sender.undecided_ids) == {}
    assert state.find_commits(set()) == {"spans": 9, "logs": 1}
    clock.now_s = 60.0
    state.submit_due()  # the one of no span is given up
    assert state.find_commits(set()) == {"logs": 2}
    sender.shutdown(0)
