"""The rate limit: exact for one thread, for many, and for event loops."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.delivery.rate_limit import TokenBucket


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_sequential_callers_keep_the_rate():
    """At 8 per second with a burst of 16, exactly 48 pass in the first 4 seconds."""
    clock = Clock()
    bucket = TokenBucket(8, 16, clock)
    sent = []
    while clock.now <= 4.0:
        clock.now += bucket.reserve()
        sent.append(clock.now)
    assert sum(at <= 4.0 for at in sent) == 48


def test_concurrent_callers_keep_the_rate():
    """Fifty threads get fifty different slots, five seconds apart in total."""
    bucket = TokenBucket(10, 1, Clock())
    waits = []
    threads = [
        threading.Thread(target=lambda: waits.append(bucket.reserve()))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([n / 10 for n in range(50)])


def test_try_reserve():
    """`try_reserve` never goes into debt, and returns when to try again."""
    clock = Clock()
    bucket = TokenBucket(8, 2, clock)
    assert [bucket.try_reserve(), bucket.try_reserve()] == [0.0, 0.0]
    assert bucket.try_reserve() == 0.125
    assert bucket.try_reserve() == 0.125
    clock.now += 0.125
    assert bucket.try_reserve() == 0.0


def test_slots_that_were_not_used_are_no_more_than_the_burst():
    """However many are returned, after a quiet time the burst is all that passes."""
    clock = Clock()
    bucket = TokenBucket(8, 2, clock)
    for _ in range(5):
        assert bucket.try_reserve() == 0.0
        clock.now += 1.0  # it is full again
        bucket.cancel()
    assert [bucket.try_reserve() for _ in range(3)] == [0.0, 0.0, 0.125]


def test_a_clock_that_goes_back_earns_nothing():
    """A clock that goes backwards earns no tokens."""
    clock = Clock()
    bucket = TokenBucket(10, 1, clock)
    assert bucket.try_reserve() == 0.0
    clock.now -= 50
    assert bucket.try_reserve() == pytest.approx(0.1)


@given(st.lists(st.floats(0, 3), max_size=50), st.floats(0.5, 50), st.integers(1, 20))
def test_no_window_holds_more_than_rate_and_burst(pauses, rate, burst):
    """In any rhythm, n events take at least (n - burst) / rate seconds."""
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock)
    times = []
    for pause in pauses:
        clock.now += pause
        times.append(clock.now + bucket.reserve())
    for begin, first in enumerate(times):
        for end, last in enumerate(times[begin:], 1):
            assert last - first >= (end - 1 - burst) / rate - 1e-6
