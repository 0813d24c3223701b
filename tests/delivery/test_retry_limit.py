"""When a task is given up."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.protocol import AttemptResult, TransportFailure
from infinium_otel.delivery.retry_limit import RetryLimit

DELIVERED = AttemptResult("delivered", 200)
FAILED = AttemptResult("unavailable", 500)
OURS, OTHER = (0, 1), (0, 2)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limit(clock):
    return RetryLimit(3, 60, clock)


def fail(limit, result=FAILED, times=1):
    for _ in range(times):
        limit.record(OURS, result)


def test_after_so_many_attempts(limit):
    """Three failures while another task is delivered."""
    fail(limit, times=2)
    limit.record(OTHER, DELIVERED)
    assert not limit.is_exceeded(OURS)
    fail(limit)
    assert limit.is_exceeded(OURS)


def test_after_so_long(limit, clock):
    """A task that is rarely tried, because its pauses are long."""
    fail(limit)
    limit.record(OTHER, DELIVERED)
    clock.now = 60.0
    assert limit.is_exceeded(OURS)


def test_an_outage_is_no_reason(limit, clock):
    """However often it failed: nothing else was delivered either."""
    fail(limit, times=100)
    clock.now = 1e6
    assert not limit.is_exceeded(OURS)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(FAILED, True, id="500"),
        pytest.param(AttemptResult("unavailable", 429), False, id="429"),
        pytest.param(
            AttemptResult("unavailable", failure=TransportFailure("timeout", "")),
            True,
            id="timeout",
        ),
        pytest.param(
            AttemptResult("unavailable", failure=TransportFailure("connect", "")),
            False,
            id="no-connection",
        ),
    ],
)
def test_which_failures_count(result, expected, limit):
    """Those that may be due to the task."""
    fail(limit, result, times=3)
    limit.record(OTHER, DELIVERED)
    assert limit.is_exceeded(OURS) is expected


def test_a_task_that_is_gone_is_forgotten(limit):
    """Delivered, or taken back."""
    fail(limit, times=3)
    limit.record(OURS, DELIVERED)
    assert not limit.is_exceeded(OURS)
    fail(limit, times=3)
    limit.record(OTHER, DELIVERED)
    limit.forget(OURS)
    assert not limit.is_exceeded(OURS)
