"""How fast to send: more while the service is quick, less after a 429."""

from __future__ import annotations

import math

import pytest

from infinium_otel.delivery.pace import AdaptivePace
from infinium_otel.delivery.protocol import AttemptResult

DELIVERED = AttemptResult("delivered", 200)
BUSY = AttemptResult("unavailable", 429)
FAILED = AttemptResult("unavailable", 500)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Service:
    """Accepts so many requests a second, each after a while; the rest get a 429."""

    def __init__(self, pace, clock, limit=math.inf, duration_s=0.05):
        self.pace, self.clock = pace, clock
        self.limit, self.duration_s = limit, duration_s
        self.refused = 0

    def work(self, seconds):
        """Send as fast as the pace allows; returns requests accepted a second."""
        accepted, second, in_second = 0, -1, 0
        end = self.clock.now + seconds
        while self.clock.now < end:
            wait_s = self.pace.try_reserve()
            if wait_s:
                self.clock.now += wait_s + 1e-9
                continue
            if int(self.clock.now) != second:
                second, in_second = int(self.clock.now), 0
            in_second += 1
            is_accepted = in_second <= self.limit
            accepted += is_accepted
            self.refused += not is_accepted
            self.pace.record(DELIVERED if is_accepted else BUSY, self.duration_s)
        return accepted / seconds


@pytest.fixture
def clock():
    return Clock()


def test_it_finds_the_rate_of_the_service(clock):
    """Within a minute it uses most of what is accepted, with few refusals."""
    pace = AdaptivePace(clock, burst=1)
    service = Service(pace, clock, limit=80)
    service.work(60)
    service.refused = 0
    assert service.work(60) >= 60
    assert service.refused <= 0.1 * 60 * 80
    assert 40 <= pace.rate <= 100


def test_it_rises_only_while_it_is_needed(clock):
    """Two requests a second need no more than the first rate."""
    pace = AdaptivePace(clock, burst=1)
    for _ in range(100):
        assert pace.try_reserve() == 0.0
        pace.record(DELIVERED, 0.01)
        clock.now += 0.5
    assert pace.rate == 10


@pytest.mark.parametrize("processes", [1, 4])
def test_processes_climb_as_fast_as_one(clock, processes):
    """Each takes its share of the start and of each step."""
    paces = [
        AdaptivePace(clock, start=10 / processes, share=1 / processes, burst=1)
        for _ in range(processes - 1)
    ]
    paces.append(AdaptivePace(clock, start=10 / processes, burst=1))
    paces[-1].share = 1 / processes
    for _ in range(20):
        clock.now += 6
        for pace in paces:
            while not pace.try_reserve():
                pass
            pace.record(DELIVERED, 0.05)
    assert sum(pace.rate for pace in paces) == pytest.approx(10 + 20 * 5)


def test_it_rises_no_further_when_the_service_slows_down(clock):
    """Longer requests mean that the service is at its limit, without a 429."""
    pace = AdaptivePace(clock, burst=1)
    Service(pace, clock, duration_s=0.1).work(5)
    before = pace.rate
    Service(pace, clock, duration_s=2.0).work(10)
    assert before < pace.rate <= before + 10


def test_a_ceiling_holds(clock):
    """A rate that is set is the first and the highest one; a 429 lowers it."""
    pace = AdaptivePace(clock, burst=1, ceiling=30)
    service = Service(pace, clock)
    assert 29 <= service.work(20) <= 31
    clock.now += 1
    pace.record(BUSY, 0.1)
    assert pace.rate == pytest.approx(21)
    service.work(20)
    assert pace.rate == 30


def test_the_ceiling_may_change(clock):
    """A share of a group's rate changes with the partitions."""
    pace = AdaptivePace(clock, burst=1, ceiling=30)
    pace.limit(10)
    assert pace.rate == 10
    pace.limit(20)
    assert pace.rate == 20
    pace.limit(0)
    assert 0 < pace.rate < 1


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        pytest.param(0.001, 2, id="quick"),
        pytest.param(0.2, 4, id="slow"),
        pytest.param(10.0, 32, id="bounded"),
    ],
)
def test_concurrency_follows_the_duration(duration_s, expected, clock):
    """As many requests at once as the rate needs, and one more."""
    pace = AdaptivePace(clock)
    assert pace.max_in_flight == 1
    for _ in range(100):
        pace.record(DELIVERED, duration_s)
    assert pace.max_in_flight == expected


def test_other_failures_do_not_change_the_rate(clock):
    """The circuit breaker deals with them."""
    pace = AdaptivePace(clock)
    clock.now = 10
    pace.record(FAILED, 0.1)
    assert pace.rate == 10
