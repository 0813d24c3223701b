"""The topic of the log records, read beside that of the spans.

A partition of it has the log records of the traces whose spans are in the partition of the
same number. Only the spans' topic is subscribed to: the group assigns its partitions, and
whoever has one reads the logs' partition of that number too, because no assignor keeps two
topics together with every strategy. Both are committed by the group's member.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, cast

from infinium_otel.apps.consume.kafka import KafkaTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from confluent_kafka import Message

logger = logging.getLogger(__name__)

LEAD_MS = 5_000
"""Log records are read up to so long after the next message with spans was written: a
process may export them later than their spans."""
AHEAD_MS, RESUME_MS = 60_000, 30_000
"""Log records are read no further ahead of the spans: they wait in memory."""
STALLED_S = 5.0
"""Seconds without a log record after which spans no longer wait for any."""
BATCH = 200
"""Messages of log records that are read at once, at most."""


class LogsTopic:
    """Reads log records, a little ahead of the spans.

    Args:
        properties: librdkafka's, as for the spans.
        name: of the topic.
        clock: seconds, monotonic.

    Attributes:
        kafka: the connection.
        expected: the offset of the next message, by partition.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kafka = KafkaTopic(properties, name, lambda *_: None)
        self._clock = clock
        self.expected: dict[int, int | None] = {}
        self._times_ms: dict[int, int] = {}
        self._first_ms: dict[int, int] = {}
        self._paused: set[int] = set()
        self._progress_s = clock()
        self._has_compared = False

    @property
    def name(self) -> str:
        """Of the topic."""
        return self.kafka.name

    def assign(self, numbers: Iterable[int]) -> None:
        """Read these partitions: those that were read before, where they stopped."""
        wanted = set(numbers)
        for known in (self.expected, self._times_ms, self._first_ms):
            for gone in known.keys() - wanted:
                del known[gone]
        new = wanted - self.expected.keys()
        committed = self.kafka.find_committed(new) if new else {}
        self.expected |= {each: committed.get(each) for each in new}
        self._paused = set()
        self._progress_s = self._clock()
        self.kafka.assign(self.expected)

    def compare_partitions(self, spans: int) -> None:
        """Warn once if the topic has not as many partitions as that of the spans."""
        logs = 0 if self._has_compared else self.kafka.count_partitions()
        if not logs:  # compared before, or not created yet
            return
        self._has_compared = True
        if logs != spans:
            logger.warning(
                "%s has %d partitions and the topic of the spans %d: most log records "
                "are not in the partition of their spans, and are dropped. Give both as "
                "many, and key both by trace id (in the Collector's Kafka exporter: "
                "partition_logs_by_trace_id: true)",
                self.name,
                logs,
                spans,
            )

    def read(self, timeout_s: float) -> Iterator[Message]:
        """The messages that are at hand, a batch at most; waits for the first."""
        for _ in range(BATCH):
            message = self.kafka.poll(timeout_s)
            timeout_s = 0
            if message is None:
                return
            number = cast("int", message.partition())
            if number in self.expected:
                self.expected[number] = cast("int", message.offset()) + 1
                at_ms = message.timestamp()[1]
                self._times_ms[number] = at_ms
                self._first_ms.setdefault(number, at_ms)
                self._progress_s = self._clock()
                yield message

    def is_behind(self, number: int, at_ms: int) -> bool:
        """Whether log records must be read before spans that were written at *at_ms*."""
        if self._times_ms.get(number, 0) >= at_ms + LEAD_MS or self._is_at_end(number):
            return False
        return self._clock() - self._progress_s < STALLED_S

    def _is_at_end(self, number: int) -> bool:
        if number not in self.expected:
            return True
        end = self.kafka.find_end(number)
        return 0 <= end <= (self.expected[number] or 0)

    def pause_where_ahead(
        self, times_ms: Mapping[int, int], behind: set[int], *, everything: bool
    ) -> None:
        """Pause the partitions that are far ahead of their spans.

        Args:
            times_ms: when the last message with spans was written, by partition.
            behind: partitions of which there are more spans to read.
            everything: pause all of them.
        """
        for number in [*self._times_ms]:
            since_ms = times_ms.get(number, self._first_ms[number])
            ahead_ms = self._times_ms[number] - since_ms
            limit_ms = RESUME_MS if number in self._paused else AHEAD_MS
            if number in behind and ahead_ms > limit_ms:
                self._paused.add(number)
            else:
                self._paused.discard(number)
        self.kafka.pause_only({*self.expected} if everything else {*self._paused})

    def close(self) -> None:
        """Close the connection."""
        self.kafka.close()
