"""The pause between attempts, one for all workers."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.gate import OPEN, REFUSED, UNAVAILABLE, Gate
from infinium_otel.protocol import NoReply, Outcome

DOWN = Outcome("unavailable", 503)


def test_it_opens_and_closes():
    """A failure closes it, a success opens it, and each change is told once."""
    gate = Gate()
    assert (gate.state, gate.paced, gate.wait_s(5.0)) == (OPEN, False, 0.0)
    assert gate.note(DOWN, 100.0, 1.0)
    assert (gate.state, gate.paced, gate.wait_s(100.5)) == (UNAVAILABLE, True, 0.5)
    assert not gate.note(DOWN, 101.0, 1.0)
    assert gate.wait_s(101.0) == 2.0
    assert gate.note(Outcome("delivered", 200), 103.0, 1.0)
    assert (gate.failures, gate.wait_s(103.0)) == (0, 0.0)


@pytest.mark.parametrize("kind", ["refused", "too_large"])
def test_a_refusal_is_a_working_service(kind):
    """A service that refuses one task may take the next."""
    gate = Gate()
    gate.note(DOWN, 0.0, 1.0)
    assert gate.note(Outcome(kind, 422), 1.0, 1.0)
    assert gate.state == OPEN


def test_refused_credentials_are_tried_every_30_seconds():
    """One request in 30 seconds asks whether the key is good again."""
    gate = Gate()
    assert gate.note(Outcome("credentials", 401), 0.0, 1.0)
    assert (gate.state, gate.wait_s(0.0)) == (REFUSED, 30.0)
    gate.hurry()
    assert gate.wait_s(0.0) == 0.0


def test_what_the_server_asked_for_is_kept():
    """A flush shortens our own pause, never the server's."""
    gate = Gate()
    gate.note(DOWN, 0.0, 1.0)
    gate.hurry()
    assert gate.wait_s(0.0) == 0.0
    gate.note(Outcome("unavailable", 429, 60.0), 0.0, 1.0)
    gate.hurry()
    assert gate.wait_s(0.0) == 60.0


def test_no_busy_loop():
    """`Retry-After: 0` does not shorten our own pause."""
    gate = Gate()
    gate.note(Outcome("unavailable", 503, 0.0), 0.0, 0.5)
    assert gate.wait_s(0.0) == 0.5


def test_a_stranger_is_not_asked_often():
    """A server that is not who it should be is not asked again for a minute."""
    gate = Gate()
    gate.note(Outcome("unavailable", no_reply=NoReply("tls", "x")), 0.0, 0.1)
    assert gate.wait_s(0.0) == 60.0
