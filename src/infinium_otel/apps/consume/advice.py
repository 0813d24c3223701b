"""One warning each about what makes a fleet slow or its runs incomplete, with the cure."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.delivery.pace import AdaptivePace
    from infinium_otel.otlp import Record

logger = logging.getLogger(__name__)

MAX_TRACES = 10_000
"""Trace ids remembered with their partition, at most."""
RECORDS_PER_MESSAGE = 20
"""Records of a message whose trace ids are looked at, at most."""
SPLIT_TRACES = 3
"""Traces seen in several partitions before a warning: an id may repeat by mistake."""
NEEDED_MARGIN = 1.1
"""What is needed is estimated: less than a tenth above the rate is no lack."""
HELD_UP_S = 10.0
"""Seconds that reading was paused for the rate limit before a warning."""
WINDOW_S = 1.0
"""Seconds of messages, by their own times, from which the rate needed is known."""


class Advice:
    """Watches how the consumer fares.

    Args:
        pace: how fast tasks may be sent.
    """

    def __init__(self, pace: AdaptivePace) -> None:
        self._pace = pace
        self._partitions: OrderedDict[str, int] = OrderedDict()
        self._split: set[str] = set()
        self._warned: set[str] = set()
        self._first_ms = self._last_ms = 0
        self._finished = 0
        self._paused_s = 0.0

    def look_at_keys(self, partition: int, records: Iterable[Record]) -> None:
        """Warn if the spans of one trace are in several partitions."""
        if "keys" in self._warned:
            return
        for _, record in zip(range(RECORDS_PER_MESSAGE), records, strict=False):
            if isinstance(record, SpanRecord):
                first = self._partitions.setdefault(record.trace_id, partition)
                if first != partition:
                    self._split.add(record.trace_id)
        while len(self._partitions) > MAX_TRACES:
            self._partitions.popitem(last=False)
        if len(self._split) >= SPLIT_TRACES:
            self._warn(
                "keys",
                "%d of %d traces have spans in several partitions: consumers get a part "
                "of each run. Write messages with the trace id as their key (in the "
                "Collector's Kafka exporter: partition_traces_by_id: true)",
                len(self._split),
                len(self._partitions),
            )
            self._partitions.clear()
            self._split.clear()

    def warn_of_gap(self, partition: int, expected: int, low: int) -> None:
        """Report that messages were deleted before they were read."""
        self._warn(
            "retention",
            "Kafka deleted %d messages of partition %d before they were read (from "
            "offset %d on): their runs are lost or incomplete. Raise the topic's "
            "retention.ms, or start more consumers; further losses are not logged",
            low - expected,
            partition,
            expected,
        )

    def wants_gap(self) -> bool:
        """Whether a gap would still be reported."""
        return "retention" not in self._warned

    def note_messages(self, time_ms: int, finished: int) -> None:
        """Note the time of a message that was read, and how many tasks it finished."""
        if time_ms > 0:
            self._first_ms = min(self._first_ms or time_ms, time_ms)
            self._last_ms = max(self._last_ms, time_ms)
        self._finished += finished

    def note_pause(self, seconds: float) -> None:
        """Note that reading was paused for so long, and warn if the rate is the cause."""
        self._paused_s += seconds
        needed, allowed = self._find_needed(), self._pace.rate
        is_limited = self._pace.rate >= self._pace.ceiling or self._pace.limited_429
        is_enough = needed <= allowed * NEEDED_MARGIN
        if self._paused_s < HELD_UP_S or is_enough or not is_limited:
            return
        cure = (
            "raise INFINIUM_OTEL_REQUESTS_PER_SECOND or --rate-of-group"
            if self._pace.rate >= self._pace.ceiling
            else "the service limits it by status 429"
        )
        self._warn(
            "rate",
            "The lag grows: the runs need %.3g requests a second, and %.3g are allowed "
            "(%s)",
            needed,
            allowed,
            cure,
        )

    def _find_needed(self) -> float:
        """Tasks a second at which the messages were written; 0 while unknown."""
        seconds = (self._last_ms - self._first_ms) / 1000
        return self._finished / seconds if seconds >= WINDOW_S else 0.0

    def _warn(self, what: str, message: str, *numbers: object) -> None:
        if what not in self._warned:
            self._warned.add(what)
            logger.warning(message, *numbers)
