"""The exception tree: everything this package raises is an `InfiniumError`.

    InfiniumError
    ├── ConfigurationError      the settings are invalid
    ├── MissingExtraError       an optional dependency is absent
    ├── ValidationError         a value is invalid, or was refused (400, 413, 422, ...)
    ├── AuthenticationError     credentials refused (401, 403)
    ├── NotFoundError           404
    ├── RateLimitError          429
    ├── ServerError             5xx
    ├── NetworkError            no complete response
    │   └── InfiniumTimeoutError
    ├── BatchError              a batch stopped at a failure
    ├── ClosedError             used after close()
    ├── SpoolError              the spool file cannot be used
    └── DecodingError           input is not in the expected format

The names are the vendor's, so a program ported from `infinium-o2` catches the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class InfiniumError(Exception):
    """Base of every error of this package.

    Attributes:
        status_code: HTTP status of the response; None without a response.
        field: name of the invalid field or option; None if it is not a single one.
        retry_after: seconds to wait, as requested by the server; None if it set none.
        details: further facts; `response_data` is the response's JSON.
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
    """The configuration is invalid; all mistakes are reported at once.

    Attributes:
        mistakes: one sentence per mistake, each with the setting's name.
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = tuple(mistakes)


class MissingExtraError(InfiniumError):
    """A feature needs an optional dependency that is not installed.

    Attributes:
        extra: the extra of this distribution that installs it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an extra: pip install 'infinium-otel[{extra}]'"
        )
        self.extra = extra


class AuthenticationError(InfiniumError):
    """The credentials are invalid, or do not permit the request (401, 403)."""


class ValidationError(InfiniumError):
    """A value is invalid; `field` names it. Nothing was sent, or it was refused."""


class RateLimitError(InfiniumError):
    """Too many requests (429); `retry_after` is how long to wait, if the server set it."""


class NotFoundError(InfiniumError):
    """The requested item does not exist (404)."""


class ServerError(InfiniumError):
    """The service failed (5xx); the same request may work later."""


class NetworkError(InfiniumError):
    """No complete response arrived: unreachable, refused, reset, or not HTTP."""


class InfiniumTimeoutError(NetworkError):
    """No response in time; the service may have accepted the request nevertheless.

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
    """A batch stopped at its first failure because of `fail_fast`.

    Attributes:
        successful_count: tasks delivered.
        failed_count: tasks that failed.
        errors: one sentence per failure.
    """

    def __init__(
        self, message: str, *, successful_count: int, errors: Sequence[str]
    ) -> None:
        super().__init__(message)
        self.successful_count = successful_count
        self.failed_count = len(errors)
        self.errors = tuple(errors)


class SpoolError(InfiniumError):
    """The spool file cannot be used: unreadable, read-only, full or not a spool."""


class DecodingError(InfiniumError):
    """Input is not in the expected format, or cannot be read at all."""
