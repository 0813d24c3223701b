"""JSON and JSON Lines, one document at a time."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.otlp._decoded import Decoded
from infinium_otel.otlp._json import from_json
from infinium_otel.otlp.files.decompression import BYTE_ORDER_MARK, CHUNK
from infinium_otel.otlp.files.large import iter_documents, iter_request
from infinium_otel.records.bounds import (
    MAX_RECORD_BYTES,
    estimate_bytes,
    load_json,
    parse_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WHOLE_BYTES = MAX_RECORD_BYTES
"""A document larger than this is read in parts."""

WHOLE_TREE_BYTES = 4 * WHOLE_BYTES
"""A request that would take more than this when parsed is read in parts too."""

ENDS = (b"}", b"]")
"""Lines with which a document ends that spans several, unless it is not indented."""
MAX_ATTEMPTS = 8
"""How often the end of a document may turn out to be none."""

DAMAGED = object()
"""Represents a line of JSON Lines that is not JSON."""


def decode_json(body: bytes) -> Decoded:
    """The records of one OTLP/JSON request, in bounded memory.

    Args:
        body: the request, decompressed.

    Raises:
        DecodingError: it is not an OTLP request in UTF-8, or too large (413).
    """
    if len(body) <= WHOLE_BYTES and estimate_bytes(body) <= WHOLE_TREE_BYTES:
        return from_json(load_json(body))
    decoded = Decoded()
    chunks = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
    for document in iter_request(chunks, decoded.budget):
        from_json(document, decoded)
    return decoded


def read_documents(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The documents of JSON or JSON Lines; for each damaged line `DAMAGED`.

    Documents may span several lines, each with its end at the start of a line, as `jq`
    and `json.tool` write them. A list yields its items. An OTLP request too large to be
    read whole yields several requests with the same content.

    Raises:
        DecodingError: the first document is damaged, or one too large to be read whole.
    """
    lines = _iter_lines(chunks)
    first = next(line for line in lines if line.strip())
    document = DAMAGED if _is_partial(first) else _parse_line(first)
    if document is DAMAGED:
        yield from _iter_documents(chain((first,), lines))
        return
    yield from document if isinstance(document, list) else (document,)
    for line in lines:
        if _is_partial(line):
            yield from iter_documents(chain((line,), lines))
        elif line.strip():
            yield _parse_line(line)


def _parse_line(line: bytes) -> Any:
    # A file system may leave zero bytes where a line was not on disk at a loss of power;
    # the next line follows them directly. Source: gastownhall/gascity#5336.
    try:
        return parse_json(line.strip(b"\0\n").removeprefix(BYTE_ORDER_MARK))
    except DecodingError:
        return DAMAGED


def _iter_documents(lines: Iterator[bytes]) -> Iterator[Any]:
    """Documents that span several lines; one that is too large in parts."""
    parts: list[bytes] = []
    size = attempts = count = 0
    for line in lines:
        parts.append(line)
        size += len(line)
        if size > WHOLE_BYTES:
            yield from iter_documents(chain(parts, lines))
            return
        if line.rstrip() not in ENDS or attempts == MAX_ATTEMPTS:
            continue
        document = _parse_line(b"".join(parts))
        attempts += document is DAMAGED
        if document is not DAMAGED:
            yield from document if isinstance(document, list) else (document,)
            parts, size, attempts, count = [], 0, 0, count + 1
    rest = b"".join(parts)
    if count == 0:
        document = parse_json(rest.removeprefix(BYTE_ORDER_MARK))
        yield from document if isinstance(document, list) else (document,)
    elif rest.strip():
        yield DAMAGED


def _iter_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line ends; one that is too large comes in parts without."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for piece in whole:
            yield b"".join((*parts, piece, b"\n"))
            parts, size = [], 0
        parts.append(tail)
        size += len(tail)
        if size > WHOLE_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def _is_partial(line: bytes) -> bool:
    return len(line) > WHOLE_BYTES and not line.endswith(b"\n")
