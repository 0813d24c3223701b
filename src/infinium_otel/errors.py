"""The exception tree: everything this package raises is an `InfiniumError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class InfiniumError(Exception):
    """Base of every error of this package.

    Attributes:
        status_code: HTTP status of the reply that caused it; None without a reply.
        field: name of the field or option at fault; None where no single one is.
        retry_after: seconds the server asked to wait; None if it named none.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        field: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.field = field
        self.retry_after = retry_after


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
