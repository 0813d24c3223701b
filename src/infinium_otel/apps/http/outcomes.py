"""What becomes of a request, as HTTP and as gRPC report it.

Source: the OTLP specification, "OTLP/HTTP Response" and "OTLP/gRPC Response": what may be
sent again, and what may not; google/rpc/code.proto.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.http.body_limiter import BodyError, BusyError
from infinium_otel.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.errors import InfiniumError

INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED = 3, 7, 8
UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 12, 14, 16

MAX_RETRY_AFTER_S = 5
"""An exporter has 10 s for all its attempts by default: after a longer wait it would have
no time left for another one, and drop its spans."""

FAILING_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Rejection:
    """An error in the response to a request.

    Args:
        status: of HTTP.
        code: of gRPC.
        message: appears in the sender's log.
        retry_after_s: when to send it again; None if that is of no use.
        headers: further ones.
        mistake: what the sender does wrong, to be counted and logged; "" if nothing.
    """

    status: int
    code: int
    message: str
    retry_after_s: int | None = None
    headers: Mapping[str, str] | None = None
    mistake: str = ""


def reject(error: InfiniumError) -> Rejection:
    """The rejection for an error that was raised while a request was processed."""
    if isinstance(error, BusyError):
        wait_s = math.ceil(min(error.retry_after or 1, MAX_RETRY_AFTER_S))
        return Rejection(429, RESOURCE_EXHAUSTED, error.message, max(1, wait_s))
    if isinstance(error, (BodyError, DecodingError)):
        return Rejection(error.status_code or 400, INVALID_ARGUMENT, error.message)
    return Rejection(503, UNAVAILABLE, "temporarily unavailable", FAILING_RETRY_S)
