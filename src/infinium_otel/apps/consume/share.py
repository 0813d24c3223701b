"""One partition: the runs in it, and up to where nobody needs it any more."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from infinium_otel.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.config import Config
    from infinium_otel.dialects import Dialect
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import Finished

MARK_S = 0.1
"""Seconds between two offsets that are remembered, so that they stay few."""


class Share:
    """A partition, in a pipeline of its own: when it goes to another, so does that.

    Args:
        config: the settings.
        readers: dialects of third parties.
    """

    def __init__(self, config: Config, readers: Sequence[Dialect] = ()) -> None:
        self.pipeline = Pipeline(config, readers)
        self._marks: deque[tuple[float, int]] = deque()
        self._end: int | None = None

    def feed(
        self, offset: int, records: Sequence[Record], now_s: float
    ) -> list[Finished]:
        """The records of the message at *offset*; offsets and time only grow."""
        if not self._marks or now_s - self._marks[-1][0] >= MARK_S:
            self._marks.append((now_s, offset))
        self._end = offset + 1
        return self.pipeline.feed(records, now_s)

    def floor(self) -> int | None:
        """An offset below which no message holds a span that still waits for others.

        Returns:
            None if no message came yet.
        """
        since_s = self.pipeline.open_since
        if since_s is None:
            self._marks.clear()
            return self._end
        while len(self._marks) > 1 and self._marks[1][0] <= since_s:
            self._marks.popleft()
        return self._marks[0][1]
