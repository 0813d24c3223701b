"""How long an exit waits for an endpoint, by a clock that only deliveries move."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infinium_otel.runtime.last_delivery import STALLED_S, LastDelivery


class SlowSender:
    """Delivers one task at each of these seconds, and nothing after the last one."""

    durable = False

    def __init__(self, successes: tuple[float, ...], queued: int) -> None:
        self.now = 0.0
        self.successes = list(successes)
        self.counts = SimpleNamespace(tasks=SimpleNamespace(queued=queued))

    def flush(self, timeout_s: float) -> bool:
        """As the real one: it uses its time, unless nothing is left."""
        end = self.now + timeout_s
        while self.successes and self.successes[0] <= end:
            self.now = self.successes.pop(0)
            self.counts.tasks.queued -= 1
            if not self.counts.tasks.queued:
                return True
        self.now = end
        return False


@pytest.mark.parametrize(
    ("successes", "ends_s"),
    [
        pytest.param((), 5.0, id="never"),
        pytest.param((5.0,), 10.0, id="five-seconds-after-it"),
        pytest.param((4.0,), 10.0, id="six-seconds-after-it"),
        pytest.param((0.1,), 10.0, id="nearly-ten-seconds-after-it"),
        pytest.param((3.0, 6.0, 9.0, 12.0), 20.0, id="after-the-last-of-some"),
    ],
)
def test_an_exit_ends_at_most_ten_seconds_after_the_last_success(successes, ends_s):
    """It waits five, and five more if something was accepted in these."""
    sender = SlowSender(successes, queued=len(successes) + 1)
    delivery = LastDelivery(sender, lambda: sender.now)
    assert not delivery.deliver(deadline=1_000.0)
    assert sender.now == ends_s
    assert ends_s - max(successes, default=0.0) <= 2 * STALLED_S


def test_it_waits_once_for_an_exit():
    """A second flush of the same exit does not wait again."""
    sender = SlowSender((), queued=1)
    delivery = LastDelivery(sender, lambda: sender.now)
    delivery.deliver(deadline=1_000.0)
    delivery.deliver(deadline=1_000.0)
    assert sender.now == STALLED_S


def test_it_goes_on_while_tasks_are_accepted():
    """Up to the deadline, however long that is."""
    sender = SlowSender(tuple(4.0 * n for n in range(1, 11)), queued=10)
    delivery = LastDelivery(sender, lambda: sender.now)
    assert delivery.deliver(deadline=1_000.0)
    assert sender.now == 40.0


def test_the_deadline_ends_it():
    """Even if each task is accepted."""
    sender = SlowSender(tuple(4.0 * n for n in range(1, 11)), queued=10)
    delivery = LastDelivery(sender, lambda: sender.now)
    assert not delivery.deliver(deadline=17.0)
    assert sender.now == 17.0
