"""Read inputs of any format as batches of records."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import (
    detect_format,
    import_model,
    reject_other_format,
)
from infinium_otel.apps.convert.gathering import load_documents
from infinium_otel.errors import DecodingError, InfiniumError
from infinium_otel.otlp import files
from infinium_otel.otlp.files.decompression import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infinium_otel.otlp import Decoded, Record

STDIN = "-"


@dataclass(slots=True)
class ReadCounts:
    """What was read so far.

    Args:
        documents: requests, or records of another system.
        records: spans and log records in them.
        left_out: items that could not be read.
        empty: files with nothing in them.
    """

    documents: int = 0
    records: int = 0
    left_out: int = 0
    empty: int = 0


def read_batches(
    paths: Iterable[str], form: str, counts: ReadCounts, advance: Callable[[int], None]
) -> Iterator[list[Record]]:
    """Read the records of every document in the files, in order.

    Args:
        paths: files; "-" is standard input.
        form: the format, or "auto".
        counts: updated with each document.
        advance: called with the number of bytes just read.

    Raises:
        DecodingError: a file does not have that format, or any; names the file.
        OSError: a file cannot be opened or read.
    """
    for path in paths:
        with _open(path) as stream, files.name_in_errors(path):
            for records in _read_documents(
                _CountingStream(stream, advance), form, counts
            ):
                counts.records += len(records)
                yield records


@contextmanager
def _open(path: str) -> Iterator[files.Readable]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with Path(path).open("rb") as stream:
        yield stream


class _CountingStream:
    """A stream that reports how much was read from it."""

    def __init__(self, stream: files.Readable, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._advance(len(chunk))
        return chunk


def _read_documents(
    stream: files.Readable, form: str, counts: ReadCounts
) -> Iterator[list[Record]]:
    head, chunks = files.open_input(stream)
    if not head.removeprefix(BYTE_ORDER_MARK).strip():
        counts.empty += 1
        return
    if not files.is_json(head):
        if form not in ("auto", "otlp"):
            raise DecodingError(f"not {form}: the input is not JSON")
        yield from _read_requests(files.read_protobuf(chunks), counts)
        return
    documents = files.read_documents(chunks)
    first: Any = next(documents, {})
    name = detect_format(first) if form == "auto" else form
    reject_other_format(first, name)
    documents = chain((first,), documents)
    if name == "otlp":
        yield from _read_requests(files.read_json(documents), counts)
    else:
        yield from _read_model(documents, first, name, counts)


def _read_requests(
    requests: Iterable[Decoded], counts: ReadCounts
) -> Iterator[list[Record]]:
    for decoded in requests:
        counts.left_out += decoded.skipped
        counts.documents += not decoded.unreadable
        yield decoded.records


def _read_model(
    documents: Iterable[Any], first: Any, name: str, counts: ReadCounts
) -> Iterator[list[Record]]:
    """Read another system's documents; after a good one, bad ones are only counted."""
    system = import_model(name)
    for document in load_documents(name, first, documents):
        if not isinstance(document, InfiniumError):
            counts.documents += 1
            yield list(system.to_spans(document))
        elif counts.documents:
            counts.left_out += 1
        else:
            raise document
