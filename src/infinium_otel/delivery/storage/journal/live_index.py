"""Which records of a journal are still needed, and their positions in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Entry(NamedTuple):
    """The position of a live record, when it was written, and the number of its resource."""

    offset: int
    length: int
    at_s: float
    resource: int


class LiveIndex:
    """The records that are not done yet, by span id.

    Attributes:
        bytes: size of these records.
    """

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        for span_id, entries in self._entries.items():
            for entry in entries:
                yield span_id, entry

    def add(self, span_id: str, entry: Entry) -> None:
        """Add a record that was written."""
        self._entries.setdefault(span_id, []).append(entry)
        self.bytes += entry.length

    def remove(self, span_ids: Iterable[str]) -> list[str]:
        """Remove spans that are done; returns those that were live."""
        removed = [span_id for span_id in span_ids if span_id in self._entries]
        for span_id in removed:
            self.bytes -= sum(entry.length for entry in self._entries.pop(span_id))
        return removed

    def select_since(self, oldest_s: float) -> LiveIndex:
        """The records written at *oldest_s* or later."""
        selected = LiveIndex()
        for span_id, entry in self:
            if entry.at_s >= oldest_s:
                selected.add(span_id, entry)
        return selected
