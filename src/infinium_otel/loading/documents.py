"""JSON and JSON Lines, a document at a time."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.loading.large import documents_of
from infinium_otel.loading.octets import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WHOLE_BYTES = 16 * 1024 * 1024
"""A document larger than this is read in parts."""

DAMAGED = object()
"""Stands for a line of JSON Lines that is no JSON."""


def read_documents(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The documents of JSON or JSON Lines; for each damaged line `DAMAGED`.

    A document in several lines is one, and then the only one. A list is its items. An
    OTLP request too large to be read whole is several that hold the same.

    Raises:
        DecodingError: the first document is damaged, or one too large to be read whole.
    """
    lines = _lines(chunks)
    first = next(line for line in lines if line.strip())
    document = DAMAGED if _is_a_part(first) else _line(first)
    if document is DAMAGED:
        yield from _documents(chain((first,), lines))
        return
    yield from document if isinstance(document, list) else (document,)
    for line in lines:
        if _is_a_part(line):
            yield from documents_of(chain((line,), lines))
        elif line.strip():
            yield _line(line)


def _line(line: bytes) -> Any:
    try:
        return json.loads(line.removeprefix(BYTE_ORDER_MARK))
    except (RecursionError, ValueError):
        return DAMAGED


def _documents(lines: Iterator[bytes]) -> Iterator[Any]:
    """The document that goes over several lines, in parts if it is too large."""
    parts: list[bytes] = []
    size = 0
    for line in lines:
        parts.append(line)
        size += len(line)
        if size > WHOLE_BYTES:
            return documents_of(chain(parts, lines))
    document = _whole(b"".join(parts))
    return iter(document if isinstance(document, list) else (document,))


def _whole(text: bytes) -> Any:
    try:
        return json.loads(text.removeprefix(BYTE_ORDER_MARK))
    except RecursionError:
        raise DecodingError("the JSON is nested too deep") from None
    except ValueError:
        raise DecodingError("the JSON is damaged or was cut") from None


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines, each with its end; one too large for a document in parts without."""
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


def _is_a_part(line: bytes) -> bool:
    return len(line) > WHOLE_BYTES and not line.endswith(b"\n")
