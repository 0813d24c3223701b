"""Protobuf's wire format, as far as a request is taken apart before it is parsed.

The protobuf library builds a whole message at once, and an empty event of two bytes takes
a hundred in memory. So a request is split into its spans here, which are parsed one by
one, and what a large one holds is counted before.

Source: protobuf.dev, "Encoding"; opentelemetry-proto 1.9 for the numbers of the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.records.bounds import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, SECOND = 1, 2
"""Fields of a resource's and of a scope's group: what is common, and the list below."""

MAX_DEPTH = 100
"""Messages inside each other, at most. Source: protobuf's parsers stop there."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
CUT = "invalid OTLP: not a protobuf request"

Fields = dict[int, Any]
"""The fields of a message that are messages themselves, by number."""

PAIR: Fields = {}
VALUE: Fields = {5: {1: {}}, 6: {1: PAIR}}
VALUE[5][1] = VALUE
PAIR[2] = VALUE
RESOURCE: Fields = {1: PAIR}
SCOPE: Fields = {3: PAIR}
SPAN: Fields = {9: PAIR, 11: {3: PAIR}, 13: {4: PAIR}, 15: {}}
LOG: Fields = {5: VALUE, 6: PAIR}


def iter_messages(
    data: bytes, start: int, end: int, budget: Budget
) -> Iterator[tuple[int, int, int]]:
    """The length-delimited fields of a message: number, start and end of each.

    Args:
        data: holds the message between *start* and *end*.
        budget: each field counts.

    Raises:
        DecodingError: the message is malformed, or has too many fields.
    """
    at = start
    while at < end:
        budget.spend(1)
        tag, at = _read_varint(data, at, end)
        at, stop = _find_content(data, at, end, tag & 7)
        if tag & 7 == BYTES:
            yield tag >> 3, at, stop
        at = stop


def check_message(
    data: bytes, start: int, end: int, fields: Fields, limit: int
) -> None:
    """Count what is in a message, on every level, before it is parsed.

    Args:
        data: holds the message between *start* and *end*.
        fields: those of the message.
        limit: how many fields it may have in all.

    Raises:
        DecodingError: the message is malformed, nested too deep or has too many fields.
    """
    budget = Budget(limit)
    waiting = [(start, end, fields, 1)]
    while waiting:
        at, stop, known, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise DecodingError("invalid OTLP: nested too deep")
        for number, first, last in iter_messages(data, at, stop, budget):
            if number in known:
                waiting.append((first, last, known[number], depth + 1))


def _find_content(data: bytes, at: int, end: int, kind: int) -> tuple[int, int]:
    """Start and end of a field's content; *at* is behind its tag."""
    if kind == BYTES:
        length, at = _read_varint(data, at, end)
        stop = at + length
    elif kind == VARINT:
        stop = _read_varint(data, at, end)[1]
    elif kind in (FIXED64, FIXED32):
        stop = at + (8 if kind == FIXED64 else 4)
    else:  # groups, which OTLP does not have, and numbers without a meaning
        raise DecodingError(CUT)
    if stop > end:
        raise DecodingError(CUT)
    return at, stop


def _read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at *at*, and where it ends."""
    value = shift = 0
    for place in range(at, min(at + MAX_VARINT_BYTES, end)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise DecodingError(CUT)
