"""One exchange with retries, written once: a generator of steps.

A shell, with or without asyncio, performs each step and answers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.protocol.values import NoReply, Send, Wait
from infinium_otel.protocol.verdict import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from infinium_otel.protocol.values import Answer, Outcome, Reply, Request

BASE_DELAY_S = 1.0
MAX_DELAY_S = 60.0


def backoff(failures: int, drawn: float) -> float:
    """Seconds to wait after so many failures in a row: full jitter.

    Args:
        failures: 1 after the first failure.
        drawn: a random number, 0 to 1.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return drawn * min(MAX_DELAY_S, BASE_DELAY_S * 2.0 ** min(failures - 1, 32))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits for a delivery that does not succeed at once.

    Args:
        max_retries: attempts after the first.
        timeout_s: of one attempt.
        max_wait_s: of all waits together; a longer delay ends the exchange.
    """

    max_retries: int = 3
    timeout_s: float = 30.0
    max_wait_s: float = 60.0


def exchange(
    request: Request,
    patience: Patience,
    *,
    pace: Callable[[], float],
    draw: Callable[[], float],
    epoch: Callable[[], float],
) -> Generator[Send | Wait, Answer, Outcome]:
    """Sends *request* until an answer is final or patience ends.

    Args:
        request: the same for each attempt, its idempotency key too.
        patience: when to give up.
        pace: takes a place in the rate limit; returns seconds to wait for it.
        draw: a random number, 0 to 1.
        epoch: seconds since the epoch.

    Returns:
        The last outcome.
    """
    failures, waited = 0, 0.0
    while True:
        pause = pace()
        if pause > 0:
            yield Wait(pause)
        answer = yield Send(request, patience.timeout_s)
        outcome = outcome_of(_answered(answer), epoch(), request)
        failures += 1
        delay = outcome.delay_s
        if delay is None:
            delay = backoff(failures, draw())
        waited += delay
        if not _worth_another(outcome, failures, waited, patience):
            return outcome
        yield Wait(delay)


def _answered(answer: Answer) -> Reply | NoReply:
    return answer or NoReply("broken", "the transport gave no answer")


def _worth_another(
    outcome: Outcome, failures: int, waited: float, patience: Patience
) -> bool:
    if outcome.kind != "unavailable" or failures > patience.max_retries:
        return False
    if outcome.no_reply is not None and outcome.no_reply.reason == "tls":
        return False
    return waited <= patience.max_wait_s
