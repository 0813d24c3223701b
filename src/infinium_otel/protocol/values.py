"""The plain values an exchange with Infinium is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Args:
        headers: names and values in the order they are sent; they hold the secret.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer.

    Args:
        headers: values by lower-case name.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NoReply:
    """Why no whole answer came.

    Args:
        reason: "timeout", "tls" (the server is not who it should be), "connect" (it was
            never reached) or "broken" (it may have taken the request).
        detail: a sentence; holds no secret.
        timeout_s: how long was waited, where that is the reason.
    """

    reason: str
    detail: str
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply, or the lack of one, means.

    Args:
        kind: "delivered"; "refused" for good; "unavailable" for now; "credentials"
            refused; "too_large".
        status: of the reply; None if there was none.
        delay_s: how long the server asks to wait; None if it did not say.
        message: a sentence, the server's own if it gave one.
        data: the JSON object of the reply; None if it was none.
        no_reply: why there is no reply, if there is none.
    """

    kind: str
    status: int | None = None
    delay_s: float | None = None
    message: str = ""
    data: dict[str, Any] | None = field(default=None, repr=False)
    no_reply: NoReply | None = None

    @property
    def reason(self) -> str:
        """A short word to count under: the status, or why there was none."""
        return str(self.status) if self.no_reply is None else self.no_reply.reason


@dataclass(frozen=True, slots=True)
class Send:
    """A step: send this within so many seconds, and answer Reply or NoReply."""

    request: Request
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """A step: let so many seconds pass."""

    seconds: float


Answer = Reply | NoReply | None
