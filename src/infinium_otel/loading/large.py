"""A JSON document larger than memory: read value by value, given away in small ones.

Two shapes are taken apart: a list, and an OTLP request, whose spans are given away in
requests of a few hundred. What stands around them (`resource`, `scope`) has to stand
before them, where every writer of OTLP puts it: in the order of the fields.
"""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH = 500
"""Spans, or log records, in one request."""

SIGNALS = {
    "resourceSpans": ("scopeSpans", "spans"),
    "resource_spans": ("scope_spans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
    "resource_logs": ("scope_logs", "log_records"),
}
"""What of a request may be long: resources, in them scopes, in them items."""


def documents_of(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Documents, one after the other; large ones in several that hold the same.

    Raises:
        DecodingError: the JSON is damaged or was cut; raised when that is reached.
    """
    text = _Text(chunks)
    while text.peek():
        if text.peek() == "[":
            for _ in text.items():
                yield text.value()
        elif text.peek() == "{":
            yield from _request(text)
        else:
            yield text.value()


def _request(text: _Text) -> Iterator[dict[str, Any]]:
    other = {}
    for signal in text.members():
        if signal in SIGNALS and text.peek() == "[":
            for _ in text.items():
                for resource in _resource(text, *SIGNALS[signal]):
                    yield {signal: [resource]}
        else:
            other[signal] = text.value()
    if other:
        yield other


def _resource(text: _Text, scopes: str, items: str) -> Iterator[Any]:
    if text.peek() != "{":
        yield text.value()
        return
    around: dict[str, Any] = {}
    for name in text.members():
        if name == scopes and text.peek() == "[":
            for _ in text.items():
                for scope in _scope(text, items):
                    yield {**around, scopes: [scope]}
        else:
            around[name] = text.value()


def _scope(text: _Text, items: str) -> Iterator[Any]:
    if text.peek() != "{":
        yield text.value()
        return
    around: dict[str, Any] = {}
    for name in text.members():
        if name == items and text.peek() == "[":
            for batch in _batches(text):
                yield {**around, items: batch}
        else:
            around[name] = text.value()


def _batches(text: _Text) -> Iterator[list[Any]]:
    batch = []
    for _ in text.items():
        batch.append(text.value())
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Text:
    """JSON text that is read as far as it is needed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._pieces = (decoder.decode(chunk) for chunk in chunks)
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._text[self._at : self._at + 1].isspace():
                self._at += 1
            if self._at < len(self._text) or not self._read_on():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except RecursionError:
                raise DecodingError("the JSON is nested too deep") from None
            except ValueError:
                if self._read_on():
                    continue
                raise DecodingError("the JSON is damaged or was cut") from None
            # what ends with the text may go on: a number may have more digits
            if end < len(self._text) or not self._read_on():
                self._at = end
                return value

    def members(self) -> Iterator[str]:
        """The names of an object; whoever asks takes the value after each."""
        for _ in self._between("{", "}"):
            name = self.value()
            self._take(":")
            yield str(name)

    def items(self) -> Iterator[None]:
        """Once for each item of a list; whoever asks takes it."""
        yield from self._between("[", "]")

    def _between(self, start: str, end: str) -> Iterator[None]:
        self._take(start)
        if self.peek() != end:
            yield
            while self.peek() == ",":
                self._take(",")
                yield
        self._take(end)

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise DecodingError("the JSON is damaged or was cut")
        self._at += 1

    def _read_on(self) -> bool:
        """Read as much again as is held, so that a long value is not tried often."""
        held = [self._text[self._at :]]
        wanted = max(1, len(held[0]))
        before = wanted
        for piece in self._pieces:
            held.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._text, self._at = "".join(held), 0
        return wanted < before
