"""What a response means. Status codes are interpreted only here.

Source: infinium-o2 1.2.0, `infinium.client`; RFC 9110 section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import json
import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.protocol.values import AttemptResult, TransportFailure
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.delivery.protocol.values import Request, Response, ResultKind

MAX_RETRY_AFTER_S = 900.0
"""Longer delays are cut to a quarter of an hour."""

UNAVAILABLE = frozenset({408, 425, 429})
CREDENTIALS = frozenset({401, 403})
TOO_LARGE = 413
SECRET_HEADERS = ("x-agent-key", "x-prompt-key")
SERVER_ERROR = 500
MAX_MESSAGE_LENGTH = 500


def classify_response(
    response: Response | TransportFailure,
    epoch_s: float,
    request: Request | None = None,
) -> AttemptResult:
    """The result of an attempt, from its response.

    Args:
        response: the response, or why there is none.
        epoch_s: the time now, seconds since the epoch; dates in Retry-After are
            relative to it.
        request: the request; its secrets are removed from the response's message.
    """
    if isinstance(response, TransportFailure):
        return AttemptResult("unavailable", message=response.detail, failure=response)
    data = _parse_object(response.body, _list_secrets(request))
    return AttemptResult(
        _get_kind(response.status),
        response.status,
        parse_retry_after(response.headers.get("retry-after"), epoch_s),
        _get_message(response.status, data),
        data,
    )


def _list_secrets(request: Request | None) -> list[str]:
    headers = request.headers if request else ()
    return [value for name, value in headers if name in SECRET_HEADERS]


def _get_kind(status: int) -> ResultKind:
    if 200 <= status < 300:
        return "delivered"
    if status in CREDENTIALS:
        return "credentials"
    if status == TOO_LARGE:
        return "too_large"
    if status in UNAVAILABLE or status >= SERVER_ERROR:
        return "unavailable"
    return "refused"


def _parse_object(body: bytes, secrets: Iterable[str]) -> dict[str, Any] | None:
    r"""The object that *body* is, without *secrets*; None if it is none.

    They are searched in JSON as we write it: a service may escape any character (`\/`,
    `\u003d`), and use any encoding.
    """
    try:
        text = json.dumps(json.loads(body))
        for secret in secrets:
            text = text.replace(json.dumps(secret)[1:-1], "***")
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _get_message(status: int, data: dict[str, Any] | None) -> str:
    success = _get_kind(status) == "delivered"
    message = (data or {}).get("message" if success else "error")
    if isinstance(message, str) and message.strip():
        return to_printable(message[:MAX_MESSAGE_LENGTH])
    return "Success" if success else f"the service responded with {status}"


def to_printable(text: str) -> str:
    """A text of the service without what a terminal or a log would obey.

    Escape sequences, line ends and marks that change the direction of text become
    spaces.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text).strip()


def parse_retry_after(value: str | None, epoch_s: float) -> float | None:
    """Seconds that a Retry-After header requests, 0 to 900; None if it is invalid.

    Args:
        value: seconds, or an HTTP date; None without such a header.
        epoch_s: now, in seconds since the epoch.

    Source: RFC 9110 section 10.2.3.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, epoch_s)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _seconds_until(date: str, epoch_s: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - epoch_s
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan


def to_error(result: AttemptResult) -> InfiniumError:
    """The exception for a result other than "delivered"."""
    if result.failure is not None:
        return _to_network_error(result.failure)
    kind = _ERRORS.get(result.status or 0)
    if kind is None:
        kind = ServerError if (result.status or 0) >= SERVER_ERROR else InfiniumError
    return kind(
        result.message,
        status_code=result.status,
        retry_after=result.delay_s,
        details={"response_data": result.data},
    )


def _to_network_error(failure: TransportFailure) -> InfiniumError:
    if failure.reason == "timeout":
        return InfiniumTimeoutError(failure.detail, timeout_duration=failure.timeout_s)
    return NetworkError(failure.detail)


_ERRORS: dict[int, type[InfiniumError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    413: ValidationError,
    422: ValidationError,
    429: RateLimitError,
}
