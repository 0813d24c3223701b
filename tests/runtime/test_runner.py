"""A pipeline driven from many threads, and where its spans are at any time."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel.config import Config
from infinium_otel.exporter import InfiniumSpanProcessor
from infinium_otel.runtime import PipelineRunner
from infinium_otel.runtime import runner as module
from support.sending import MemoryJournal, MemorySender
from support.spans import agent_run, log, sid, span, tid

WAIT_S = 60.0


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def make():
    """Creates runners with senders in memory, and shuts them down."""
    made = []

    def runner(*, up=True, journal=None, clock=None, durable=None, **settings):
        durable = journal is not None if durable is None else durable
        sender = MemorySender(up=up, durable=durable)
        more = {"clock": clock} if clock else {}
        made.append(PipelineRunner(Config(**settings), sender, journal=journal, **more))
        return made[-1], sender

    yield runner
    for one in made:
        one.shutdown(1.0)
        assert is_conserved(one.stats())


def process(runner):
    """Process the inbox now, as the worker does; returns the stats afterwards."""
    with runner._lock:
        runner._feeder.drain(runner.inbox)
    return runner.stats()


def is_conserved(stats):
    spans = stats.delivered + stats.queued + stats.open + stats.filtered + stats.refused
    tasks = (
        stats.tasks_delivered
        + stats.tasks_queued
        + stats.tasks_open
        + stats.tasks_filtered
        + stats.tasks_refused
    )
    return stats.received == spans and stats.tasks_received == tasks


def start(name, parent=None, trace=1, *, sampled=True, remote=False):
    """A span that has started, in the SDK's shape."""
    return SimpleNamespace(
        context=SimpleNamespace(
            trace_id=trace,
            span_id=int(sid(name), 16),
            trace_flags=SimpleNamespace(sampled=sampled),
        ),
        parent=parent
        and SimpleNamespace(span_id=int(sid(parent), 16), is_remote=remote),
    )


class TestExporting:
    """Exporters pass a batch, and one attempt is made at once."""

    def test_delivers_what_a_batch_completes(self, make):
        """The first attempt at delivery is made before `accept` returns."""
        runner, sender = make()
        before = set(threading.enumerate())
        assert runner.accept(agent_run(1), 5.0)
        assert len(sender.delivered) == 1
        stats = runner.stats()
        assert (stats.received, stats.delivered, stats.tasks_delivered) == (3, 3, 1)
        assert set(threading.enumerate()) <= before

    def test_waits_for_the_root(self, make):
        """An incomplete trace stays open, and a thread takes care of it."""
        runner, sender = make()
        assert runner.accept(agent_run(1)[:2], 5.0)
        assert (runner.stats().open, runner.stats().tasks_open) == (2, 1)
        assert runner.accept(agent_run(1)[2:], 5.0)
        assert len(sender.delivered) == 1

    def test_keeps_what_cannot_be_delivered_now(self, make):
        """If the endpoint is down nothing is lost: the task stays queued."""
        runner, sender = make(up=False)
        assert runner.accept(agent_run(1), 5.0)
        assert (runner.stats().queued, runner.stats().tasks_queued) == (3, 1)
        sender.up = True
        assert runner.flush(60)
        assert runner.stats().delivered == 3

    def test_is_false_only_after_a_loss(self, make):
        """False is returned only if something was lost."""
        runner, sender = make(up=False)
        sender.room = 1
        assert runner.accept(agent_run(1), 5.0)
        assert not runner.accept(agent_run(2), 5.0)
        stats = runner.stats()
        assert (stats.queued, stats.refused) == (3, 3)
        assert stats.undelivered == {"queue_full": 3}

    def test_slow_hooks_are_logged_once(self, make, caplog):
        """Hooks that delay delivery are logged once, until they are fast again."""
        clock, takes = Clock(), [10.0, 10.0, 0.0, 10.0]

        def hook(_):
            clock.now_s += takes.pop(0)
            return True

        runner, sender = make(clock=clock, should_send=hook)
        warnings = []
        for number in range(1, 5):
            assert runner.accept(agent_run(number), 60.0)
            assert runner.flush(60.0)
            warnings.append(caplog.text.count("delay delivery: "))
        assert warnings == [1, 1, 1, 2]
        assert len(sender.delivered) == 4

    def test_survives_garbage(self, make):
        """Objects that are not spans are counted; the rest is delivered."""
        runner, sender = make()
        batch = [None, 7, *agent_run(1), SimpleNamespace(log_record=None)]
        assert runner.accept(batch, 5.0)
        assert len(sender.delivered) == 1
        assert runner.stats().reasons == {"unreadable": 2}

    def test_counts_what_becomes_no_task(self, make):
        """Traces without model, tool or agent are filtered, and counted."""
        runner, _ = make()
        runner.accept([span("health")], 5.0)
        stats = runner.stats()
        assert (stats.filtered, stats.tasks_filtered) == (1, 1)

    def test_late_spans_are_sent_by_the_worker(self, make):
        """A span that arrives after its task is sent without another call."""
        runner, sender = make()
        late = [*agent_run(1)]
        runner.accept(late[1:], 5.0)
        sender.arrived.clear()
        runner.accept(late[:1], 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert [task.key[-2:] for task in sender.delivered[1:]] == ["-1"]

    def test_waits_for_logs_that_come_in_batches(self, make):
        """With a log exporter, a complete trace waits for log events."""
        clock = Clock()
        runner, sender = make(clock=clock)
        runner.wait_for_logs(6.0)
        runner.accept([*agent_run(1), log("gen_ai.choice", "r1", tid(1))], 5.0)
        assert sender.delivered == []
        clock.now_s = 6.0
        runner.worker.wake()
        assert sender.arrived.wait(WAIT_S)


class TestProcessing:
    """Processors only append; one thread does the rest."""

    def processor(self, runner):
        processor = object.__new__(InfiniumSpanProcessor)
        processor._runner = runner
        processor._append, processor._worker = runner.inbox.append, runner.worker
        processor._has_spool = processor._is_short_lived = False
        processor.is_shut_down = True
        return processor

    def test_a_trace_is_sent_when_its_last_span_ends(self, make):
        """A complete run is delivered without a flush."""
        runner, sender = make()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self.processor(runner))
        tracer = provider.get_tracer("t")
        with (
            tracer.start_as_current_span(
                "run", attributes={"gen_ai.operation.name": "invoke_agent"}
            ),
            tracer.start_as_current_span("child"),
        ):
            pass
        assert sender.arrived.wait(WAIT_S)
        assert sender.delivered[0].spans == 2
        assert sender.woken

    def test_a_child_that_outlives_its_root_is_waited_for(self, make):
        """The trace is sent once, with the child that ended after its root."""
        runner, sender = make()
        for name, parent in (("r1", None), ("c1.0", "r1"), ("c1.1", "r1")):
            runner.inbox.append((start(name, parent),))
        child, other, root = agent_run(1)
        runner.on_end(root)
        runner.on_end(child)
        assert runner.stats().open == 2
        runner.on_end(other)
        assert sender.arrived.wait(WAIT_S)
        assert sender.delivered[0].spans == 3

    def test_unsampled_spans_are_ignored(self, make):
        """Head sampling is respected: unsampled spans are not counted."""
        runner, _ = make()
        runner.inbox.append((start("a", sampled=False),))
        runner.on_end(start("a", sampled=False))
        assert runner.stats().received == 0
        stats = process(runner)
        assert (stats.received, stats.tasks_open) == (0, 0)

    def test_roots_one_after_the_other_in_one_batch(self, make):
        """A root that starts after another of its trace ended does not delay it."""
        runner, sender = make(include="all")
        runner.inbox.append((start("a", trace=10),))
        runner.inbox.append(span("a", None, 0, 1))
        runner.inbox.append((start("b", "up", trace=10, remote=True),))
        assert process(runner).tasks_queued == 1
        assert sender.queued[0].root_id == sid("a")

    def test_a_full_inbox_is_drained_by_its_producers(self, make):
        """If the worker is too slow, memory stays bounded and nothing is lost."""
        runner, _ = make(max_open_spans=600, include="all")
        runner.worker.wake = lambda: True  # a thread that never gets to run
        for number in range(1, 2_001):
            runner.on_end(span(number, "a"))
            assert len(runner.inbox) <= 601
        assert runner.stats().received == 2_000

    def test_no_thread_can_start(self, make):
        """At interpreter shutdown the calling thread processes its spans."""
        runner, sender = make()
        runner.worker.wake = lambda: False
        for record in agent_run(1):
            runner.on_end(record)
        assert len(sender.queued) == 1

    def test_unreadable_spans_are_counted(self, make):
        """An object that is not a span is counted and changes nothing else."""
        runner, _ = make()
        runner.on_end(7)
        assert process(runner).reasons == {"unreadable": 1}


class TestFlushing:
    """A flush returns True only if everything is safe."""

    def test_sends_open_traces(self, make):
        """In memory, the ended spans of an open trace are sent as a part."""
        runner, sender = make()
        runner.accept(agent_run(1)[:2], 5.0)
        assert runner.flush(60)
        assert sender.delivered[0].spans == 2

    def test_with_a_journal_open_traces_stay(self, make):
        """With a spool an open trace is safe in the journal, and stays complete."""
        runner, sender = make(journal=MemoryJournal())
        runner.accept(agent_run(1)[:2], 5.0)
        assert runner.flush(60)
        assert sender.delivered == []
        assert runner.flush(5.0, everything=True)
        assert sender.delivered[0].spans == 2

    def test_is_false_while_something_waits(self, make):
        """False until everything that ended is delivered."""
        runner, sender = make(up=False)
        runner.accept(agent_run(1), 5.0)
        assert not runner.flush(0.1)
        sender.up = True
        assert runner.flush(0.1)

    def test_is_false_once_after_a_loss(self, make):
        """Never True after a loss; the next flush only covers what came later."""
        runner, _ = make()
        runner.refuse(2, "test")
        assert not runner.flush(1.0)
        assert runner.flush(60)

    def test_a_lock_that_is_not_free(self, make):
        """A flush in a signal handler must not wait for the thread it interrupted."""
        runner, _ = make()
        with runner._lock:
            assert not runner.flush(0.01)
            assert not runner.shutdown(0.01)


class TestShuttingDown:
    """After a shutdown spans are refused, and everything is accounted for."""

    def test_delivers_the_rest(self, make):
        """Open traces are sent as incomplete, and the sender is closed."""
        runner, sender = make()
        runner.accept(agent_run(1)[:2], 5.0)
        assert runner.shutdown(5.0)
        assert sender.delivered[0].spans == 2
        assert sender.closed
        assert runner.closed

    def test_twice(self, make):
        """A second shutdown does nothing."""
        runner, _ = make()
        assert runner.shutdown(5.0)
        assert runner.shutdown(5.0)

    def test_use_after_it(self, make, caplog):
        """Later spans are refused, counted, and logged once."""
        runner, _ = make()
        runner.shutdown(5.0)
        assert not runner.accept(agent_run(1), 5.0)
        runner.on_end(agent_run(2)[2])
        runner.on_log(log("x", "a"))
        assert runner.stats().reasons == {"shutdown": 4}
        assert len(caplog.records) == 1

    def test_stops_waiting_for_a_dead_endpoint(self, make):
        """If nothing is accepted any more, it does not wait until the deadline."""
        runner, _ = make(up=False)
        runner.accept(agent_run(1), 5.0)
        assert not runner.shutdown(60.0)
        assert runner.stats().queued == 3

    def test_continues_while_tasks_are_delivered(self, make):
        """While tasks are delivered it uses all of its time."""
        runner, sender = make(up=False)
        for number in range(1, 4):
            runner.accept(agent_run(number), 5.0)

        def one_at_a_time(deadline_s):
            sender.delivered += sender.queued[:1]
            del sender.queued[:1]
            return not sender.queued

        sender.flush = one_at_a_time
        assert runner.shutdown(60.0)
        assert sender.queued == []

    def test_ends_the_thread(self, make):
        """The thread has ended afterwards."""
        runner, _ = make()
        runner.worker.wake()
        thread = runner.worker._thread
        runner.shutdown(5.0)
        assert not thread.is_alive()


class TestJournal:
    """With a spool, ended spans of open traces are on disk."""

    def test_contains_open_spans(self, make):
        """A span is in the journal until its task is in the spool."""
        journal = MemoryJournal()
        runner, _ = make(journal=journal)
        run = agent_run(1)
        for record in run[:2]:
            runner.on_end(record)
        assert set(journal.live) == {sid("c1.0"), sid("c1.1")}
        runner.on_end(run[2])
        assert process(runner).tasks_open == 0
        assert journal.live == {}

    def test_contains_spans_an_exporter_keeps_open(self, make):
        """The exporter journals only spans that were not sent when it returns."""
        journal = MemoryJournal()
        runner, _ = make(journal=journal)
        runner.accept(agent_run(1), 5.0)
        assert journal.live == {}
        runner.accept(agent_run(2)[:2], 5.0)
        assert len(journal.live) == 2

    def test_filtered_spans_are_removed(self, make):
        """Spans that become no task are removed too."""
        journal = MemoryJournal()
        runner, _ = make(journal=journal)
        runner.on_end(span("health"))
        assert process(runner).filtered == 1
        assert journal.live == {}

    def test_keeps_what_the_spool_could_not(self, make):
        """If the spool has failed, the journal keeps the spans of tasks in memory."""
        journal = MemoryJournal(left=agent_run(7))
        runner, sender = make(journal=journal, durable=False, up=False)
        runner.on_end(agent_run(1)[2])
        process(runner)
        runner.flush(0.0)
        assert runner.stats().tasks_queued == 2
        assert len(journal.live) == 1
        sender.up = True
        runner.flush(1.0)
        runner.flush(1.0)
        assert journal.live == {}
        assert journal.has_recovered

    def test_a_failing_journal(self, make):
        """A flush sends the spans of open traces that the journal could not store."""
        journal = MemoryJournal()
        runner, _ = make(journal=journal)
        run = agent_run(1)
        runner.on_end(run[0])
        assert runner.flush(60)
        assert runner.stats().open == 1
        journal.holds_all = False
        runner.on_end(run[1])
        assert runner.flush(60)
        assert runner.stats().delivered == 2

    @pytest.mark.parametrize("durable", [True, False])
    def test_an_exit_waits_for_what_is_in_memory(self, make, durable):
        """With a working spool it is short; with a failing one as long as without."""
        runner, sender = make(journal=MemoryJournal(), durable=durable, up=False)
        runner.on_end(agent_run(1)[2])
        waited = []
        flush, sender.flush = sender.flush, lambda s: waited.append(s) or flush(s)
        assert runner.shutdown(20.0) is durable
        assert (max(waited) < 2.0) is durable

    def test_unreadable_spans_are_not_journalled(self, make):
        """An object that is not a span is not written to the journal."""
        journal = MemoryJournal()
        runner, _ = make(journal=journal)
        runner.on_end(7)
        assert process(runner).reasons == {"unreadable": 1}
        assert journal.live == {}

    def test_recovers_spans_of_a_dead_process(self, make):
        """The next process sends them as tasks, once, and counts them."""
        journal = MemoryJournal(left=agent_run(7)[:2])
        runner, sender = make(journal=journal)
        runner.accept([], 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert sender.delivered[0].trace_id == tid(7)
        assert journal.has_recovered
        runner.flush(5.0)
        stats = runner.stats()
        assert (stats.received, stats.tasks_delivered) == (2, 1)

    def test_nothing_to_recover(self, make):
        """Without files nothing is sent; they stay if the tasks are not durable."""
        journal = MemoryJournal()
        runner, sender = make(journal=journal, durable=False)
        runner.flush(1.0)
        assert sender.delivered == []
        assert not journal.has_recovered


def test_fork(make):
    """A child counts, keeps and sends nothing of its parent."""
    for journal in (None, MemoryJournal()):
        runner, sender = make(up=False, journal=journal)
        runner.handles = 2
        runner.accept(agent_run(1), 5.0)
        runner.accept(agent_run(2)[:2], 5.0)
        runner.inbox.append((start("a"),))
        runner.worker.stop(5.0)
        runner.after_fork_in_child()
        assert runner.stats().received == 0
        assert (sender.queued, runner.handles) == ([], 2)
        runner.accept(agent_run(3), 5.0)
        assert [task.trace_id for task in sender.queued] == [tid(3)]


def test_a_failing_run_of_the_worker(make, caplog):
    """An error while processing spans does not end the thread."""
    runner, sender = make()
    failed = threading.Event()

    def broken(now_s, limit):
        failed.set()
        raise RuntimeError("defect")

    real, runner._feeder.pipeline.due = runner._feeder.pipeline.due, broken
    runner.worker.wake()
    assert failed.wait(WAIT_S)
    runner._feeder.pipeline.due = real
    for record in agent_run(1):
        runner.on_end(record)
    assert sender.arrived.wait(WAIT_S)
    assert "retrying" in caplog.text


def test_runners_are_garbage_collected(make):
    """A runner without references that started nothing is freed."""
    runner = PipelineRunner(Config(), MemorySender())
    known = weakref.ref(runner)
    del runner
    gc.collect()
    assert known() is None


class TestTightSpots:
    """Races between two threads, and a lock that is not free in time."""

    @pytest.fixture(autouse=True)
    def _is_impatient(self, monkeypatch):
        monkeypatch.setattr(module, "LOCK_S", 0.01)

    def test_stats_are_read_although_the_lock_is_held(self, make):
        """Reading the stats in a signal handler does not hang."""
        runner, _ = make()
        runner.accept(agent_run(1), 5.0)
        with runner._lock:
            assert runner.stats().delivered == 3

    def test_a_batch_that_cannot_be_fed_now_is_kept(self, make):
        """An export that cannot get the lock is not lost: the worker processes it."""
        runner, sender = make()
        with runner._lock:
            assert runner.accept(agent_run(1), 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert runner.stats().delivered == 3

    def test_helping_threads_do_not_wait_long(self, make):
        """A thread that cannot get the lock leaves its span in the inbox."""
        runner, _ = make()
        runner.worker.wake = lambda: False
        with runner._lock:
            runner.on_end(agent_run(1)[0])
        assert runner.stats().received == 1

    def test_two_threads_refuse_one_span(self, make):
        """After a shutdown the slower of two threads finds nothing to refuse."""
        runner, _ = make()
        runner.shutdown(1.0)

        class Raced(deque):
            def __bool__(self):
                return True

        runner.inbox = Raced([(start("a"),), span("b")])
        runner.process_soon()
        assert runner.stats().reasons == {"shutdown": 1}

    def test_logs_without_a_span_are_ignored(self, make):
        """They are not kept, before a shutdown or after."""
        runner, _ = make()
        runner.on_log(SimpleNamespace(log_record=None))
        assert not runner.inbox

    def test_wait_for_logs_in_use(self, make):
        """A log exporter created later is respected from then on."""
        clock = Clock()
        runner, sender = make(clock=clock)
        runner.accept(agent_run(1), 5.0)
        runner.wait_for_logs(6.0)
        runner.accept(agent_run(2), 5.0)
        assert len(sender.delivered) == 1
        assert runner.stats().open == 3

    def test_load(self, make):
        """The load is reported in tasks, spans and bytes."""
        runner, sender = make(up=False)
        sender.queued_bytes = 77
        runner.accept(agent_run(1), 5.0)
        runner.accept(agent_run(2)[:2], 5.0)
        load = runner.load()
        assert (load.tasks_queued, load.bytes_queued) == (1, 77)
        assert (load.tasks_open, load.spans_open) == (1, 2)
        assert load.bytes_open > 0
