"""OTLP from files and streams: JSON, JSON Lines and protobuf, plain or gzip.

The format is recognized by the first bytes, not by the name. Only the request being
read is in memory, so an input of many requests may be larger than memory.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from infinium_otel import otlp
from infinium_otel.errors import DecodingError
from infinium_otel.otlp import Decoded
from infinium_otel.otlp.files.decompression import (
    LENGTH_BYTES,
    Readable,
    decompress_chunks,
    is_json,
    open_input,
)
from infinium_otel.otlp.files.documents import (
    DAMAGED,
    decode_json,
    read_documents,
)
from infinium_otel.records.bounds import MIB

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from infinium_otel.otlp import Record

__all__ = [
    "DAMAGED",
    "Readable",
    "decode_json",
    "decompress_chunks",
    "is_json",
    "load_otlp",
    "make_unreadable",
    "name_in_errors",
    "open_input",
    "read_documents",
    "read_json",
    "read_otlp",
    "read_protobuf",
]

logger = logging.getLogger(__name__)

PROTOBUF_START = b"\x0a"
"""The tag of the only field of an export request."""

MAX_MESSAGE_BYTES = 512 * MIB
"""Bytes of one request in a file, decompressed."""


def load_otlp(*paths: str | os.PathLike[str]) -> list[Record]:
    """The spans and log records of OTLP files, in the order of the files.

    Args:
        paths: OTLP/JSON, JSON Lines (as the Collector's file exporter writes them) or
            protobuf, each plain or gzip; recognized by the content.

    Returns:
        the records. Items that cannot be read are skipped; a warning is logged with
        their number.

    Raises:
        DecodingError: a file is not OTLP at all; the error names the file.
        MissingExtraError: a protobuf file without the `otlp` extra.
        OSError: a file cannot be open_input or read.
    """
    records: list[Record] = []
    for path in paths:
        skipped = 0
        with Path(path).open("rb") as stream, name_in_errors(path):
            for decoded in read_otlp(stream):
                records += decoded.records
                skipped += decoded.skipped
        if skipped:
            logger.warning("%s: skipped items that cannot be read: %d", path, skipped)
    return records


def read_otlp(stream: Readable) -> Iterator[Decoded]:
    """The requests in *stream*, one after the other, as they are read.

    Raises:
        DecodingError: the first request is not OTLP. A later one that cannot be read is
            counted in `Decoded.unreadable` instead.
        MissingExtraError: protobuf without the `otlp` extra.
    """
    head, chunks = open_input(stream)
    if not head.strip():
        return iter(())
    if not is_json(head):
        return read_protobuf(chunks)
    return read_json(read_documents(chunks))


@contextmanager
def name_in_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add the name of the file to a `DecodingError` raised in this block."""
    try:
        yield
    except DecodingError as error:
        raise DecodingError(f"{path}: {error}") from None


def read_json(documents: Iterable[Any]) -> Iterator[Decoded]:
    """Decode OTLP/JSON requests; later documents of another kind are counted.

    Raises:
        DecodingError: the first document is not an OTLP request.
    """
    has_first = False
    for document in documents:
        try:
            yield otlp.from_json(document)
        except DecodingError:
            if not has_first:
                raise
            yield make_unreadable()
        has_first = True


def make_unreadable() -> Decoded:
    """The result of a request of which nothing could be read."""
    decoded = Decoded(unreadable=1)
    decoded.note("a line is not an OTLP request; skipped")
    return decoded


def read_protobuf(chunks: Iterator[bytes]) -> Iterator[Decoded]:
    """One request, or many of them, each preceded by its length in four bytes.

    Source: the Collector's fileexporter, which writes the length big-endian. A request
    begins with the tag 0x0a, a length of any sane size with 0x00.

    Raises:
        DecodingError: the bytes are neither, or were cut.
        MissingExtraError: the `otlp` extra is not installed.
    """
    first = next(chunks)
    if first.startswith(PROTOBUF_START):
        yield from _decode_message(_join(chain((first,), chunks)))
        return
    for message in _iter_messages(chain((first,), chunks)):
        yield from _decode_message(message)


def _join(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        _check_length(len(body))
    return bytes(body)


def _check_length(n_bytes: int) -> None:
    if n_bytes > MAX_MESSAGE_BYTES:
        raise DecodingError(
            "invalid OTLP: neither JSON nor protobuf, or a request of over "
            f"{MAX_MESSAGE_BYTES // MIB} MiB"
        )


def _iter_messages(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        start = 0
        while (end := _find_message_end(held, start)) <= len(held):
            yield bytes(held[start + LENGTH_BYTES : end])
            start = end
        del held[:start]
    if held:
        raise DecodingError("invalid OTLP, or cut in the middle of a message")


def _find_message_end(held: bytearray, start: int) -> int:
    """The end of the message whose length is at *start*; beyond *held* if unknown."""
    body = start + LENGTH_BYTES
    if body > len(held):
        return len(held) + 1
    length = int.from_bytes(held[start:body], "big")
    _check_length(length)
    return body + length


def _decode_message(body: bytes) -> Iterator[Decoded]:
    """Decode a request of either signal: only the right one yields usable items."""
    traces, logs = _try_decode(body, "traces"), None
    if traces is None or (traces[0].rejected_spans and not traces[0].records):
        logs = _try_decode(body, "logs")
    fits = logs is not None and (logs[0].records or logs[0].unrelated_logs)
    if traces is None and not fits:
        raise DecodingError("invalid OTLP: not a protobuf request")
    first, rest = cast("tuple[Decoded, Iterator[Decoded]]", logs if fits else traces)
    yield first
    yield from rest


def _try_decode(body: bytes, signal: str) -> tuple[Decoded, Iterator[Decoded]] | None:
    """The first batch of a request's records, and the others; None if it is not one."""
    batches = otlp.iter_protobuf(body, signal)
    try:
        return next(batches), batches
    except DecodingError as error:
        if error.status_code:  # a request, but too much of one
            raise
        return None
