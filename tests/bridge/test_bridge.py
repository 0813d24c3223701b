"""A pipeline driven from many threads, and where its spans are at any time."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel.bridge import Bridge
from infinium_otel.bridge import bridge as module
from infinium_otel.config import Config
from infinium_otel.exporter import InfiniumSpanProcessor
from support.sending import MemoryJournal, MemorySender
from support.spans import agent_run, log, sid, span, tid

WAIT_S = 20.0


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def make():
    """Makes bridges over senders in memory, and shuts them down."""
    made = []

    def bridge(*, up=True, journal=None, clock=None, durable=None, **settings):
        durable = journal is not None if durable is None else durable
        sender = MemorySender(up=up, durable=durable)
        more = {"clock": clock} if clock else {}
        made.append(Bridge(Config(**settings), sender, journal=journal, **more))
        return made[-1], sender

    yield bridge
    for one in made:
        one.shutdown(1.0)
        assert conserved(one.stats())


def conserved(stats):
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
    """What exporters do: take a batch, and try at once."""

    def test_delivers_what_a_batch_completes(self, make):
        """The first attempt at delivery is made before `accept` returns."""
        bridge, sender = make()
        before = set(threading.enumerate())
        assert bridge.accept(agent_run(1), 5.0)
        assert len(sender.delivered) == 1
        stats = bridge.stats()
        assert (stats.received, stats.delivered, stats.tasks_delivered) == (3, 3, 1)
        assert set(threading.enumerate()) <= before

    def test_waits_for_the_root(self, make):
        """What is not complete stays open, and a thread looks after it."""
        bridge, sender = make()
        assert bridge.accept(agent_run(1)[:2], 5.0)
        assert (bridge.stats().open, bridge.stats().tasks_open) == (2, 1)
        assert bridge.accept(agent_run(1)[2:], 5.0)
        assert len(sender.delivered) == 1

    def test_keeps_what_cannot_be_delivered_now(self, make):
        """An endpoint that is down is no loss: the task stays queued."""
        bridge, sender = make(up=False)
        assert bridge.accept(agent_run(1), 5.0)
        assert (bridge.stats().queued, bridge.stats().tasks_queued) == (3, 1)
        sender.up = True
        assert bridge.flush(5.0)
        assert bridge.stats().delivered == 3

    def test_tells_of_a_loss(self, make):
        """False is returned for what is really lost, and for nothing else."""
        bridge, sender = make(up=False)
        sender.room = 1
        assert bridge.accept(agent_run(1), 5.0)
        assert not bridge.accept(agent_run(2), 5.0)
        stats = bridge.stats()
        assert (stats.queued, stats.refused) == (3, 3)
        assert stats.undelivered == {"queue_full": 3}

    def test_says_once_that_hooks_are_slow(self, make, caplog):
        """Hooks that hold up delivery are told of, until they are quick again."""
        clock, takes = Clock(), [10.0, 10.0, 0.0, 10.0]

        def hook(_):
            clock.now_s += takes.pop(0)
            return True

        bridge, sender = make(clock=clock, should_send=hook)
        said = []
        for number in range(1, 5):
            assert bridge.accept(agent_run(number), 60.0)
            assert bridge.flush(60.0)
            said.append(caplog.text.count("hold up delivery: "))
        assert said == [1, 1, 1, 2]
        assert len(sender.delivered) == 4

    def test_survives_garbage(self, make):
        """What is no span is counted; the rest of the batch is delivered."""
        bridge, sender = make()
        batch = [None, 7, *agent_run(1), SimpleNamespace(log_record=None)]
        assert bridge.accept(batch, 5.0)
        assert len(sender.delivered) == 1
        assert bridge.stats().reasons == {"unreadable": 2}

    def test_counts_what_becomes_no_task(self, make):
        """Traces without model, tool or agent are filtered, and counted."""
        bridge, _ = make()
        bridge.accept([span("health")], 5.0)
        stats = bridge.stats()
        assert (stats.filtered, stats.tasks_filtered) == (1, 1)

    def test_late_spans_leave_by_themselves(self, make):
        """A span that comes after its task leaves without another call."""
        bridge, sender = make()
        late = [*agent_run(1)]
        bridge.accept(late[1:], 5.0)
        sender.arrived.clear()
        bridge.accept(late[:1], 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert [task.key[-2:] for task in sender.delivered[1:]] == ["-1"]

    def test_waits_for_logs_that_come_in_batches(self, make):
        """With a log exporter beside it, a complete trace waits for log events."""
        clock = Clock()
        bridge, sender = make(clock=clock)
        bridge.wait_for_logs(6.0)
        bridge.accept([*agent_run(1), log("gen_ai.choice", "r1", tid(1))], 5.0)
        assert sender.delivered == []
        clock.now_s = 6.0
        bridge.worker.wake()
        assert sender.arrived.wait(WAIT_S)


class TestProcessing:
    """What processors do: append, and let one thread do the rest."""

    def processor(self, bridge):
        processor = object.__new__(InfiniumSpanProcessor)
        processor._bridge = bridge
        processor._append, processor._worker = bridge.inbox.append, bridge.worker
        processor.is_shut_down = True
        return processor

    def test_a_trace_leaves_when_its_last_span_ends(self, make):
        """Nothing need be flushed for a complete run to be delivered."""
        bridge, sender = make()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self.processor(bridge))
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
        """The trace leaves once, with the child that ended after its root."""
        bridge, sender = make()
        for name, parent in (("r1", None), ("c1.0", "r1"), ("c1.1", "r1")):
            bridge.inbox.append((start(name, parent),))
        child, other, root = agent_run(1)
        bridge.ended(root)
        bridge.ended(child)
        assert bridge.stats().open == 2
        bridge.ended(other)
        assert sender.arrived.wait(WAIT_S)
        assert sender.delivered[0].spans == 3

    def test_unsampled_spans_are_none_of_ours(self, make):
        """Head sampling is respected: what is not sampled is not seen."""
        bridge, _ = make()
        bridge.inbox.append((start("a", sampled=False),))
        bridge.ended(start("a", sampled=False))
        assert bridge.stats().received == 0
        assert bridge.stats().tasks_open == 0

    def test_roots_one_after_the_other_in_one_batch(self, make):
        """A root that starts after another of its trace ended does not hold it."""
        bridge, sender = make(include="all")
        bridge.inbox.append((start("a", trace=10),))
        bridge.inbox.append(span("a", None, 0, 1))
        bridge.inbox.append((start("b", "up", trace=10, remote=True),))
        assert bridge.stats().tasks_queued == 1
        assert sender.queued[0].root_id == sid("a")

    def test_a_full_inbox_is_drained_by_who_fills_it(self, make):
        """Where the worker cannot keep pace memory stays bounded, and nothing is lost."""
        bridge, _ = make(max_open_spans=600, include="all")
        bridge.worker.wake = lambda: True  # a thread that never gets to run
        for number in range(1, 2_001):
            bridge.ended(span(number, "a"))
            assert len(bridge.inbox) <= 601
        assert bridge.stats().received == 2_000

    def test_no_thread_can_be_had(self, make):
        """At interpreter shutdown the work is done by whoever brings it."""
        bridge, sender = make()
        bridge.worker.wake = lambda: False
        for record in agent_run(1):
            bridge.ended(record)
        assert len(sender.queued) == 1

    def test_unreadable_spans_are_counted(self, make):
        """An object that is no span costs nothing but itself."""
        bridge, _ = make()
        bridge.ended(7)
        assert bridge.stats().reasons == {"unreadable": 1}


class TestFlushing:
    """What a flush says is true."""

    def test_sends_what_is_open(self, make):
        """In memory, what has ended of an open trace leaves as a part."""
        bridge, sender = make()
        bridge.accept(agent_run(1)[:2], 5.0)
        assert bridge.flush(5.0)
        assert sender.delivered[0].spans == 2

    def test_with_a_journal_what_is_open_stays(self, make):
        """With a spool an open trace is safe in the journal, and stays whole."""
        bridge, sender = make(journal=MemoryJournal())
        bridge.accept(agent_run(1)[:2], 5.0)
        assert bridge.flush(5.0)
        assert sender.delivered == []
        assert bridge.flush(5.0, everything=True)
        assert sender.delivered[0].spans == 2

    def test_is_false_while_something_waits(self, make):
        """False until what ended is delivered."""
        bridge, sender = make(up=False)
        bridge.accept(agent_run(1), 5.0)
        assert not bridge.flush(0.1)
        sender.up = True
        assert bridge.flush(0.1)

    def test_is_false_once_after_a_loss(self, make):
        """Never True after a loss; the next flush answers for itself."""
        bridge, _ = make()
        bridge.turn_away(2, "test")
        assert not bridge.flush(1.0)
        assert bridge.flush(1.0)

    def test_gives_up_where_the_lock_is_held(self, make):
        """A flush from a signal handler cannot hang on what it interrupted."""
        bridge, _ = make()
        with bridge._lock:
            assert not bridge.flush(0.01)
            assert not bridge.shutdown(0.01)


class TestShuttingDown:
    """Afterwards nothing is taken, and everything is accounted for."""

    def test_delivers_what_is_left(self, make):
        """Open traces leave as incomplete, and the sender is closed."""
        bridge, sender = make()
        bridge.accept(agent_run(1)[:2], 5.0)
        assert bridge.shutdown(5.0)
        assert sender.delivered[0].spans == 2
        assert sender.closed
        assert bridge.closed

    def test_twice(self, make):
        """A second shutdown does nothing."""
        bridge, _ = make()
        assert bridge.shutdown(5.0)
        assert bridge.shutdown(5.0)

    def test_use_after_it(self, make, caplog):
        """Spans that come later are refused, counted, and said once."""
        bridge, _ = make()
        bridge.shutdown(5.0)
        assert not bridge.accept(agent_run(1), 5.0)
        bridge.ended(agent_run(2)[2])
        bridge.logged(log("x", "a"))
        assert bridge.stats().reasons == {"shutdown": 4}
        assert len(caplog.records) == 1

    def test_stops_waiting_for_a_dead_endpoint(self, make):
        """Where nothing moves any more the rest of the time is not waited out."""
        bridge, _ = make(up=False)
        bridge.accept(agent_run(1), 5.0)
        assert not bridge.shutdown(60.0)
        assert bridge.stats().queued == 3

    def test_goes_on_while_tasks_go_out(self, make):
        """As long as tasks are delivered the time that was given is used."""
        bridge, sender = make(up=False)
        for number in range(1, 4):
            bridge.accept(agent_run(number), 5.0)

        def one_at_a_time(deadline_s):
            sender.delivered += sender.queued[:1]
            del sender.queued[:1]
            return not sender.queued

        sender.flush = one_at_a_time
        assert bridge.shutdown(60.0)
        assert sender.queued == []

    def test_ends_the_thread(self, make):
        """No thread is left behind."""
        bridge, _ = make()
        bridge.worker.wake()
        thread = bridge.worker._thread
        bridge.shutdown(5.0)
        assert not thread.is_alive()


class TestJournal:
    """With a spool, ended spans of open traces are on disk."""

    def test_holds_what_is_open(self, make):
        """A span is journalled until its task is in the spool."""
        journal = MemoryJournal()
        bridge, _ = make(journal=journal)
        run = agent_run(1)
        for record in run[:2]:
            bridge.ended(record)
        assert set(journal.live) == {sid("c1.0"), sid("c1.1")}
        bridge.ended(run[2])
        assert bridge.stats().tasks_open == 0
        assert journal.live == {}

    def test_holds_what_an_exporter_keeps_open(self, make):
        """The exporter journals only what has not left when it returns."""
        journal = MemoryJournal()
        bridge, _ = make(journal=journal)
        bridge.accept(agent_run(1), 5.0)
        assert journal.live == {}
        bridge.accept(agent_run(2)[:2], 5.0)
        assert len(journal.live) == 2

    def test_forgets_what_is_filtered(self, make):
        """What becomes no task is not kept either."""
        journal = MemoryJournal()
        bridge, _ = make(journal=journal)
        bridge.ended(span("health"))
        assert bridge.stats().filtered == 1
        assert journal.live == {}

    def test_keeps_what_the_spool_could_not(self, make):
        """Where the spool has failed, the journal keeps what is in memory only."""
        journal = MemoryJournal(left=agent_run(7))
        bridge, sender = make(journal=journal, durable=False, up=False)
        bridge.ended(agent_run(1)[2])
        assert bridge.stats().tasks_queued == 2
        assert len(journal.live) == 1
        sender.up = True
        bridge.flush(1.0)
        bridge.flush(1.0)
        assert journal.live == {}
        assert journal.has_recovered

    def test_that_fails_keeps_nothing_waiting(self, make):
        """A flush sends the spans of open traces that the journal could not take."""
        journal = MemoryJournal()
        bridge, _ = make(journal=journal)
        run = agent_run(1)
        bridge.ended(run[0])
        assert bridge.flush(1.0)
        assert bridge.stats().open == 1
        journal.holds_all = False
        bridge.ended(run[1])
        assert bridge.flush(1.0)
        assert bridge.stats().delivered == 2

    @pytest.mark.parametrize("durable", [True, False])
    def test_an_exit_waits_for_what_is_in_memory(self, make, durable):
        """With a spool that works it is short; with one that fails, as without."""
        bridge, sender = make(journal=MemoryJournal(), durable=durable, up=False)
        bridge.ended(agent_run(1)[2])
        waited = []
        flush, sender.flush = sender.flush, lambda s: waited.append(s) or flush(s)
        assert bridge.shutdown(20.0) is durable
        assert (max(waited) < 2.0) is durable

    def test_unreadable_spans_are_not_journalled(self, make):
        """An object that is no span passes the journal by."""
        journal = MemoryJournal()
        bridge, _ = make(journal=journal)
        bridge.ended(7)
        assert bridge.stats().reasons == {"unreadable": 1}
        assert journal.live == {}

    def test_recovers_what_a_dead_process_left(self, make):
        """The next process sends them as tasks, once, and accounts for them."""
        journal = MemoryJournal(left=agent_run(7)[:2])
        bridge, sender = make(journal=journal)
        bridge.accept([], 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert sender.delivered[0].trace_id == tid(7)
        assert journal.has_recovered
        bridge.flush(5.0)
        stats = bridge.stats()
        assert (stats.received, stats.tasks_delivered) == (2, 1)

    def test_nothing_to_recover(self, make):
        """Without leftovers nothing is sent; without a safe place they stay."""
        journal = MemoryJournal()
        bridge, sender = make(journal=journal, durable=False)
        bridge.flush(1.0)
        assert sender.delivered == []
        assert not journal.has_recovered


def test_fork_leaves_the_childs_bridge_clean(make):
    """In a child nothing of the parent's is counted, held or sent."""
    for journal in (None, MemoryJournal()):
        bridge, sender = make(up=False, journal=journal)
        bridge.inlets = 2
        bridge.accept(agent_run(1), 5.0)
        bridge.accept(agent_run(2)[:2], 5.0)
        bridge.inbox.append((start("a"),))
        bridge.worker.stop(5.0)
        bridge.after_fork_in_child()
        assert bridge.stats().received == 0
        assert (sender.queued, bridge.inlets) == ([], 2)
        bridge.accept(agent_run(3), 5.0)
        assert [task.trace_id for task in sender.queued] == [tid(3)]


def test_a_failing_look_is_survived(make, caplog):
    """A defect while looking after open traces does not end the thread."""
    bridge, sender = make()
    failed = threading.Event()

    def broken(now_s):
        failed.set()
        raise RuntimeError("defect")

    real, bridge._flow.pipeline.due = bridge._flow.pipeline.due, broken
    bridge.worker.wake()
    assert failed.wait(WAIT_S)
    bridge._flow.pipeline.due = real
    for record in agent_run(1):
        bridge.ended(record)
    assert sender.arrived.wait(WAIT_S)
    assert "trying again" in caplog.text


def test_bridges_are_collected(make):
    """A bridge that nobody uses, and that started nothing, is not kept."""
    bridge = Bridge(Config(), MemorySender())
    known = weakref.ref(bridge)
    del bridge
    gc.collect()
    assert known() is None


class TestTightSpots:
    """What happens between two threads, or where a lock cannot be had."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch):
        monkeypatch.setattr(module, "LOCK_S", 0.01)

    def test_stats_are_read_although_the_lock_is_held(self, make):
        """A look at the numbers from a signal handler does not hang."""
        bridge, _ = make()
        bridge.accept(agent_run(1), 5.0)
        with bridge._lock:
            assert bridge.stats().delivered == 3

    def test_a_batch_that_cannot_be_fed_now_is_kept(self, make):
        """An export that the lock is denied to is no loss: the worker feeds it."""
        bridge, sender = make()
        with bridge._lock:
            assert bridge.accept(agent_run(1), 5.0)
        assert sender.arrived.wait(WAIT_S)
        assert bridge.stats().delivered == 3

    def test_nobody_waits_long_to_help(self, make):
        """A thread that was to help leaves its span in the inbox if it cannot."""
        bridge, _ = make()
        bridge.worker.wake = lambda: False
        with bridge._lock:
            bridge.ended(agent_run(1)[0])
        assert bridge.stats().received == 1

    def test_two_threads_turn_away_one_span(self, make):
        """After a shutdown, whoever is slower finds nothing left, and says nothing."""
        bridge, _ = make()
        bridge.shutdown(1.0)

        class Raced(deque):
            def __bool__(self):
                return True

        bridge.inbox = Raced([(start("a"),), span("b")])
        bridge.attend()
        assert bridge.stats().reasons == {"shutdown": 1}

    def test_logs_of_no_span_are_none_of_ours(self, make):
        """They are not kept, before a shutdown or after."""
        bridge, _ = make()
        bridge.logged(SimpleNamespace(log_record=None))
        assert not bridge.inbox

    def test_wait_for_logs_in_use(self, make):
        """A log exporter that comes later is waited for from then on."""
        clock = Clock()
        bridge, sender = make(clock=clock)
        bridge.accept(agent_run(1), 5.0)
        bridge.wait_for_logs(6.0)
        bridge.accept(agent_run(2), 5.0)
        assert len(sender.delivered) == 1
        assert bridge.stats().open == 3

    def test_load(self, make):
        """What is held can be asked for, in tasks, spans and bytes."""
        bridge, sender = make(up=False)
        sender.queued_bytes = 77
        bridge.accept(agent_run(1), 5.0)
        bridge.accept(agent_run(2)[:2], 5.0)
        load = bridge.load()
        assert (load.tasks_queued, load.bytes_queued) == (1, 77)
        assert (load.tasks_open, load.spans_open) == (1, 2)
        assert load.bytes_open > 0
