"""What a scripted server does instead of answering, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BREAKS = ("before", "during", "after", "close", "hang", "truncate", "raw")


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted answer, or the lack of one.

    Args:
        status: the HTTP status; None for the server's ordinary verdict.
        headers: further headers of the answer.
        body: the answer's body; None for the ordinary one.
        delay_s: seconds to wait before answering.
        breaks: how the exchange breaks; "" for not at all. `before`: reset before the
            request's body is read; `during`: in the middle of it; `after`: when all of
            it is read; `close`: closed in order, without an answer; `hang`: never
            answered; `truncate`: the answer ends early; `raw`: *body* is written as it
            is in place of an HTTP answer.
        store: whether the task is stored; None: if the status is a success.
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
        """A refusal that a retry may mend, with `Retry-After` in seconds."""
        if retry_after is None:
            return cls(status)
        return cls(status, {"Retry-After": f"{retry_after:g}"})

    @classmethod
    def unavailable_until(cls, epoch_s: float, status: int = 503) -> Fault:
        """As `unavailable`, with `Retry-After` as an HTTP date."""
        return cls(status, {"Retry-After": formatdate(epoch_s, usegmt=True)})


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the server saw it.

    Args:
        headers: by lower-case name.
        body: as sent, decompressed if it was compressed.
        wire_bytes: length of the body as sent.
        status: what was answered; None if nothing was.
        complaints: breaches of the contract, one sentence each.
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
