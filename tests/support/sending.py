"""A sender in memory, to test what is before it: it delivers on request."""

from __future__ import annotations

import threading
from collections import Counter

from infinium_otel.delivery.counters import CounterSnapshot, Counts


class MemorySender:
    """Keeps what is submitted; `attempt` and `flush` deliver it while it is `up`."""

    def __init__(self, *, up=True, durable=False):
        self.up = up
        self.durable = durable
        self.queued = []
        self.delivered = []
        self.lost = []
        self.room = 10**9
        self.woken = 0
        self.closed = False
        self.arrived = threading.Event()
        self._lock = threading.Lock()

    @property
    def counts(self):
        with self._lock:
            return CounterSnapshot(
                self._tally(lambda _: 1), self._tally(lambda t: t.spans)
            )

    @property
    def is_held(self):
        return False

    @property
    def losses(self):
        return len(self.lost)

    def _tally(self, size):
        lost = sum(map(size, self.lost))
        return Counts(
            sum(map(size, self.queued + self.delivered)) + lost,
            sum(map(size, self.delivered)),
            sum(map(size, self.queued)),
            {},
            {"queue_full": lost} if lost else {},
        )

    def submit(self, finished):
        with self._lock:
            if len(self.queued) >= self.room or self.closed:
                self.lost.append(finished)
                return False
            self.queued.append(finished)
        return True

    def attempt(self, deadline_s):
        self._deliver()

    def wake(self):
        self.woken += 1
        self._deliver()

    def flush(self, deadline_s):
        self._deliver()
        return self.durable or not self.queued

    def sync(self):
        return None

    def shutdown(self, deadline_s):
        safe = self.flush(deadline_s)
        self.closed = True
        return safe

    def after_fork_in_child(self):
        self.queued, self.delivered, self.lost = [], [], []

    def _deliver(self):
        with self._lock:
            if self.up:
                self.delivered += self.queued
                self.queued = []
        if self.delivered:
            self.arrived.set()

    @property
    def spans(self):
        return [s for task in self.delivered for s in task.span_ids]


class MemoryJournal:
    """Remembers what is appended until it is done."""

    def __init__(self, left=()):
        self.left = list(left)
        self.live = {}
        self.closed = False
        self.has_recovered = False
        self.problems = Counter()
        self.holds_all = True
        self.is_held = False

    def append(self, record):
        self.live[record.span_id] = record
        return True

    def hand_over(self, span_ids):
        pass

    def mark_done(self, span_ids):
        for span_id in span_ids:
            self.live.pop(span_id, None)

    def sync(self):
        return None

    def recover(self):
        return self.left

    def remove_recovered(self):
        self.has_recovered = True

    def close(self):
        self.closed = True

    def after_fork_in_child(self):
        self.live = {}
