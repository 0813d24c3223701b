"""The offsets of one partition of a topic: read, needed, and committed."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

MARK_S = 0.1
MARK_MESSAGES = 8
"""Seconds, and messages, between two marks, so that there are few of them."""


class Offsets:
    """Which message of a partition is the first that is still needed.

    Attributes:
        end: the offset after the last message read; None before the first.
        held_from: nothing from here on may be committed: the messages could not be read,
            and perhaps none can. None otherwise.
        committed: the offset committed last; None if none was, or that failed.
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._first: int | None = None  # where we began: nothing to commit
        self.end: int | None = None
        self.held_from: int | None = None
        self.committed: int | None = None

    def read(self, offset: int, now_s: float) -> None:
        """Note that the message at *offset* is being read; offsets only grow."""
        if self._first is None:
            self._first = offset
        if self._is_mark_due(offset, now_s):
            self._marks.append((now_s, offset))
        self.end = offset + 1

    def _is_mark_due(self, offset: int, now_s: float) -> bool:
        if not self._marks:
            return True
        last_s, last = self._marks[-1]
        return now_s - last_s >= MARK_S or offset - last >= MARK_MESSAGES

    def find_offset(self, at_s: float) -> int:
        """No message before this one was read at *at_s* or later."""
        at = bisect_right(self._marks, (at_s, float("inf")))
        if at:
            return self._marks[at - 1][1]
        return self.end or 0

    def find_needed(self, since_s: float | None) -> int | None:
        """The first message that may be needed; marks before it are forgotten.

        Args:
            since_s: when the first span that is still needed was read; None if none is.

        Returns:
            None if no message was read yet.
        """
        if since_s is None:
            self._marks.clear()
            return self._hold(self.end)
        while len(self._marks) > 1 and self._marks[1][0] < since_s:
            self._marks.popleft()
        return self._hold(self._marks[0][1] if self._marks else self.end)

    def _hold(self, offset: int | None) -> int | None:
        if offset is None or self.held_from is None:
            return offset
        return min(offset, self.held_from)

    def advance(self, since_s: float | None) -> int | None:
        """The offset to commit now; None if there is none, or it is committed.

        Args:
            since_s: as for `find_needed`.
        """
        needed = self.find_needed(since_s)
        if needed is None or needed in (self._first, self.committed):
            return None
        self.committed = needed
        return needed
