"""Which records of a journal are not done, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Entry(NamedTuple):
    """Where a live record stands, since when, and the number of its resource."""

    offset: int
    length: int
    at_s: float
    resource: int


class Live:
    """Live records by the id of their span.

    Attributes:
        bytes: of these records.
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
        """A record was written."""
        self._entries.setdefault(span_id, []).append(entry)
        self.bytes += entry.length

    def end(self, span_ids: Iterable[str]) -> list[str]:
        """These spans are done; returns those that were live."""
        known = [span_id for span_id in span_ids if span_id in self._entries]
        for span_id in known:
            self.bytes -= sum(entry.length for entry in self._entries.pop(span_id))
        return known

    def since(self, oldest_s: float) -> Live:
        """Those that were written since then."""
        fresh = Live()
        for span_id, entry in self:
            if entry.at_s >= oldest_s:
                fresh.add(span_id, entry)
        return fresh
