"""Scripted responses of the fake, and the requests it received."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BREAKS = ("before", "during", "after", "close", "hang", "truncate", "raw")


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted response, or the lack of one.

    Args:
        status: the HTTP status; None for the regular one.
        headers: additional headers of the response.
        body: the body of the response; None for the regular one.
        delay_s: seconds to wait before responding.
        breaks: how the exchange fails; "" if it does not. `before`: reset before the
            request's body is read; `during`: in the middle of it; `after`: once it is
            read; `close`: closed without a response; `hang`: no response; `truncate`:
            the response is cut off; `raw`: *body* is sent instead of an HTTP response.
        store: whether to store the task; None stores it if the status is a success.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0.0
    breaks: str = ""
    store: bool | None = None

    def __post_init__(self) -> None:
        if self.breaks and self.breaks not in BREAKS:
            raise ValueError(f"breaks: must be one of {', '.join(BREAKS)}")

    @classmethod
    def unavailable(
        cls, status: int = 503, *, retry_after: float | None = None
    ) -> Fault:
        """A temporary failure, with `Retry-After` in seconds."""
        if retry_after is None:
            return cls(status)
        return cls(status, {"Retry-After": f"{retry_after:g}"})

    @classmethod
    def unavailable_until(cls, epoch_s: float, status: int = 503) -> Fault:
        """As `unavailable`, with `Retry-After` as an HTTP date."""
        return cls(status, {"Retry-After": formatdate(epoch_s, usegmt=True)})


@dataclass(frozen=True, slots=True)
class Received:
    """One request that the fake received.

    Args:
        headers: by lower-case name.
        body: decompressed, if it was compressed.
        wire_bytes: length of the body as sent.
        status: of the response; None without a response.
        complaints: violations of the contract, one sentence each.
        at_s: `time.monotonic()` when it was read.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int
    status: int | None
    complaints: tuple[str, ...]
    at_s: float

    @property
    def key(self) -> str | None:
        """Its idempotency key."""
        return self.headers.get("idempotency-key")
