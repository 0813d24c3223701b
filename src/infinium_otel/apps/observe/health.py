"""What makes a process ready, and what makes it dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.delivery.circuit_breaker import State

STALLED_S = 60.0
"""Seconds without progress after which only a restart helps: no single step takes as
long, not even with a run of the largest size on a busy machine."""


def find_unready(
    *, is_closed: bool, state: State, is_durable: bool, fullness: float
) -> str:
    """Why no more spans should be routed here; "" if they should.

    Args:
        is_closed: it is shutting down.
        state: of the circuit breaker.
        is_durable: there is a spool, and it works: what cannot be sent now is safe.
        fullness: the used share of the tightest bound; 1.0 is full.
    """
    if is_closed:
        return "shutting down"
    if fullness >= 1.0:
        return "full: a bound is reached"
    if is_durable or state == "closed":
        return ""
    if state == "unavailable":
        return "Infinium is unavailable, and tasks wait in memory"
    return "Infinium refuses the agent's credentials, and tasks wait in memory"


def find_stalled(ages_s: dict[str, float]) -> str:
    """Why the process should be restarted; "" if it makes progress.

    Args:
        ages_s: for each part with work to do, seconds since it last made progress.
    """
    for part, age_s in ages_s.items():
        if age_s > STALLED_S:
            return f"{part} has made no progress for {age_s:.0f} s"
    return ""
