"""Request bodies within bounds: of one request, and of all that are being read.

A body past a bound is read to its end and thrown away, within reason: a sender that is
cut off while it writes sees a broken connection instead of the answer.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.errors import InfiniumError
from infinium_otel.loading import inflated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Of one request, decompressed: a batch of 512 spans of 100,000 characters fits."""

MAX_HELD_BYTES = 256 * 1024 * 1024
"""Of all requests being read and decoded at once."""

ENCODINGS = ("gzip", "deflate")


class BusyError(InfiniumError):
    """Nothing more can be taken now; `retry_after` says when it may be."""

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__("busy: try again later", retry_after=retry_after)


class BodyError(InfiniumError):
    """A body is larger than allowed (413) or compressed in an unknown way (415)."""


class Bodies:
    """Reads bodies, and knows how much of them is held at the moment."""

    def __init__(
        self,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self.max_body_bytes = max_body_bytes
        self.max_held_bytes = max_held_bytes
        self.held_bytes = 0
        self._lock = Lock()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """One request's share of what may be held; on leaving it is given back."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            hold.release()

    def change(self, octets: int) -> int:
        """Hold *octets* more, or fewer; returns how many are held then."""
        with self._lock:
            self.held_bytes += octets
            return self.held_bytes


class Hold:
    """What one request holds."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._octets = 0

    async def read(self, request: Request) -> bytes:
        """The body as it was sent.

        Raises:
            BodyError: it is larger than one body may be.
            BusyError: too much is held by all requests together.
        """
        parts: list[bytes] = []
        refusal: InfiniumError | None = None
        surplus = 0
        async for chunk in request.stream():
            if refusal is None:
                refusal = self._refusal(len(chunk))
                parts.append(chunk)
            if refusal is not None:
                parts.clear()
                self.release()
                surplus += len(chunk)
            if surplus > self._bodies.max_body_bytes:
                break
        if refusal is not None:
            raise refusal
        return b"".join(parts)

    def decompressed(self, body: bytes, encoding: str) -> bytes:
        """*body* without its Content-Encoding; "" and "identity" are none.

        Raises:
            BodyError: it is larger than one body may be, or the encoding is unknown.
            BusyError: too much is held by all requests together.
            DecodingError: the compressed data is damaged or was cut.
        """
        if encoding in ("", "identity"):
            return body
        if encoding not in ENCODINGS:
            message = f"unsupported Content-Encoding; use {' or '.join(ENCODINGS)}"
            raise BodyError(message, status_code=415)
        self.release()
        parts = []
        for part in inflated((body,)):
            refusal = self._refusal(len(part))
            if refusal is not None:
                raise refusal
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, octets: int) -> InfiniumError | None:
        self._octets += octets
        held = self._bodies.change(octets)
        if self._octets > self._bodies.max_body_bytes:
            limit = self._bodies.max_body_bytes
            return BodyError(f"body over {limit} bytes", status_code=413)
        return BusyError() if held > self._bodies.max_held_bytes else None

    def release(self) -> None:
        """Hold nothing any more."""
        self._bodies.change(-self._octets)
        self._octets = 0
