"""Bounds on request bodies: of one request, and of all requests in progress.

The rest of a body past a bound is read and discarded, up to a limit: a sender whose
connection closes while it writes sees a broken pipe instead of the response.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.apps.http.content_encoding import (
    decompress,
    explain_unsupported,
    normalize_encoding,
)
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

MAX_BODY_BYTES = 64 * 1024 * 1024
"""For one request, decompressed: enough for 512 spans of 100,000 characters."""

MAX_HELD_BYTES = 256 * 1024 * 1024
"""For all requests that are being read and decoded."""

SMALL_BYTES = 1024 * 1024
LARGE_SHARE = 0.75
"""What larger bodies may hold of all: a few that stall do not silence the others."""


class BusyError(InfiniumError):
    """No more can be accepted now; `retry_after` is when to try again, in seconds."""

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__("busy: try again later", retry_after=retry_after)


class BodyError(InfiniumError):
    """A body is larger than allowed (413) or compressed in an unknown way (415)."""


class BodyLimiter:
    """Tracks how many bytes of request bodies are in memory."""

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
    def reserve(self) -> Iterator[BodyReservation]:
        """Give one request its share of the memory; freed when the block ends."""
        reservation = BodyReservation(self)
        try:
            yield reservation
        finally:
            reservation.release()

    async def discard(self, request: Request) -> None:
        """Read the body of a request and keep nothing of it.

        Raises:
            BodyError: the body is too large.
        """
        n_bytes = 0
        async for chunk in request.stream():
            n_bytes += len(chunk)
            if n_bytes > self.max_body_bytes:
                raise self.make_size_error()

    def make_size_error(self) -> BodyError:
        """The error for a body that is too large."""
        return BodyError(f"body over {self.max_body_bytes} bytes", status_code=413)

    def add(self, n_bytes: int) -> int:
        """Count *n_bytes* more, or fewer if negative; return the new total."""
        with self._lock:
            self.held_bytes += n_bytes
            return self.held_bytes


class BodyReservation:
    """The memory of one request's body."""

    def __init__(self, limiter: BodyLimiter) -> None:
        self._limiter = limiter
        self._used_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Read the body as it was sent.

        Raises:
            BodyError: the body is too large.
            BusyError: all requests together use too much memory.
        """
        # one buffer: thousands of parts would fragment the memory of every thread
        body = bytearray()
        rejection: InfiniumError | None = None
        discarded = 0
        async for chunk in request.stream():
            if rejection is None:
                rejection = self._reserve(len(chunk))
                body += chunk
            if rejection is not None:
                body.clear()
                self.release()
                discarded += len(chunk)
            if discarded > self._limiter.max_body_bytes:
                break
        if rejection is not None:
            raise rejection.with_traceback(None)
        return bytes(body)

    def decompress(self, body: bytes, encoding: str) -> bytes:
        """Decompress *body*.

        Args:
            body: as it was sent.
            encoding: the Content-Encoding; "" for none.

        Raises:
            BodyError: the body is too large, or the encoding is unsupported.
            BusyError: all requests together use too much memory.
            DecodingError: the compressed data is damaged or truncated.
        """
        name = normalize_encoding(encoding)
        if name is None:
            raise BodyError(explain_unsupported(encoding), status_code=415)
        if not name:
            return body
        self.release()
        plain = bytearray()
        for part in decompress(body, name):
            if rejection := self._reserve(len(part)):
                raise rejection
            plain += part
        return bytes(plain)

    def _reserve(self, n_bytes: int) -> InfiniumError | None:
        self._used_bytes += n_bytes
        total = self._limiter.add(n_bytes)
        if self._used_bytes > self._limiter.max_body_bytes:
            return self._limiter.make_size_error()
        share = 1.0 if self._used_bytes <= SMALL_BYTES else LARGE_SHARE
        return BusyError() if total > self._limiter.max_held_bytes * share else None

    def release(self) -> None:
        """Free all of it."""
        self._limiter.add(-self._used_bytes)
        self._used_bytes = 0
