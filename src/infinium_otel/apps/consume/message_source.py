"""Messages of both topics in the order in which they are to be read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from confluent_kafka import Message

    from infinium_otel.apps.consume.kafka import KafkaTopic
    from infinium_otel.apps.consume.logs_topic import LogsTopic

MAX_HELD = 500
"""Messages with spans that wait for log records, at most, before reading pauses."""

WAIT_S = 0.05
"""Seconds to wait for log records while spans wait for them."""


class MessageSource:
    """Reads spans, and before them the log records that were written about then.

    Args:
        spans: the topic that the group assigns.
        logs: the topic of the log records; None for none.

    Attributes:
        is_full: whether no more spans should be read before log records are.
    """

    def __init__(self, spans: KafkaTopic, logs: LogsTopic | None) -> None:
        self._spans = spans
        self._logs = logs
        self._held: deque[Message] = deque()
        self._has_logs = False
        self.is_full = False

    def poll(self, timeout_s: float) -> Iterator[Message]:
        """The messages that may be read now; waits for one, at most *timeout_s*.

        Raises:
            InfiniumError: Kafka reports a fatal error.
        """
        waits = not (self._held or self._has_logs)
        message = self._spans.poll(timeout_s if waits else 0)
        if self._logs is None:
            if message is not None:
                yield message
            return
        if message is not None:
            self._held.append(message)
        self._has_logs = False
        for each in self._logs.read(WAIT_S if self._is_next_behind() else 0):
            self._has_logs = True
            yield each
        while self._held and not self._is_next_behind():
            yield self._held.popleft()
        limit = MAX_HELD // 2 if self.is_full else MAX_HELD
        self.is_full = len(self._held) >= limit

    def _is_next_behind(self) -> bool:
        if not self._held or self._logs is None:
            return False
        message = self._held[0]
        number = cast("int", message.partition())
        return self._logs.is_behind(number, message.timestamp()[1])

    def forget(self, numbers: Container[int]) -> None:
        """Drop what waits of partitions that another consumer reads again."""
        self._held = deque(
            each for each in self._held if each.partition() not in numbers
        )

    def pause_logs(
        self,
        expected: Mapping[int, int],
        times_ms: Mapping[int, int],
        *,
        everything: bool,
    ) -> None:
        """Pause log records that are far ahead of their spans, or all of them.

        Args:
            expected: the offset of the next message with spans, by partition.
            times_ms: when the last one was written, by partition.
            everything: pause all of them.
        """
        if self._logs is None:
            return
        behind = set()
        for number in self._logs.expected:
            end = self._spans.find_end(number)
            if not 0 <= end <= expected.get(number, 0):
                behind.add(number)
        self._logs.pause_where_ahead(times_ms, behind, everything=everything)
