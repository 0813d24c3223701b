"""Whether anything may be sent now: pauses after failures, and refused credentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infinium_otel.protocol import backoff

if TYPE_CHECKING:
    from infinium_otel.protocol import Outcome

PROBE_S = 30.0
"""Refused credentials are tried again with one request this often."""

UNTRUSTED_S = 60.0
"""A server that is not who it should be is not asked again sooner."""

OPEN, UNAVAILABLE, REFUSED = "open", "unavailable", "credentials refused"


class Gate:
    """One pause for all workers. Not thread-safe; it has no clock of its own.

    Attributes:
        state: "open", "unavailable" (the last request failed) or "credentials refused".
    """

    def __init__(self) -> None:
        self.state = OPEN
        self.failures = 0
        self._not_before_s = -math.inf
        self._asked_to_wait = False

    def wait_s(self, now_s: float) -> float:
        """Seconds until something may be sent; 0 for now."""
        return max(0.0, self._not_before_s - now_s)

    @property
    def paced(self) -> bool:
        """True while only one request may be under way: the last one failed."""
        return self.state != OPEN

    def hurry(self) -> None:
        """Ends a pause of our own choice; one the server asked for stays."""
        if not self._asked_to_wait:
            self._not_before_s = -math.inf

    def note(self, outcome: Outcome, now_s: float, drawn: float) -> bool:
        """Learns from the outcome of a request.

        Args:
            outcome: of any request.
            now_s: by the clock that `wait_s` is asked with.
            drawn: a random number, 0 to 1.

        Returns:
            True if the state changed.
        """
        before = self.state
        self._asked_to_wait = False
        if outcome.kind == "credentials":
            self.state = REFUSED
            self._not_before_s = now_s + PROBE_S
        elif outcome.kind == "unavailable":
            self.state = UNAVAILABLE
            self.failures += 1
            self._asked_to_wait = outcome.delay_s is not None
            self._not_before_s = now_s + self._pause(outcome, drawn)
        else:
            self.state = OPEN
            self.failures = 0
            self._not_before_s = -math.inf
        return self.state != before

    def _pause(self, outcome: Outcome, drawn: float) -> float:
        least = UNTRUSTED_S if outcome.reason == "tls" else outcome.delay_s or 0.0
        # A server that asks for no pause at all does not get a busy loop.
        return max(least, backoff(self.failures, drawn))
