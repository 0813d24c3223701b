"""The tasks of a partition until they are settled, and their keys."""

from __future__ import annotations

import pytest

from infinium_otel.apps.consume.buffered_sender import BufferedSender, Source
from infinium_otel.apps.consume.outbox import Outbox, add_revision
from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from infinium_otel.pipeline import CompletedTask
from infinium_otel.taskdata import TaskData
from infinium_otel.testing import FakeInfinium

SOURCE = Source("otlp_spans", 3, 7)


@pytest.fixture
def sender():
    with FakeInfinium() as fake:
        yield BufferedSender({"": Sender(Config(**fake.settings))})


@pytest.fixture
def outbox(sender):
    return Outbox(sender, lambda since_s: SOURCE)


def make_task(number):
    task = TaskData(f"run {number}", "", "2026-01-01T00:00:00Z", 1.0)
    key, trace_id = f"key-{number}", f"{number:032x}"
    return CompletedTask(task, key, trace_id, "a", 1, ("a",), since_s=float(number))


def test_a_task_is_unsettled_until_it_is_decided(sender, outbox):
    """In the buffer, in the queue, while it is sent; not once it is delivered."""
    outbox.submit(make_task(1))
    outbox.submit(make_task(2))
    assert outbox.find_since(set()) == 1.0
    sender.submit_next()
    assert outbox.find_since(sender.undecided_ids) == 1.0
    assert outbox.find_since(set()) == 2.0  # as if the first were delivered
    assert list(sender.sources.values()) == [SOURCE]


def test_a_task_taken_back_is_never_settled(sender, outbox):
    """Its messages are read again by the next consumer, so they are not committed."""
    outbox.submit(make_task(1))
    sender.submit_next()
    outbox.submit(make_task(2))
    assert outbox.withdraw() == set()
    assert sender.undecided_ids == set()
    assert len(sender.buffer) == len(sender.sources) == 0
    assert sender.counts.tasks.submitted == 0
    assert outbox.find_since(set()) == 1.0


def test_a_task_being_sent_is_not_taken_back(sender, outbox):
    """It is waited for."""
    outbox.submit(make_task(1))
    sender.submit_next()
    lease = sender.by_name[""]._scheduler.claim()
    assert outbox.withdraw() == {lease.id}
    sender.by_name[""]._queue.ack(lease)
    assert outbox.find_since(sender.undecided_ids) is None


@pytest.mark.parametrize(
    ("spans", "same"),
    [
        pytest.param(("b", "a"), True, id="another-order"),
        pytest.param(("a", "b", "c"), False, id="a-span-more"),
        pytest.param(("a",), False, id="a-span-less"),
    ],
)
def test_the_key_follows_the_content(spans, same):
    """The same spans have the same key, other spans another one."""
    assert (add_revision("k", spans) == add_revision("k", ("a", "b"))) is same
