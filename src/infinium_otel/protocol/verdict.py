"""What a reply means. Status codes are interpreted here and nowhere else.

Source: infinium-o2 1.2.0, `infinium.client`; RFC 9110 section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import json
import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import (
    AuthenticationError,
    InfiniumError,
    InfiniumTimeoutError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from infinium_otel.protocol.values import NoReply, Outcome

if TYPE_CHECKING:
    from infinium_otel.protocol.values import Reply, Request

MAX_RETRY_AFTER_S = 900.0
"""A server that asks for more is asked again after a quarter of an hour."""

UNAVAILABLE = frozenset({408, 425, 429})
CREDENTIALS = frozenset({401, 403})
TOO_LARGE = 413
SECRET_HEADERS = ("x-agent-key", "x-prompt-key")
SERVER_ERROR = 500
MAX_MESSAGE_LENGTH = 500


def outcome_of(
    answer: Reply | NoReply, epoch_s: float, request: Request | None = None
) -> Outcome:
    """What an answer to a request means.

    Args:
        answer: the reply, or why there is none.
        epoch_s: the time now, seconds since the epoch; dates in Retry-After count
            from it.
        request: what was answered; a server that repeats its secret is not quoted.
    """
    if isinstance(answer, NoReply):
        return Outcome("unavailable", message=answer.detail, no_reply=answer)
    data = _object(_without_secrets(answer.body, request))
    return Outcome(
        _kind(answer.status),
        answer.status,
        retry_after(answer.headers.get("retry-after"), epoch_s),
        _message(answer.status, data),
        data,
    )


def _without_secrets(body: bytes, request: Request | None) -> bytes:
    for name, value in request.headers if request else ():
        if name in SECRET_HEADERS:
            body = body.replace(value.encode(), b"***")
    return body


def _kind(status: int) -> str:
    if 200 <= status < 300:
        return "delivered"
    if status in CREDENTIALS:
        return "credentials"
    if status == TOO_LARGE:
        return "too_large"
    if status in UNAVAILABLE or status >= SERVER_ERROR:
        return "unavailable"
    return "refused"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _message(status: int, data: dict[str, Any] | None) -> str:
    success = _kind(status) == "delivered"
    said = (data or {}).get("message" if success else "error")
    if isinstance(said, str) and said.strip():
        return said[:MAX_MESSAGE_LENGTH]
    return "Success" if success else f"the service answered {status}"


def retry_after(value: str | None, epoch_s: float) -> float | None:
    """Seconds that a Retry-After header asks for, 0 to 900; None if it says nothing.

    Args:
        value: seconds, or an HTTP date.
        epoch_s: now, in seconds since the epoch.

    Source: RFC 9110 section 10.2.3.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, epoch_s)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _until(date: str, epoch_s: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - epoch_s
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan


def error_of(outcome: Outcome) -> InfiniumError:
    """The exception that says what an outcome other than "delivered" means."""
    if outcome.no_reply is not None:
        return _network_error(outcome.no_reply)
    kind = _ERRORS.get(outcome.status or 0)
    if kind is None:
        kind = ServerError if (outcome.status or 0) >= SERVER_ERROR else InfiniumError
    return kind(
        outcome.message,
        status_code=outcome.status,
        retry_after=outcome.delay_s,
        details={"response_data": outcome.data},
    )


def _network_error(missing: NoReply) -> InfiniumError:
    if missing.reason == "timeout":
        return InfiniumTimeoutError(missing.detail, timeout_duration=missing.timeout_s)
    return NetworkError(missing.detail)


_ERRORS: dict[int, type[InfiniumError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    413: ValidationError,
    422: ValidationError,
    429: RateLimitError,
}
