"""The plain values of an exchange with Infinium: requests, responses, results, steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FailureReason = Literal["timeout", "tls", "connect", "broken", "client"]
ResultKind = Literal["delivered", "refused", "unavailable", "credentials", "too_large"]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Args:
        headers: names and values in the order they are sent; they contain the secret.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response.

    Args:
        headers: values by lower-case name.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """Why no complete response was received.

    Args:
        reason: "timeout", "tls" (the server's identity was not proven), "connect" (the
            server was never reached), "broken" (the server may have received the
            request) or "client" (a client passed to us raised an error).
        detail: a sentence; contains no secret.
        timeout_s: seconds waited, if the reason is "timeout".
    """

    reason: FailureReason
    detail: str
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt to send a request.

    Args:
        kind: "delivered"; "refused" (permanently); "unavailable" (retry later);
            "credentials" (these were refused) or "too_large".
        status: of the response; None without a response.
        delay_s: seconds the server requests us to wait; None without such a request.
        message: a sentence, the server's own if it sent one.
        data: the JSON object of the response; None if it is not an object.
        failure: why there is no response; None if there is one.
    """

    kind: ResultKind
    status: int | None = None
    delay_s: float | None = None
    message: str = ""
    data: dict[str, Any] | None = field(default=None, repr=False)
    failure: TransportFailure | None = None

    @property
    def reason(self) -> str:
        """A short label for counters: the status, or why there is no response."""
        return str(self.status) if self.failure is None else self.failure.reason


@dataclass(frozen=True, slots=True)
class Send:
    """A step: send *request*; its result is a `Response` or a `TransportFailure`.

    Args:
        timeout_s: seconds the whole exchange may take.
    """

    request: Request
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """A step: wait; its result is None."""

    seconds: float


StepResult = Response | TransportFailure | None
