"""OTLP from files and streams: JSON, JSON Lines and protobuf, plain or gzip.

What an input is shows in its first bytes, not in its name. Nothing is held but the one
request being read, so an input of many requests may be larger than memory.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from infinium_otel import otlp
from infinium_otel.errors import DecodingError
from infinium_otel.loading.documents import DAMAGED, read_documents
from infinium_otel.loading.octets import Readable, inflated, is_json, opened
from infinium_otel.otlp import Decoded

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from infinium_otel.otlp import Record

__all__ = [
    "DAMAGED",
    "Readable",
    "inflated",
    "is_json",
    "load_otlp",
    "named",
    "opened",
    "read_documents",
    "read_json",
    "read_otlp",
    "read_protobuf",
    "unreadable",
]

logger = logging.getLogger(__name__)

PROTOBUF_START = b"\x0a"
"""The tag of the only field of an export request."""

LENGTH_BYTES = 4


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
            logger.warning(
                "%s: items that cannot be read, left out: %d", path, left_out
            )
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
        return read_protobuf(chunks)
    return read_json(read_documents(chunks))


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give an error that leaves this block the name of the file it is about."""
    try:
        yield
    except DecodingError as error:
        raise DecodingError(f"{path}: {error}") from None


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


def read_protobuf(chunks: Iterator[bytes]) -> Iterator[Decoded]:
    """One request, or many of them each after its length in four octets.

    Source: the Collector's fileexporter, which writes the length big-endian. A request
    begins with the tag 0x0a, a length of any sane size with 0x00.

    Raises:
        DecodingError: it is neither, or was cut.
        MissingExtraError: the `otlp` extra is not installed.
    """
    first = next(chunks)
    if first.startswith(PROTOBUF_START):
        yield _message(b"".join(chain((first,), chunks)))
        return
    for message in _messages(chain((first,), chunks)):
        yield _message(message)


def _messages(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        start = 0
        while (end := _end_of_message(held, start)) <= len(held):
            yield held[start + LENGTH_BYTES : end]
            start = end
        held = held[start:]
    if held:
        raise DecodingError("not OTLP, or cut in the middle of a message")


def _end_of_message(held: bytes, start: int) -> int:
    """Where the message ends whose length stands at *start*; past all if unknown."""
    body = start + LENGTH_BYTES
    if body > len(held):
        return len(held) + 1
    return body + int.from_bytes(held[start:body], "big")


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
