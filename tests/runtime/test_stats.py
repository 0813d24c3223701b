"""The counters of all stages, combined; reading them has no effect."""

from __future__ import annotations

import threading
from collections import Counter

from infinium_otel.config import Config
from infinium_otel.delivery.counters import CounterSnapshot, Counts
from infinium_otel.pipeline import Pipeline
from infinium_otel.runtime import PipelineRunner
from infinium_otel.runtime.inbox import UNREAD_BYTES
from infinium_otel.runtime.stats import gather
from support.records import agent
from support.sending import MemoryJournal, MemorySender
from support.spans import agent_run, log, span

WAIT_S = 60.0


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def start_runner(*, journal=None, **settings):
    """A runner whose worker thread never runs, so that its inbox stays as it is."""
    clock, sender = Clock(), MemorySender()
    sender.queued_bytes = 0
    runner = PipelineRunner(Config(**settings), sender, journal=journal, clock=clock)
    runner.worker.wake = lambda: True
    return runner, clock


def test_reading_maps_nothing():
    """A complete run in the inbox is counted as open: no hook runs, no task is made."""
    calls = []
    runner, _ = start_runner(should_send=lambda task: calls.append(task) or True)
    for record in agent_run(1):
        runner.on_end(record)
    for _ in range(2):
        stats, load = runner.stats(), runner.load()
        assert (stats.received, stats.open, stats.tasks_received) == (3, 3, 0)
        assert (load.spans_open, load.tasks_open) == (3, 1)
        assert load.bytes_open == 3 * UNREAD_BYTES
    assert calls == []
    assert runner._feeder._pipeline is None
    assert runner.flush(WAIT_S)
    assert len(calls) == 1
    stats, load = runner.stats(), runner.load()
    assert (stats.received, stats.delivered, stats.tasks_delivered) == (3, 3, 1)
    assert (load.spans_open, load.bytes_open) == (0, 0)
    runner.shutdown(WAIT_S)


def test_reading_does_not_wait_for_a_hook():
    """A hook that would block is not called by a thread that reads the stats."""
    release = threading.Event()
    runner, _ = start_runner(should_send=lambda _: release.wait(WAIT_S))
    for record in agent_run(1):
        runner.on_end(record)
    reader = threading.Thread(target=runner.stats)
    reader.start()
    reader.join(WAIT_S / 2)
    assert not reader.is_alive()
    release.set()
    runner.shutdown(WAIT_S)


def test_dropped_logs_are_counted():
    """Log events whose span never ends are dropped, and counted."""
    runner, clock = start_runner()
    runner.accept([log("gen_ai.choice", "never ends")], 1.0)
    assert runner.stats().logs_dropped == 0
    clock.now_s = 10 * 3600.0
    runner.accept([span("a")], 1.0)
    runner._run_once()
    assert runner.stats().logs_dropped == 1
    runner.shutdown(WAIT_S)


def test_withheld_texts_are_counted():
    """Texts that are not searched for credentials are not sent, and are counted."""
    pipeline = Pipeline(Config())
    dense = "password=hunter2x token: a8f7Gh2kLm " * 1_000
    pipeline._search_budget.left = 0
    pipeline.feed([agent(attributes={"input.value": dense})], 0.0)
    assert gather([pipeline], Counter(), CounterSnapshot()).texts_withheld > 0


def test_problems_of_the_journal_are_counted():
    """Spans that could not be journalled are counted by reason."""
    journal = MemoryJournal()
    runner, _ = start_runner(journal=journal)
    assert runner.stats().journal_problems == {}
    journal.problems["journal full"] += 2
    assert runner.stats().journal_problems == {"journal full": 2}
    runner.shutdown(WAIT_S)


def test_shrunk_tasks_are_counted():
    """Tasks whose content was cut to fit are counted; they are in no other field."""
    counts = Counts(submitted=1, delivered=1)
    stats = gather([], Counter(), CounterSnapshot(counts, counts, shrunk=1))
    assert (stats.tasks_shrunk, stats.tasks_delivered, stats.delivered) == (1, 1, 1)
    assert stats.reasons == {}
