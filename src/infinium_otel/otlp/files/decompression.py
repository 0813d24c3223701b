"""Input as chunks of bytes, decompressed."""

from __future__ import annotations

import zlib
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from infinium_otel.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK = 256 * 1024
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
GZIP, ZSTD, BYTE_ORDER_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
"""Bytes that JSON text never contains and the head of a protobuf message always does."""

LENGTH_BYTES = 4
"""Bytes of the length before a protobuf request in a file."""

HEAD_BYTES = 1024
"""Bytes at the head of an input from which its format is recognized."""


class Readable(Protocol):
    """A source of bytes: a binary file, a pipe."""

    def read(self, size: int, /) -> bytes:
        """At most *size* bytes; none at the end."""


def open_input(stream: Readable) -> tuple[bytes, Iterator[bytes]]:
    """The head of *stream*, and all of it in chunks; both decompressed if gzip.

    Raises:
        DecodingError: it is compressed with zstd, or has nothing but zero bytes.
    """
    chunks = _decompress_gzip(_read_chunks(stream))
    head = _skip_zeros(_read_head(chunks, HEAD_BYTES), chunks)
    if head.startswith(ZSTD):
        raise DecodingError("compressed with zstd: decompress it first")
    return head, chain((head,), chunks)


def is_json(head: bytes) -> bool:
    """Whether *head*, the first bytes of an input, is that of JSON.

    It may have zero bytes around its lines, but none within the first.
    """
    text = head.lstrip(b"\0").removeprefix(BYTE_ORDER_MARK).lstrip()
    first, _, rest = text.partition(b"\n")
    text = first.rstrip(b"\0") + rest.replace(b"\0", b"")
    return text[:1] in (b"{", b"[") and text.translate(None, CONTROL) == text


def decompress_chunks(
    chunks: Iterable[bytes], wbits: int = GZIP_OR_ZLIB
) -> Iterator[bytes]:
    """Decompressed chunks of gzip or zlib data, each of bounded size.

    Args:
        chunks: the data.
        wbits: the kind of header, as in `zlib.decompressobj`.

    Raises:
        DecodingError: the data is damaged or was cut; raised when that is reached.
    """
    member = zlib.decompressobj(wbits)
    for chunk in chunks:
        data = chunk
        while data:
            if member.eof:
                member = zlib.decompressobj(wbits)  # gzip may have several members
            try:
                piece = member.decompress(data, CHUNK)
            except zlib.error:
                raise DecodingError("compressed data is damaged") from None
            if piece:
                yield piece
            data = member.unconsumed_tail or member.unused_data
    if not member.eof:
        raise DecodingError("compressed data was cut")


def _read_chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _read_head(chunks: Iterator[bytes], least: int) -> bytes:
    """The first *least* bytes or more, even if a pipe delivers few at a time."""
    head = b""
    while len(head) < least and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _skip_zeros(head: bytes, chunks: Iterator[bytes]) -> bytes:
    """*head* without the zero bytes with which a file begins that was truncated in use.

    Whole groups of four: with fewer begins a message that is preceded by its length.
    """
    if head[:HEAD_BYTES].strip(b"\0") or not head:
        return head
    zeros = 0
    for chunk in chain((head,), chunks):
        text = chunk.lstrip(b"\0")
        zeros += len(chunk) - len(text)
        if text:
            return bytes(zeros % LENGTH_BYTES) + text
    raise DecodingError("nothing but zero bytes, as a loss of power leaves them")


def _decompress_gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, decompressed if they are gzip."""
    head = _read_head(chunks, len(GZIP))
    rest = chain((head,), chunks)
    return decompress_chunks(rest) if head.startswith(GZIP) else rest
