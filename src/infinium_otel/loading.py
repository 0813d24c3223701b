"""OTLP from files and streams: JSON, JSON Lines and protobuf, plain or gzip.

What an input is shows in its first bytes, not in its name. Nothing is held but the one
request being read, so an input of many requests may be larger than memory.
"""

from __future__ import annotations

import json
import logging
import zlib
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from infinium_otel import otlp
from infinium_otel.errors import DecodingError
from infinium_otel.otlp import Decoded

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from infinium_otel.otlp import Record

logger = logging.getLogger(__name__)

CHUNK = 256 * 1024
GZIP, ZSTD, BYTE_ORDER_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
"""Octets that JSON text never holds and the head of a protobuf message always does."""

TELLING = 1024
"""Octets at the head of an input that are looked at."""

PROTOBUF_START = b"\x0a"
"""The tag of the only field of an export request."""


DAMAGED = object()
"""Stands for a line of JSON Lines that is no JSON."""


class Readable(Protocol):
    """What is read from: a binary file, a pipe."""

    def read(self, size: int, /) -> bytes:
        """At most *size* octets; none at the end."""


def load_otlp(*paths: str | os.PathLike[str]) -> list[Record]:
    """The spans and log records of OTLP files, in the order in which they stand there.

    Args:
        paths: OTLP/JSON, JSON Lines (as the Collector's file exporter writes them) or
            protobuf, each plain or gzip; told from the content.

    Returns:
        The records; what cannot be read inside a file is left out, with a warning in
        the log that says how much.

    Raises:
        DecodingError: a file is no OTLP at all; it names the file.
        MissingExtraError: a protobuf file without the `otlp` extra.
        OSError: a file cannot be opened or read.
    """
    records: list[Record] = []
    for path in paths:
        left_out = 0
        with Path(path).open("rb") as stream, named(path):
            for decoded in read_otlp(stream):
                records += decoded.records
                left_out += decoded.left_out
        if left_out:
            logger.warning("%s: %d items cannot be read; left out", path, left_out)
    return records


def read_otlp(stream: Readable) -> Iterator[Decoded]:
    """The requests in *stream*, one after the other, as they are read.

    Raises:
        DecodingError: the stream is no OTLP at all: its first request says. A later
            one that cannot be read is counted in `Decoded.unreadable` instead.
        MissingExtraError: protobuf without the `otlp` extra.
    """
    head, chunks = opened(stream)
    if not head.strip():
        return iter(())
    if not is_json(head):
        return read_protobuf(b"".join(chunks))
    return read_json(read_documents(chunks))


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


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give an error that leaves this block the name of the file it is about."""
    try:
        yield
    except DecodingError as error:
        raise DecodingError(f"{path}: {error}") from None


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


def _member() -> Any:
    """A decompressor that tells gzip from zlib by itself; gzip may be in members."""
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)


def is_json(head: bytes) -> bool:
    """True if *head*, the first octets of an input, is that of JSON."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return text[:1] in (b"{", b"[") and head.translate(None, CONTROL) == head


def read_documents(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The documents of JSON or JSON Lines; for each damaged line `DAMAGED`.

    A document in several lines is one, and then the only one. A list is its items.

    Raises:
        DecodingError: the first document is damaged.
    """
    lines = (line for line in _lines(chunks) if line.strip())
    first = next(lines).removeprefix(BYTE_ORDER_MARK)
    try:
        document = json.loads(first)
    except (RecursionError, ValueError):
        document = _whole(b"".join(chain((first,), lines)))
    yield from document if isinstance(document, list) else (document,)
    for line in lines:
        try:
            yield json.loads(line)
        except (RecursionError, ValueError):
            yield DAMAGED


def read_json(documents: Iterable[Any]) -> Iterator[Decoded]:
    """OTLP/JSON requests, decoded; what is none is counted, unless it is the first.

    Raises:
        DecodingError: the first document is no OTLP request.
    """
    has_first = False
    for document in documents:
        try:
            yield otlp.from_json(document)
        except DecodingError:
            if not has_first:
                raise
            yield unreadable()
        has_first = True


def unreadable() -> Decoded:
    """The outcome of a request of which nothing could be read."""
    decoded = Decoded(unreadable=1)
    decoded.note("a line is no OTLP request; left out")
    return decoded


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for piece in whole:
            yield b"".join((*parts, piece, b"\n"))
            parts = []
        parts.append(tail)
    yield b"".join(parts)


def _whole(text: bytes) -> Any:
    """The one document that goes over several lines."""
    try:
        return json.loads(text)
    except RecursionError:
        raise DecodingError("the JSON is nested too deep") from None
    except ValueError:
        raise DecodingError("the JSON is damaged or was cut") from None


def read_protobuf(data: bytes) -> Iterator[Decoded]:
    """One request, or many of them each after its length in four octets.

    Raises:
        DecodingError: it is neither, or was cut.
        MissingExtraError: the `otlp` extra is not installed.

    Source: the Collector's fileexporter, which writes the length big-endian. A request
    begins with the tag 0x0a, a length of any sane size with 0x00.
    """
    if data.startswith(PROTOBUF_START):
        yield _message(data)
        return
    position = 0
    while position < len(data):
        start = position + 4
        position = start + int.from_bytes(data[position:start], "big")
        if position > len(data):
            raise DecodingError("not OTLP, or cut in the middle of a message")
        yield _message(data[start:position])


def _message(body: bytes) -> Decoded:
    """A request of either signal: only as the right one does it hold usable items."""
    traces, logs = _as(body, "traces"), None
    if traces is None or (traces.rejected_spans and not traces.records):
        logs = _as(body, "logs")
    if traces is None and logs is None:
        raise DecodingError("not OTLP: no protobuf request")
    fits = logs is not None and (traces is None or logs.records or logs.unrelated_logs)
    return cast("Decoded", logs if fits else traces)


def _as(body: bytes, signal: str) -> Decoded | None:
    try:
        return otlp.from_protobuf(body, signal)
    except DecodingError:
        return None
