"""The exception tree: everything this package raises is an `InfiniumError`.

    InfiniumError
    ├── ConfigurationError      the settings cannot work
    ├── MissingExtraError       an optional dependency is absent
    ├── ValidationError         a value does not fit, or was refused (400, 413, 422, ...)
    ├── AuthenticationError     credentials refused (401, 403)
    ├── NotFoundError           404
    ├── RateLimitError          429
    ├── ServerError             5xx
    ├── NetworkError            no whole reply
    │   └── InfiniumTimeoutError
    ├── BatchError              a batch stopped at a failure
    ├── ClosedError             used after close()
    ├── SpoolError              the spool file cannot be used
    └── DecodingError           input is not what it was taken for

The names are the vendor's, so a program ported from `infinium-o2` catches the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class InfiniumError(Exception):
    """Base of every error of this package.

    Attributes:
        status_code: HTTP status of the reply that caused it; None without a reply.
        field: name of the field or option at fault; None where no single one is.
        retry_after: seconds the server asked to wait; None if it named none.
        details: further facts; `response_data` is the server's answer as JSON.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        field: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.field = field
        self.retry_after = retry_after
        self.details = dict(details or {})


class ConfigurationError(InfiniumError):
    """The configuration cannot work; every mistake is named at once.

    Attributes:
        mistakes: one sentence a mistake, each beginning with the option's name.
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = tuple(mistakes)


class MissingExtraError(InfiniumError):
    """A feature needs an optional dependency that is not installed.

    Attributes:
        extra: the extra of this distribution that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an extra: pip install 'infinium-otel[{extra}]'"
        )
        self.extra = extra


class AuthenticationError(InfiniumError):
    """The service does not know the credentials, or they may not do this (401, 403)."""


class ValidationError(InfiniumError):
    """A value does not fit; `field` names it. Nothing was sent, or it was refused."""


class RateLimitError(InfiniumError):
    """Too many requests (429); `retry_after` says how long to wait, if the server did."""


class NotFoundError(InfiniumError):
    """What was asked for is not there (404)."""


class ServerError(InfiniumError):
    """The service failed (5xx); the same request may work later."""


class NetworkError(InfiniumError):
    """No whole reply arrived: unreachable, refused, reset, or not HTTP."""


class InfiniumTimeoutError(NetworkError):
    """No reply in time; the service may have taken the request all the same.

    Attributes:
        timeout_duration: seconds waited.
    """

    def __init__(
        self,
        message: str = "Request timed out",
        *,
        timeout_duration: float | None = None,
    ) -> None:
        super().__init__(message)
        self.timeout_duration = timeout_duration


class ClosedError(InfiniumError):
    """The client was used after `close()`."""


class BatchError(InfiniumError):
    """A batch stopped at its first failure, as `fail_fast` asked.

    Attributes:
        successful_count: tasks delivered.
        failed_count: tasks that failed.
        errors: one sentence a failure.
    """

    def __init__(
        self, message: str, *, successful_count: int, errors: Sequence[str]
    ) -> None:
        super().__init__(message)
        self.successful_count = successful_count
        self.failed_count = len(errors)
        self.errors = tuple(errors)


class SpoolError(InfiniumError):
    """The spool file cannot be used: unreadable, read-only, full or no spool."""


class DecodingError(InfiniumError):
    """Input is not what it was taken for, or cannot be read at all."""
