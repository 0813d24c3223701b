"""Bounds on untrusted input: how deep it may nest, and how much may be made of it.

A few bytes can describe many objects: two bytes of protobuf an empty event, three of JSON
an empty object. So what a parser would build is bounded before it builds it, from the
text itself, and what we build while we do.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

from infinium_otel.errors import DecodingError

MIB = 1024 * 1024

MAX_DEPTH = 300
"""How deep JSON may nest. An attribute's value of 64 levels needs 256 of them."""

MAX_TREE_BYTES = 256 * MIB
"""Estimated bytes of what `json.loads` may build of one document."""

MAX_ITEMS = 1_000_000
"""Items in one request: attributes, events, links, elements of lists. One takes about 150
bytes, so this is what 150 MB hold. A request of the Collector's default size, 8,192
spans, may have 100 attributes each."""

ITEMS_PER_RECORD = 20
"""What a span, a log record, a scope or a resource counts: at most 50,000 in one request."""

MAX_RUNS = 10_000
"""Traces in one request: each becomes a task, which costs far more than its spans."""

MAX_RECORD_BYTES = 16 * MIB
"""Bytes of one span or log record."""

TOO_DEEP = f"the JSON is nested too deep: over {MAX_DEPTH} levels"
TOO_LARGE = 413

_PIECE = 64 * 1024
_MARKS = b"[]{},"
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_LEVELS = {ord("["): 1, ord("]"): -1}
_OBJECT_BYTES, _LIST_BYTES, _ITEM_BYTES, _TEXT_BYTES = 232, 88, 16, 56
"""CPython 3.11 to 3.14 on 64 bits: an object of up to five members, a list of up to four
items, the place of an item beside its value, a text beside its characters."""
_ASTRAL = bytes(range(0xF0, 0xF5))
"""First bytes of characters that Python stores in four bytes."""


class Budget:
    """What may still be made of one request.

    Args:
        items: how many items.
    """

    def __init__(self, items: int = MAX_ITEMS) -> None:
        self.items = items

    def spend(self, items: int) -> None:
        """Count items, before they are made.

        Raises:
            DecodingError: there are too many (413).
        """
        self.items -= items
        if self.items < 0:
            raise DecodingError(
                f"too much in one request: at most {MAX_ITEMS:,} attributes, events and "
                f"other items, each span counting as {ITEMS_PER_RECORD}",
                status_code=TOO_LARGE,
            )


def check_record_size(n_bytes: int) -> None:
    """Check the size of one span or log record.

    Raises:
        DecodingError: it is too large (413).
    """
    if n_bytes > MAX_RECORD_BYTES:
        raise DecodingError(
            f"a span or log record has over {MAX_RECORD_BYTES // MIB} MiB",
            status_code=TOO_LARGE,
        )


def check_runs(records: list[Any]) -> None:
    """Check how many traces there are in one request.

    Raises:
        DecodingError: there are too many (413).
    """
    if len(records) > MAX_RUNS and len({each.trace_id for each in records}) > MAX_RUNS:
        raise DecodingError(
            f"too many traces in one request: at most {MAX_RUNS:,}",
            status_code=TOO_LARGE,
        )


def parse_json(data: bytes, *, max_bytes: int = MAX_TREE_BYTES, **options: Any) -> Any:
    """Parse JSON in UTF-8, whose depth and size are checked first.

    Args:
        data: the JSON.
        max_bytes: estimated bytes of what is built.
        options: of `json.loads`.

    Raises:
        DecodingError: it is not JSON in UTF-8, nested too deep, or too large (413).
    """
    check_estimate(estimate_bytes(data), max_bytes)
    return load_json(data, **options)


def check_estimate(n_bytes: int, max_bytes: int = MAX_TREE_BYTES) -> None:
    """Check what `estimate_bytes` gave for a document.

    Raises:
        DecodingError: it is too much (413).
    """
    if n_bytes > max_bytes:
        raise DecodingError(
            f"too much JSON in one document: over {max_bytes // MIB} MiB in memory",
            status_code=TOO_LARGE,
        )


def load_json(data: bytes, **options: Any) -> Any:
    """Parse JSON in UTF-8, of which `estimate_bytes` was checked.

    Raises:
        DecodingError: it is not JSON in UTF-8.
    """
    try:
        return json.loads(str(data, "utf-8"), **options)
    except RecursionError:
        raise DecodingError(TOO_DEEP) from None
    except ValueError:
        raise DecodingError("the JSON is damaged or was cut, or not in UTF-8") from None


def estimate_bytes(data: bytes) -> int:
    """Estimate how many bytes `json.loads` takes for *data*, without parsing it.

    Takes a third of the time that parsing does. The estimate is high for small values.

    Raises:
        DecodingError: *data* is nested too deep.
    """
    depth = is_inside = quotes = 0
    lists = objects = commas = 0
    is_escaped = False
    for start in range(0, len(data), _PIECE):
        piece = data[start + is_escaped : start + _PIECE]
        is_escaped = False
        if b"\\" in piece:
            piece = piece.replace(b"\\\\", b"")
            is_escaped = piece.endswith(b"\\")
            piece = piece.replace(b'\\"', b"")
        parts = piece.split(b'"')
        marks = b"".join(parts[is_inside::2]).translate(None, _OTHERS)
        is_inside ^= (len(parts) - 1) & 1
        quotes += len(parts) - 1
        lists += marks.count(b"[")
        objects += marks.count(b"{")
        commas += marks.count(b",")
        depth = _add_depth(marks.translate(_TO_SQUARE, b","), depth)
    return (
        len(data) * _count_bytes_per_character(data)
        + _OBJECT_BYTES * objects
        + _LIST_BYTES * lists
        + _ITEM_BYTES * commas
        + _TEXT_BYTES * (quotes // 2)
    )


def _add_depth(brackets: bytes, depth: int) -> int:
    """The depth behind *brackets*, all square, if it is *depth* before them.

    Raises:
        DecodingError: it is too large in between.
    """
    opened = brackets.count(b"[")
    if depth + opened > MAX_DEPTH:
        level, open_marks = 0, brackets
        # an upper bound: most text is a few levels deep, and this is far faster
        while level < MAX_DEPTH // 8 and b"[]" in open_marks:
            open_marks = open_marks.replace(b"[]", b"")
            level += 1
        if depth + level + open_marks.count(b"[") > MAX_DEPTH:
            steps = map(_LEVELS.__getitem__, brackets)
            if depth + max(accumulate(steps), default=0) > MAX_DEPTH:
                raise DecodingError(TOO_DEEP)
    return depth + 2 * opened - len(brackets)


def _count_bytes_per_character(data: bytes) -> int:
    """How many bytes of memory one of UTF-8 takes, once as text and once as its values.

    Python stores a text in 1, 2 or 4 bytes per character, as its widest one needs.
    """
    if data.isascii():
        return 2
    return 5 if any(byte in data for byte in _ASTRAL) else 3


def is_too_deep(text: str) -> bool:
    """Report whether JSON *text* is nested too deep to be parsed and walked."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    try:
        estimate_bytes(text.encode("utf-8", "replace"))
    except DecodingError:
        return True
    return False
