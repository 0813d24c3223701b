"""The partitions that are assigned to this consumer, under one bound."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.apps.consume.buffered_sender import BufferedSender, TaskId
    from infinium_otel.apps.consume.partition_state import PartitionState
    from infinium_otel.config import Config
    from infinium_otel.otlp import Record

logger = logging.getLogger(__name__)

MIB = 1024 * 1024

LOG_SHARE = 4
"""Log events that wait may use one part in this many of the bound, as in one process."""

BATCH = 50
"""Due runs that are mapped at once, so that the buffer stays short."""


class Assignment:
    """The open runs of all partitions, in one order: the one quiet longest goes first.

    Args:
        config: its bounds on open traces are those of all partitions together.
        sender: holds the finished tasks, whose bytes count toward the bound too.
        make_state: makes the state of the partition with a number.

    Attributes:
        states: by the number of the partition.
        evicted: runs that were sent early because the bound was reached.
    """

    def __init__(
        self,
        config: Config,
        sender: BufferedSender,
        make_state: Callable[[int], PartitionState],
    ) -> None:
        self._config = config
        self._sender = sender
        self._make_state = make_state
        self.states: dict[int, PartitionState] = {}
        self._bytes = 0
        self._traces = 0
        self._log_bytes = 0
        self.evicted = 0

    @property
    def open_bytes(self) -> int:
        """About how many bytes all open runs hold."""
        return self._bytes

    @property
    def open_traces(self) -> int:
        """Runs that are open."""
        return self._traces

    @property
    def open_since(self) -> float | None:
        """When the oldest open run began to wait; None if none is open."""
        times = [state.pipeline.open_since for state in self.states.values()]
        return min((each for each in times if each is not None), default=None)

    def add(self, numbers: Iterable[int]) -> None:
        """Begin with partitions that were just assigned."""
        for number in numbers:
            self.drop(number)
            self.states[number] = self._make_state(number)

    def drop(self, number: int) -> PartitionState | None:
        """Forget a partition: its next consumer reads its open runs again."""
        state = self.states.pop(number, None)
        if state is not None:
            self._bytes -= state.counted[0]
            self._traces -= state.counted[1]
            self._log_bytes -= state.counted[2]
        return state

    def feed(
        self, number: int, offset: int, records: Sequence[Record], topic: str
    ) -> int:
        """Feed the records of a message; returns how many tasks that finished."""
        state = self.states[number]
        finished = state.feed(offset, records, topic)
        self._count(state)
        return finished + self._keep_bounds()

    def submit_due(self) -> int:
        """Submit tasks that are due, a batch of each partition; returns how many."""
        finished = 0
        for state in self.states.values():
            finished += state.submit_due(BATCH)
            self._count(state)
        return finished

    def find_commits(self, undecided: set[TaskId]) -> Iterable[tuple[str, int, int]]:
        """The topic, partition and offset of each commit that is due."""
        for number, state in self.states.items():
            for topic, offset in state.find_commits(undecided).items():
                yield topic, number, offset

    def _count(self, state: PartitionState) -> None:
        held, traces, log_bytes = state.load
        self._bytes += held - state.counted[0]
        self._traces += traces - state.counted[1]
        self._log_bytes += log_bytes - state.counted[2]
        state.counted = (held, traces, log_bytes)

    def _keep_bounds(self) -> int:
        """Submit the runs quiet longest, until the rest is within the bounds."""
        finished = 0
        while self._log_bytes > self._config.max_open_bytes // LOG_SHARE:
            state = max(self.states.values(), key=lambda each: each.counted[2])
            state.pipeline.logs.drop_oldest()
            self._count(state)
        while self._is_over() and self._traces:
            state = min(
                (each for each in self.states.values() if each.counted[1]),
                key=lambda each: each.pipeline.oldest_seen_s or 0.0,
            )
            if not self.evicted:
                self._warn()
            self.evicted += 1
            finished += state.evict_oldest()
            self._count(state)
        return finished

    def _is_over(self) -> bool:
        config = self._config
        # A full queue leaves half: sending runs early does not empty it.
        queued = min(self._sender.queued_bytes_in_memory, config.max_open_bytes // 2)
        return (
            self._bytes > config.max_open_bytes - queued - self._log_bytes
            or self._traces > config.max_open_traces
        )

    def _warn(self) -> None:
        logger.warning(
            "%d runs are open and use about %d MiB, the most that is allowed: those "
            "quiet longest are sent early, as incomplete. Raise "
            "INFINIUM_OTEL_MAX_OPEN_BYTES (now %d MiB), or start more consumers",
            self._traces,
            self._bytes // MIB,
            self._config.max_open_bytes // MIB,
        )
