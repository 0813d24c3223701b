"""Inputs of any format to batches of records."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel import loading
from infinium_otel.apps.convert.formats import format_of, model
from infinium_otel.apps.convert.gathering import loaded
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infinium_otel.otlp import Decoded, Record

STDIN = "-"


@dataclass(slots=True)
class Read:
    """What reading came to so far.

    Args:
        documents: requests or records of another system, that could be read.
        records: spans and log records in them.
        left_out: items that could not be read.
    """

    documents: int = 0
    records: int = 0
    left_out: int = 0


def batches(
    paths: Iterable[str], form: str, read: Read, advance: Callable[[int], None]
) -> Iterator[list[Record]]:
    """The records of every document in the files, in order.

    Args:
        paths: files; "-" is standard input.
        form: the format, or "auto".
        read: counted up.
        advance: told how many octets were read.

    Raises:
        DecodingError: a file is not in that format, or in none; it names the file.
        OSError: a file cannot be opened or read.
    """
    for path in paths:
        with _open(path) as stream, loading.named(path):
            for records in _batches(_Counted(stream, advance), form, read):
                read.records += len(records)
                yield records


@contextmanager
def _open(path: str) -> Iterator[loading.Readable]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with Path(path).open("rb") as stream:
        yield stream


class _Counted:
    """A stream that tells how much was read from it."""

    def __init__(
        self, stream: loading.Readable, advance: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._advance(len(chunk))
        return chunk


def _batches(stream: loading.Readable, form: str, read: Read) -> Iterator[list[Record]]:
    head, chunks = loading.opened(stream)
    if not head.strip():
        return
    if not loading.is_json(head):
        if form not in ("auto", "otlp"):
            raise DecodingError(f"not {form}: the input is no JSON")
        yield from _decoded(loading.read_protobuf(chunks), read)
        return
    documents = loading.read_documents(chunks)
    first: Any = next(documents, {})
    found = format_of(first) if form == "auto" else form
    documents = chain((first,), documents)
    if found == "otlp":
        yield from _decoded(loading.read_json(documents), read)
    else:
        yield from _modelled(documents, first, found, read)


def _decoded(requests: Iterable[Decoded], read: Read) -> Iterator[list[Record]]:
    for decoded in requests:
        read.left_out += decoded.left_out
        read.documents += not decoded.unreadable
        yield decoded.records


def _modelled(
    documents: Iterable[Any], first: Any, name: str, read: Read
) -> Iterator[list[Record]]:
    """Another system's documents; one that is none of them is left out and counted."""
    system = model(name)
    for document in loaded(name, first, documents):
        if not isinstance(document, InfiniumError):
            read.documents += 1
            yield list(system.to_spans(document))
        elif read.documents:
            read.left_out += 1
        else:
            raise document
