"""Finds the steps of a run that contain a text: in the task or in their whole spans.

Pure: JSON and records in, numbers of steps out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.task_row import as_mapping, as_objects, list_span_ids
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.otlp import Record

MAX_DEPTH = 40
MAX_DECODED = 2_000_000
"""Characters of a JSON text inside an attribute that is decoded to be searched."""
ASCII_WORD = re.compile(r"[0-9a-z]+")
MARKUP = re.compile(r"[*_`~#]")
"""What Markdown adds to a text, which the page does not show."""


@dataclass(frozen=True)
class TextQuery:
    """A text to find, in any case; runs of white space are equal.

    Args:
        text: as typed.
    """

    text: str
    wanted: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", _normalize(self.text))

    @property
    def words(self) -> list[str]:
        """Parts that any serialization of a matching text contains; [] if none is sure."""
        return ASCII_WORD.findall(self.wanted) if self.wanted.isascii() else []

    def matches(self, value: Any) -> bool:
        """Whether a text inside *value*, any JSON value, contains what is sought."""
        return any(self._is_in(text) for text in collect_texts(value))

    def _is_in(self, text: str) -> bool:
        lower = text.casefold()
        # most texts do not even have the first word: the rest is for those that do
        if self._first in lower and self.wanted in _normalize(lower):
            return True
        plain = MARKUP.sub("", lower)
        return self._first in plain and self.wanted in _normalize(plain)

    @property
    def _first(self) -> str:
        return self.wanted.partition(" ")[0]


def _normalize(text: str) -> str:
    return " ".join(text.casefold().split())


def find_steps(
    task: Mapping[str, Any], records: Iterable[Record], query: TextQuery
) -> list[int]:
    """Find the steps whose own texts, or those of their spans, match *query*.

    Args:
        task: the task as received.
        records: the spans and log events that may match, of any steps.

    Returns:
        Their numbers, counted from 1, in the order of the task.
    """
    matching = {
        record.span_id for record in records if query.matches(_get_content(record))
    }
    found = []
    for number, step in enumerate(as_objects(task.get("steps")), 1):
        ids = list_span_ids(as_mapping(step.get("metadata")))
        if not matching.isdisjoint(ids) or query.matches(step):
            found.append(number)
    return found


def _get_content(record: Record) -> list[Any]:
    if isinstance(record, SpanRecord):
        events = [(event.name, event.attributes) for event in record.events]
        links = [link.attributes for link in record.links]
        texts = [record.name, record.span_id, record.status_message]
        return [*texts, record.attributes, record.resource, events, links]
    return [record.name, record.body, record.attributes]


def collect_texts(value: Any, depth: int = MAX_DEPTH) -> Iterator[str]:
    """Every text in *value* with the names beside it, also inside JSON in a text."""
    if isinstance(value, str):
        yield value
        if depth > 0 and value[:1] in ("{", "[") and len(value) <= MAX_DECODED:
            yield from _collect_decoded(value, depth)
    elif isinstance(value, (int, float)):
        yield str(value)
    elif depth > 0 and isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from collect_texts(item, depth - 1)
    elif depth > 0 and isinstance(value, Sequence) and not isinstance(value, bytes):
        for item in value:
            yield from collect_texts(item, depth - 1)


def _collect_decoded(text: str, depth: int) -> Iterator[str]:
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from collect_texts(decoded, depth - 1)
