"""What is read, as chunks of plain octets, whatever is around them."""

from __future__ import annotations

import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK = 256 * 1024
GZIP, ZSTD, BYTE_ORDER_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
"""Octets that JSON text never holds and the head of a protobuf message always does."""

TELLING = 1024
"""Octets at the head of an input that are looked at."""


class Readable(Protocol):
    """What is read from: a binary file, a pipe."""

    def read(self, size: int, /) -> bytes:
        """At most *size* octets; none at the end."""


def opened(stream: Readable) -> tuple[bytes, Iterator[bytes]]:
    """The head of *stream*, and all of it in chunks; both without gzip around them.

    Raises:
        DecodingError: it is compressed in another way.
    """
    chunks = _plain(_chunks(stream))
    head = _head(chunks, TELLING)
    if head.startswith(ZSTD):
        raise DecodingError("compressed with zstd: decompress it first")
    return head, chain((head,), chunks)


def is_json(head: bytes) -> bool:
    """True if *head*, the first octets of an input, is that of JSON."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return text[:1] in (b"{", b"[") and head.translate(None, CONTROL) == head


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompressed chunks of gzip or zlib data, each of bounded size.

    Raises:
        DecodingError: the data is damaged or was cut; raised when that is reached.
    """
    member = _member()
    for chunk in chunks:
        data = chunk
        while data:
            if member.eof:
                member = _member()
            try:
                piece = member.decompress(data, CHUNK)
            except zlib.error:
                raise DecodingError("compressed data is damaged") from None
            if piece:
                yield piece
            data = member.unconsumed_tail or member.unused_data
    if not member.eof:
        raise DecodingError("compressed data was cut")


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _head(chunks: Iterator[bytes], least: int) -> bytes:
    """The first octets: enough to tell what they are, even if a pipe drips."""
    head = b""
    while len(head) < least and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, decompressed if they are gzip."""
    head = _head(chunks, len(GZIP))
    rest = chain((head,), chunks)
    return inflated(rest) if head.startswith(GZIP) else rest


def _member() -> Any:
    """A decompressor that tells gzip from zlib by itself; gzip may be in members."""
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
