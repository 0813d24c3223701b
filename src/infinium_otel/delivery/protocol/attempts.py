"""One exchange with retries, written once: a generator of steps.

The caller, with or without asyncio, performs each step and sends back its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.delivery.protocol.responses import classify_response
from infinium_otel.delivery.protocol.values import Send, TransportFailure, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from infinium_otel.delivery.protocol.values import (
        AttemptResult,
        Request,
        StepResult,
    )

BASE_DELAY_S = 1.0
MAX_DELAY_S = 60.0


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after consecutive failures: exponential, with full jitter.

    Args:
        failures: how many in a row; 1 after the first.
        jitter: a random number, 0 to 1.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return jitter * min(MAX_DELAY_S, BASE_DELAY_S * 2.0 ** min(failures - 1, 32))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to stop retrying a request.

    Args:
        max_retries: attempts after the first.
        timeout_s: seconds one attempt may take.
        max_wait_s: seconds all pauses may take together; a longer delay ends the
            exchange.
    """

    max_retries: int = 3
    timeout_s: float = 30.0
    max_wait_s: float = 60.0


def exchange(
    request: Request,
    policy: RetryPolicy,
    *,
    rate_limit: Callable[[], float],
    draw: Callable[[], float],
    epoch: Callable[[], float],
) -> Generator[Send | Wait, StepResult, AttemptResult]:
    """Send *request* until the result is final or *policy* ends the retries.

    Args:
        request: the same for each attempt, including its idempotency key.
        policy: when to stop retrying.
        rate_limit: reserves a slot; returns seconds to wait before using it.
        draw: a random number, 0 to 1.
        epoch: seconds since the epoch.

    Returns:
        The result of the last attempt.
    """
    failures, waited_s = 0, 0.0
    while True:
        pause_s = rate_limit()
        if pause_s > 0:
            yield Wait(pause_s)
        response = yield Send(request, policy.timeout_s)
        if response is None:
            response = TransportFailure("broken", "the transport returned no response")
        result = classify_response(response, epoch(), request)
        failures += 1
        delay_s = result.delay_s
        if delay_s is None:
            delay_s = backoff(failures, draw())
        waited_s += delay_s
        if not _should_retry(result, failures, waited_s, policy):
            return result
        yield Wait(delay_s)


def _should_retry(
    result: AttemptResult, failures: int, waited_s: float, policy: RetryPolicy
) -> bool:
    if result.kind != "unavailable" or failures > policy.max_retries:
        return False
    if result.failure is not None and result.failure.reason == "tls":
        return False
    return waited_s <= policy.max_wait_s
