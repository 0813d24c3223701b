from __future__ import annotations

import pytest

from infinium_otel.runtime.slices import PAUSE_S, SLICE_S, Slices


class Machine:
    """A clock that goes on only by the work and the rest of a thread."""

    def __init__(self, *, urgent: bool = False) -> None:
        self.now_s = 100.0
        self.rests: list[float] = []
        self.slices = Slices(lambda: urgent, lambda: self.now_s, self.rest)

    def rest(self, seconds: float) -> None:
        self.now_s += seconds
        self.rests.append(seconds)

    def work(self, parts: int, part_s: float) -> None:
        for _ in range(parts):
            self.now_s += part_s
            self.slices.pause()


@pytest.mark.parametrize(
    ("parts", "part_s", "rests"),
    [
        pytest.param(3, SLICE_S / 4, 0, id="less-than-a-slice"),
        pytest.param(1, SLICE_S * 1.1, 1, id="one-long-part"),
        pytest.param(10, SLICE_S * 0.6, 5, id="every-second-part"),
        pytest.param(10, SLICE_S * 1.1, 10, id="every-part"),
    ],
)
def test_rests_once_a_slice(parts, part_s, rests):
    """A thread rests when its slice is over, and then begins another."""
    machine = Machine()
    with machine.slices:
        machine.work(parts, part_s)
    assert machine.rests == [PAUSE_S] * rests


def test_rests_for_nobody_who_waits():
    """Work that somebody waits for goes on."""
    machine = Machine(urgent=True)
    with machine.slices:
        machine.work(10, SLICE_S * 2)
    assert machine.rests == []


def test_rests_only_in_our_own_thread():
    """Before and after its own turn the work is that of an application's thread."""
    machine = Machine()
    machine.work(5, SLICE_S * 2)
    with machine.slices:
        machine.work(1, SLICE_S * 2)
    machine.work(5, SLICE_S * 2)
    assert len(machine.rests) == 1
