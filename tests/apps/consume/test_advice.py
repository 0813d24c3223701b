"""One warning each, with the numbers and the cure."""

from __future__ import annotations

import pytest

from infinium_otel.apps.consume.advice import Advice
from infinium_otel.delivery.pace import AdaptivePace
from infinium_otel.delivery.protocol import AttemptResult
from support.spans import span, tid


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return AdaptivePace(clock, ceiling=10)


@pytest.fixture
def advice(pace):
    return Advice(pace)


def test_traces_in_several_partitions(advice, caplog):
    """Three such traces are one warning, whatever follows."""
    for partition in (0, 1):
        for number in range(1, 6):
            advice.look_at_keys(partition, [span("a", "b", trace=tid(number))])
    (message,) = caplog.messages
    assert message.startswith("3 of 5 traces have spans in several partitions")
    assert "partition_traces_by_id: true" in message


def test_traces_in_one_partition_each_are_right(advice, caplog):
    """However many there are: only the last ones are remembered."""
    for number in range(1, 20_000):
        advice.look_at_keys(number % 4, [span("a", "b", trace=tid(number))])
    assert caplog.messages == []
    assert len(advice._partitions) <= 10_000


def test_deleted_messages(advice, caplog):
    """With their number, once."""
    assert advice.wants_gap()
    advice.warn_of_gap(3, 100, 150)
    advice.warn_of_gap(3, 200, 250)
    (message,) = caplog.messages
    assert "Kafka deleted 50 messages of partition 3" in message
    assert not advice.wants_gap()


@pytest.mark.parametrize(
    ("tasks", "paused_s", "expected"),
    [
        pytest.param(200, 11, True, id="too-slow"),
        pytest.param(200, 9, False, id="paused-for-a-moment"),
        pytest.param(90, 11, False, id="a-backlog-that-shrinks"),
    ],
)
def test_a_rate_that_is_too_low(tasks, paused_s, expected, advice, caplog):
    """Runs written at 20 a second cannot be sent at 10."""
    for number in range(tasks):
        advice.note_messages(1_000_000 + number * 10_000 // (tasks - 1), 1)
    advice.note_pause(paused_s)
    advice.note_pause(paused_s / 100)
    warned = [message for message in caplog.messages if "lag grows" in message]
    assert bool(warned) is expected
    if expected:
        assert "need 20 requests a second, and 10 are allowed" in warned[0]
        assert "--rate-of-group" in warned[0]


def test_a_rate_that_the_service_limits(clock, caplog):
    """Without a ceiling of ours the cause is the service."""
    pace = AdaptivePace(clock)
    advice = Advice(pace)
    for number in range(200):
        advice.note_messages(1_000_000 + number * 50, 1)
    advice.note_pause(20)
    assert caplog.messages == []
    clock.now = 10
    pace.record(AttemptResult("unavailable", 429), 0.1)
    advice.note_pause(1)
    (message,) = caplog.messages
    assert "20.1 requests a second, and 7 are allowed" in message
    assert "status 429" in message
