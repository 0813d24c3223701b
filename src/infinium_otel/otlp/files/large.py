"""A JSON document larger than memory: read value by value, yielded in small documents.

Two shapes are split: a list, and an OTLP request, whose spans are yielded in requests of
a few hundred. Their `resource` and `scope` must come before them, as every OTLP writer
does: in the order of the fields.
"""

from __future__ import annotations

import codecs
import json
import re
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError
from infinium_otel.records.bounds import (
    MAX_RECORD_BYTES,
    MIB,
    TOO_DEEP,
    TOO_LARGE,
    check_estimate,
    estimate_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records.bounds import Budget

BATCH = 500
"""Spans, or log records, in one request."""

SIGNALS = {
    "resourceSpans": ("scopeSpans", "spans"),
    "resource_spans": ("scope_spans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
    "resource_logs": ("scope_logs", "log_records"),
}
"""The lists of a request that may be long: resources, their scopes, their items."""

DAMAGED = "the JSON is damaged or was cut"


MAX_VALUE_BYTES = 64 * MIB
"""Characters of one value in a file: a span, or a member of another system's document."""

MAX_MEMBERS = 1_000
"""Members of an object that is split; the specification has three."""

SMALL_BYTES = 1 * MIB
"""Characters that are parsed unchecked: whatever they hold, it is not much."""

BYTES_PER_ITEM = 600
"""What an attribute takes as JSON: two objects, and the texts of its key and value."""

BYTES_PER_TEXT = 150
"""Of a text that counts as an item: about what other items take."""


def iter_request(chunks: Iterable[bytes], budget: Budget) -> Iterator[Any]:
    """Parts of one request, each with the resource and the scope of its items.

    Args:
        chunks: the body, in UTF-8.
        budget: what may still be made of the request.

    Raises:
        DecodingError: the body is not one JSON object, or too large (413); raised when
            that is reached.
    """
    text = _Text(chunks, budget)
    if text.peek() != "{":
        raise DecodingError("invalid OTLP: the body must be a JSON object")
    yield from _split_request(text)
    if text.peek():
        raise DecodingError(DAMAGED)


def iter_documents(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Documents, one after the other; a large one as several with the same content.

    Raises:
        DecodingError: the JSON is damaged or was cut; raised when that is reached.
    """
    text = _Text(chunks)
    while text.peek():
        if text.peek() == "[":
            for _ in text.items():
                yield text.value()
        elif text.peek() == "{":
            yield from _split_request(text)
        else:
            yield text.value()


def _split_request(text: _Text) -> Iterator[dict[str, Any]]:
    other = {}
    is_request = False
    for signal in text.members():
        if signal in SIGNALS and text.peek() == "[":
            is_request = True
            for _ in text.items():
                for resource in _split_resource(text, *SIGNALS[signal]):
                    yield {signal: [resource]}
        else:
            other[signal] = text.value()
    if other and not is_request:
        yield other


def _split_resource(text: _Text, scopes: str, items: str) -> Iterator[Any]:
    if text.peek() != "{":
        yield text.value()
        return
    other: dict[str, Any] = {}
    for name in text.members():
        if name == scopes and text.peek() == "[":
            for _ in text.items():
                for scope in _split_scope(text, items):
                    yield {**other, scopes: [scope]}
        else:
            other[name] = text.value()


def _split_scope(text: _Text, items: str) -> Iterator[Any]:
    if text.peek() != "{":
        yield text.value()
        return
    other: dict[str, Any] = {}
    for name in text.members():
        if name == items and text.peek() == "[":
            for batch in _iter_batches(text):
                yield {**other, items: batch}
        else:
            other[name] = text.value()


def _iter_batches(text: _Text) -> Iterator[list[Any]]:
    batch = []
    for _ in text.items():
        batch.append(text.value())
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


_spaces = re.compile(r"[ \t\n\r]+")


def _skip_spaces(text: str, at: int) -> int:
    found = _spaces.match(text, at)
    return found.end() if found else at


class _Text:
    """JSON text that is read as needed.

    Args:
        chunks: of the text, in UTF-8.
        budget: of one request; None for a file of any length, where characters that
            are not UTF-8 are replaced.
    """

    def __init__(self, chunks: Iterable[bytes], budget: Budget | None = None) -> None:
        decoder = codecs.getincrementaldecoder("utf-8-sig")(
            "strict" if budget else "replace"
        )
        self._pieces = (_decode_piece(decoder, chunk) for chunk in chunks)
        self._budget = budget
        self._max_bytes = MAX_RECORD_BYTES if budget else MAX_VALUE_BYTES
        self._max_tree_bytes = 4 * self._max_bytes
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            self._at = _skip_spaces(self._text, self._at)
            if self._at < len(self._text) or not self._read_more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except RecursionError:
                raise DecodingError(TOO_DEEP) from None
            except ValueError:
                if not self._read_more_of_value():
                    raise DecodingError(DAMAGED) from None
            else:
                # a value at the end may be incomplete: a number may have more digits
                if end < len(self._text) or not self._read_more_of_value():
                    self._count_value(end)
                    self._at = end
                    return value

    def _read_more_of_value(self) -> bool:
        """Read more, as the next value is longer than the text; check it before."""
        if len(self._text) - self._at > self._max_bytes:
            raise DecodingError(
                f"a value in the JSON is longer than {self._max_bytes // MIB} MiB",
                status_code=TOO_LARGE,
            )
        has_more = self._read_more()
        if has_more and len(self._text) > SMALL_BYTES:
            estimate = estimate_bytes(self._encode(len(self._text)))
            check_estimate(estimate, self._max_tree_bytes)
        return has_more

    def _count_value(self, end: int) -> None:
        """Check how deep a small value is, and count what it holds."""
        estimate = estimate_bytes(self._encode(end))
        if self._budget is not None:
            size = getsizeof(self._text[self._at : end])
            self._budget.spend(estimate // BYTES_PER_ITEM + size // BYTES_PER_TEXT)

    def _encode(self, end: int) -> bytes:
        return self._text[self._at : end].encode("utf-8", "replace")

    def members(self) -> Iterator[str]:
        """The names of an object; the caller reads the value after each."""
        for count, _ in enumerate(self._iter_between("{", "}")):
            if count == MAX_MEMBERS:
                raise DecodingError("an object in the JSON has too many members")
            name = self.value()
            self._skip(":")
            yield str(name)

    def items(self) -> Iterator[None]:
        """Yield once for each item of a list; the caller reads it."""
        yield from self._iter_between("[", "]")

    def _iter_between(self, start: str, end: str) -> Iterator[None]:
        self._skip(start)
        if self.peek() != end:
            self._spend()
            yield
            while self.peek() == ",":
                self._skip(",")
                self._spend()
                yield
        self._skip(end)

    def _spend(self) -> None:
        if self._budget is not None:
            self._budget.spend(1)

    def _skip(self, character: str) -> None:
        if self.peek() != character:
            raise DecodingError(DAMAGED)
        self._at += 1

    def _read_more(self) -> bool:
        """Double the text in memory, so that a long value is not parsed too often."""
        pieces = [self._text[self._at :]]
        wanted = max(1, len(pieces[0]))
        before = wanted
        for piece in self._pieces:
            pieces.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._text, self._at = "".join(pieces), 0
        return wanted < before


def _decode_piece(decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
    try:
        return decoder.decode(chunk)
    except UnicodeDecodeError:
        raise DecodingError("the JSON is not in UTF-8") from None
