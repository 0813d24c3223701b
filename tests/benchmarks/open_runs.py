"""What open runs cost a consumer: 10 to 100,000 of them, in one partition.

A run is opened by one span and stays open. Measured are the CPU of a further span for runs
that are open, that of looking for runs that are due and of finding the offset to commit,
which happens ten times and once a second, and the memory that the process has gained.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from measuring import Measured, interleave
from memory import resident_mib
from program import program
from spans_by_length import make_spans
from stages import make_config

from infinium_otel.apps.consume.buffered_sender import BufferedSender
from infinium_otel.apps.consume.partition_state import PartitionState
from infinium_otel.delivery.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.records import SpanRecord

OPEN = (10, 100, 1_000, 10_000, 100_000)
FURTHER = 1_000
"""How many further spans a round measures, at most."""


class Partition:
    """A partition whose runs stay open."""

    def __init__(self) -> None:
        settings = make_config("http://127.0.0.1:1")  # nothing is sent
        sender = BufferedSender({"": Sender(settings)})
        self._state = PartitionState(settings, sender, clock=lambda: 0.0)
        self._offsets = itertools.count()
        self.size = 0

    def grow(self, size: int) -> None:
        """Open runs until there are *size*."""
        while self.size < size:
            first, *_ = make_spans(self.size, 2)
            self._feed(first)
            self.size += 1

    def _feed(self, span: SpanRecord) -> None:
        self._state.feed(next(self._offsets), [span])

    def feed_further(self, rounds: itertools.count[int]) -> float:
        """CPU µs of a further span, each for another run."""
        runs = min(self.size, FURTHER)
        # A span that no earlier round had: its number in the run grows.
        length = 3 + next(rounds)
        spans = [list(make_spans(run, length))[-2] for run in range(runs)]
        began = time.thread_time()
        for span in spans:
            self._feed(span)
        return (time.thread_time() - began) / runs * 1e6

    def look(self) -> float:
        """CPU µs of looking for runs that are due."""
        return self._time(self._state.submit_due)

    def commit(self) -> float:
        """CPU µs of finding the offset to commit."""
        return self._time(partial(self._state.find_commits, set()))

    @staticmethod
    def _time(work: Callable[[], object]) -> float:
        began = time.thread_time()
        for _ in range(10):
            work()
        return (time.thread_time() - began) / 10 * 1e6


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU; MiB for memory")
    logging.disable()
    partition, numbers = Partition(), itertools.count()
    before_mib = resident_mib()
    for size in OPEN:
        partition.grow(size)
        works = {
            f"a further span, {size:,} open": partial(partition.feed_further, numbers),
            f"looking for due runs, {size:,} open": partition.look,
            f"finding the offset, {size:,} open": partition.commit,
            f"MiB, {size:,} open": lambda: resident_mib() - before_mib,
        }
        found.add(interleave(works, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("open_runs", measure, rounds=5))
