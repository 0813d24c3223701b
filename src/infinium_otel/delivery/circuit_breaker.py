"""Whether a request may be sent now: pauses after failures and refused credentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from infinium_otel.delivery.protocol import backoff

if TYPE_CHECKING:
    from infinium_otel.delivery.protocol import AttemptResult

PROBE_S = 30.0
"""Refused credentials are retried with one request at this interval."""

UNTRUSTED_S = 60.0
"""Minimum pause after a TLS failure: the server may not be the one it claims to be."""

State = Literal["closed", "unavailable", "credentials refused"]
CLOSED: State = "closed"
UNAVAILABLE: State = "unavailable"
CREDENTIALS_REFUSED: State = "credentials refused"


class CircuitBreaker:
    """A circuit breaker shared by all sending threads.

    Closed, it lets every request through. A failure opens it for a pause; after the
    pause it is half-open: one request at a time, until one succeeds and closes it.

    Not thread-safe. It has no clock of its own: the caller passes the time.

    Attributes:
        state: "closed", or why it is open: "unavailable" (the last request failed) or
            "credentials refused".
        failures: consecutive failures.
    """

    def __init__(self) -> None:
        self.state: State = CLOSED
        self.failures = 0
        self._not_before_s = -math.inf
        self._has_server_delay = False

    @property
    def is_closed(self) -> bool:
        """False while only one request at a time may be sent: the last one failed."""
        return self.state == CLOSED

    def wait_s(self, now_s: float) -> float:
        """Seconds until a request may be sent; 0 while closed or half-open."""
        return max(0.0, self._not_before_s - now_s)

    def half_open(self) -> None:
        """End the pause now, unless the server requested it."""
        if not self._has_server_delay:
            self._not_before_s = -math.inf

    def record(self, result: AttemptResult, now_s: float, jitter: float) -> bool:
        """Record the result of a request.

        Args:
            result: of any request.
            now_s: by the same clock as for `wait_s`.
            jitter: a random number, 0 to 1.

        Returns:
            True if the state changed.
        """
        before = self.state
        self._has_server_delay = False
        if result.kind == "credentials":
            self.state = CREDENTIALS_REFUSED
            self._not_before_s = now_s + PROBE_S
        elif result.kind == "unavailable":
            self.state = UNAVAILABLE
            self.failures += 1
            self._has_server_delay = result.delay_s is not None
            self._not_before_s = now_s + self._get_pause_s(result, jitter)
        else:
            self.state = CLOSED
            self.failures = 0
            self._not_before_s = -math.inf
        return self.state != before

    def _get_pause_s(self, result: AttemptResult, jitter: float) -> float:
        least = UNTRUSTED_S if result.reason == "tls" else result.delay_s or 0.0
        # `Retry-After: 0` must not put us into a busy loop.
        return max(least, backoff(self.failures, jitter))
