"""The pause between attempts, shared by all sending threads."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.circuit_breaker import (
    CLOSED,
    CREDENTIALS_REFUSED,
    UNAVAILABLE,
    CircuitBreaker,
)
from infinium_otel.delivery.protocol import AttemptResult, TransportFailure

DOWN = AttemptResult("unavailable", 503)


def test_it_opens_and_closes():
    """A failure opens it, a success closes it, and each change is reported once."""
    breaker = CircuitBreaker()
    assert (breaker.state, breaker.is_closed, breaker.wait_s(5.0)) == (
        CLOSED,
        True,
        0.0,
    )
    assert breaker.record(DOWN, 100.0, 1.0)
    assert (breaker.state, breaker.is_closed, breaker.wait_s(100.5)) == (
        UNAVAILABLE,
        False,
        0.5,
    )
    assert not breaker.record(DOWN, 101.0, 1.0)
    assert breaker.wait_s(101.0) == 2.0
    assert breaker.record(AttemptResult("delivered", 200), 103.0, 1.0)
    assert (breaker.failures, breaker.wait_s(103.0)) == (0, 0.0)


@pytest.mark.parametrize("kind", ["refused", "too_large"])
def test_a_refusal_is_a_working_service(kind):
    """A service that refuses one task may accept the next."""
    breaker = CircuitBreaker()
    breaker.record(DOWN, 0.0, 1.0)
    assert breaker.record(AttemptResult(kind, 422), 1.0, 1.0)
    assert breaker.state == CLOSED


def test_refused_credentials_are_tried_every_30_seconds():
    """One request every 30 seconds checks whether the key is accepted."""
    breaker = CircuitBreaker()
    assert breaker.record(AttemptResult("credentials", 401), 0.0, 1.0)
    assert (breaker.state, breaker.wait_s(0.0)) == (CREDENTIALS_REFUSED, 30.0)
    breaker.half_open()
    assert breaker.wait_s(0.0) == 0.0


def test_half_open():
    """A flush ends our own pause, never the server's."""
    breaker = CircuitBreaker()
    breaker.record(DOWN, 0.0, 1.0)
    breaker.half_open()
    assert breaker.wait_s(0.0) == 0.0
    breaker.record(AttemptResult("unavailable", 429, 60.0), 0.0, 1.0)
    breaker.half_open()
    assert breaker.wait_s(0.0) == 60.0


def test_no_busy_loop():
    """`Retry-After: 0` does not shorten our own pause."""
    breaker = CircuitBreaker()
    breaker.record(AttemptResult("unavailable", 503, 0.0), 0.0, 0.5)
    assert breaker.wait_s(0.0) == 0.5


def test_a_tls_failure_pauses_for_a_minute():
    """A server that failed TLS gets no further request for a minute."""
    breaker = CircuitBreaker()
    breaker.record(
        AttemptResult("unavailable", failure=TransportFailure("tls", "x")), 0.0, 0.1
    )
    assert breaker.wait_s(0.0) == 60.0
