"""The sender: nothing lost silently, nothing sent twice, nobody kept waiting."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery import sender as senders
from infinium_otel.delivery.client import AsyncInfiniumClient, InfiniumClient
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.spool import listing
from infinium_otel.errors import ConfigurationError
from infinium_otel.limits import MAX_BODY_BYTES
from infinium_otel.protocol import encode
from infinium_otel.taskdata import ExecutionStep
from infinium_otel.testing import FakeInfinium, Fault
from support.delivery import Client, Clock, Status, balanced, done
from support.loopback import server_context

FAST = {"requests_per_second": 10_000, "burst": 10_000}


@pytest.fixture
def make(fake, request):
    """Senders to the fake, whose backoff has no length."""
    made = []

    def sender(*, client=None, draw=lambda: 0.0, clock=time.monotonic, **settings):
        config = Config(**{**fake.settings, **FAST, "timeout_s": 5, **settings})
        made.append(Sender(config, client=client, draw=draw, clock=clock))
        return made[-1]

    yield sender
    for each in made:
        assert balanced(each.counts)
        each.shutdown(0)
        assert balanced(each.counts)
        for worker in list(each._workers):
            worker.join(10)


@pytest.fixture(params=["memory", "spool"])
def kept(request, tmp_path):
    """Settings that keep tasks in memory, or on disk."""
    return {} if request.param == "memory" else {"spool": str(tmp_path / "s.db")}


def settle(sender, check, timeout_s=10.0):
    """Waits until the counts pass a check."""
    deadline = time.monotonic() + timeout_s
    while not check(sender.counts) and time.monotonic() < deadline:
        time.sleep(0.005)
    return check(sender.counts)


class TestTheFirstAttempt:
    """`submit` keeps, `attempt` delivers in the caller's thread."""

    def test_delivered_at_once(self, make, fake, kept):
        """What works is delivered when `attempt` returns, without a thread."""
        sender = make(**kept)
        assert sender.submit(done(1, spans=3))
        sender.attempt(5)
        assert (sender.counts.tasks.delivered, sender.counts.spans.delivered) == (1, 3)
        assert sender._workers == set()
        assert fake.keys == [done(1).key]
        assert fake.complaints == []

    def test_nothing_is_opened_before_it_is_needed(self, make, tmp_path):
        """Making a sender makes no thread, no socket and no file."""
        before = set(threading.enumerate())
        sender = make(spool=str(tmp_path / "s.db"))
        assert list(tmp_path.iterdir()) == []
        assert set(threading.enumerate()) <= before
        assert sender._courier._transport is None

    def test_a_checkpoint_is_passed_when_all_before_it_has_ended(
        self, make, fake, kept
    ):
        """Delivered, refused or on disk; what comes later does not count."""
        sender = make(**kept)
        fake.always(503)
        sender.submit(done(1))
        passed = sender.checkpoint()
        assert passed() == bool(kept)
        fake.always(None)
        fake.script(200)
        assert sender.flush(5)
        fake.always(503)
        sender.submit(done(2))
        assert passed()

    def test_it_stops_at_the_first_failure(self, make, fake, kept):
        """What a retry may mend goes in the background; nobody sleeps a backoff."""
        sender = make(**kept, draw=lambda: 1.0)
        fake.script(503)
        sender.submit(done(1))
        sender.submit(done(2))
        sender.attempt(30)
        assert sender.counts.tasks.queued == 2
        assert len(fake.requests) == 1
        assert fake.wait_for_tasks(2)

    def test_it_never_waits_for_the_rate_limit(self, make, fake):
        """What is over the rate goes in the background."""
        sender = make(requests_per_second=5, burst=1)
        for number in range(3):
            sender.submit(done(number))
        sender.attempt(30)
        assert len(fake.requests) == 1
        assert fake.wait_for_tasks(3)
        times = [request.at_s for request in fake.requests]
        assert times[2] - times[0] >= 0.35

    def test_no_time(self, make, fake):
        """With no time at all nothing is tried here."""
        sender = make(client=Client(Status(503)))
        sender.submit(done(1))
        sender.attempt(0)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)

    def test_it_waits_for_a_place(self, make, fake):
        """While another request is under way it waits for its turn, then delivers."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        fake.wait_for(lambda f: True)
        sender.submit(done(2))
        sender.attempt(5)
        assert settle(sender, lambda counts: counts.tasks.delivered == 2)


class TestFlush:
    """A flush is honest."""

    def test_nothing_to_do(self, make):
        """An empty queue is flushed."""
        assert make().flush(0)

    def test_it_waits_for_retries_in_memory(self, make, fake):
        """Without a spool it delivers, through failures, and says so."""
        sender = make()
        fake.script(503, 500, Fault(breaks="close"))
        sender.submit(done(1))
        assert sender.flush(10)
        assert len(fake.tasks) == 1
        assert len({request.key for request in fake.requests}) == 1

    def test_it_says_false_of_what_is_not_safe(self, make, fake):
        """Without a spool what is not delivered is not safe."""
        sender = make(draw=lambda: 1.0)
        fake.always(503)
        sender.submit(done(1))
        begin = time.monotonic()
        assert not sender.flush(0.2)
        assert time.monotonic() - begin < 5

    def test_a_spool_is_safe(self, make, fake, tmp_path):
        """With a spool one attempt is made and nobody waits for more."""
        sender = make(spool=str(tmp_path / "s.db"), draw=lambda: 1.0)
        fake.always(503)
        for number in range(3):
            sender.submit(done(number))
        begin = time.monotonic()
        assert sender.flush(30)
        assert time.monotonic() - begin < 5
        assert sender.counts.tasks.queued == 3

    def test_never_true_after_a_loss(self, make):
        """A loss is told by the next flush, and only by that."""
        sender = make(client=Client(), max_queued_tasks=1)
        sender.submit(done(1))
        assert not sender.submit(done(2))
        assert sender.counts.tasks.lost == {"queue full": 1}
        assert not sender.flush(5)
        assert sender.flush(5)

    def test_a_refused_task_is_lost_without_a_spool(self, make, fake, kept):
        """Memory does not keep what was refused; the spool does."""
        sender = make(**kept)
        fake.script(422)
        sender.submit(done(1))
        assert sender.flush(5) is bool(kept)

    def test_what_is_under_way_elsewhere_is_waited_for(self, make, fake):
        """A flush waits for the worker that has the task."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._dispatch.in_flight == 1)
        assert sender.flush(10)
        assert len(fake.requests) == 1

    def test_refused_credentials_are_not_waited_for(self, make, fake):
        """A key does not become right by waiting."""
        sender = make()
        fake.always(401)
        sender.submit(done(1))
        begin = time.monotonic()
        assert not sender.flush(60)
        assert time.monotonic() - begin < 10
        assert len(fake.requests) == 1
        fake.always(None)
        assert sender.flush(5)  # at once, within the 30 seconds

    def test_a_flush_ends_a_pause(self, make, fake):
        """What waits for its next attempt is tried at once."""
        sender = make(draw=lambda: 1.0, client=Client(*[Status(500)] * 6))
        sender.submit(done(1))
        for _ in range(6):
            assert not sender.flush(0.01)
        assert sender.flush(1)

    def test_the_pause_of_the_server_is_kept(self, make, fake):
        """Within Retry-After nobody asks, a flush neither."""
        sender = make()
        fake.always(Fault.unavailable(429, retry_after=60))
        sender.submit(done(1))
        sender.submit(done(2))
        sender.attempt(1)
        assert not sender.flush(0.2)
        assert len(fake.requests) == 1


class TestRetries:
    """What may yet work is tried until it does; what cannot is not tried again."""

    @pytest.mark.parametrize(
        "fault",
        [
            *[
                pytest.param(Fault(s), id=str(s))
                for s in (408, 425, 429, 500, 502, 503)
            ],
            *[
                pytest.param(Fault(breaks=breaks), id=breaks)
                for breaks in ("before", "during", "after", "close")
            ],
            pytest.param(Fault(breaks="raw", body=b"\0\r\n"), id="garbage"),
        ],
    )
    def test_retried_until_it_works(self, make, fake, kept, fault):
        """The background delivers what failed, under the same key."""
        sender = make(**kept)
        fake.script(fault, fault, fault)
        sender.submit(done(1))
        sender.attempt(5)
        assert fake.wait_for_tasks(1)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)
        assert {request.key for request in fake.requests} == {done(1).key}

    def test_a_reply_that_came_too_late(self, make, fake, kept):
        """A task the server took but did not say so is sent again by the same key."""
        sender = make(**kept, timeout_s=0.2)
        fake.script(Fault(breaks="hang", store=True))
        sender.submit(done(1))
        assert sender.flush(5)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)
        assert len(fake.tasks) == 1

    @pytest.mark.parametrize("status", [302, 400, 404, 409, 415, 422])
    def test_refused_once(self, make, fake, kept, status, caplog):
        """A refusal is final: counted by status, kept in the spool, told once."""
        sender = make(**kept)
        fake.script(status, status)
        for number in range(3):
            sender.submit(done(number, spans=2))
        sender.attempt(5)
        assert len(fake.requests) == 3
        assert sender.counts.tasks.refused == {str(status): 2}
        assert sender.counts.spans.refused == {str(status): 4}
        assert caplog.text.count("refused a task") == 1
        if kept:
            assert [k.state for k in listing(kept["spool"])] == ["refused"] * 2

    def test_a_success_with_an_odd_body(self, make, fake, kept):
        """2xx is a success, whatever stands in the body."""
        sender = make(**kept)
        fake.script(
            Fault(200, body=b"<html>"), Fault(204), Fault(201, breaks="truncate")
        )
        for number in range(3):
            sender.submit(done(number))
        sender.attempt(5)
        assert sender.counts.tasks.delivered == 3
        assert len(fake.requests) == 3

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials(self, make, fake, kept, status, caplog):
        """Sending stops, everything is kept, it is said once, and a flush probes."""
        sender = make(**kept)
        fake.always(status)
        for number in range(3):
            sender.submit(done(number))
            sender.attempt(5)
        assert len(fake.requests) == 1
        assert sender.counts.tasks.queued == 3
        assert caplog.text.count("credentials") == 1
        fake.always(None)
        assert sender.flush(10)
        assert settle(sender, lambda counts: counts.tasks.delivered == 3)
        assert caplog.text.count("takes tasks again") == 1

    def test_the_key_is_probed_every_30_seconds(self, make, fake):
        """Without a flush one request in 30 seconds asks again."""
        clock = Clock()
        sender = make(clock=clock)
        fake.always(401)
        sender.submit(done(1))
        sender.attempt(5)
        clock.now += 29
        sender.attempt(5)
        assert len(fake.requests) == 1
        clock.now += 2
        sender.attempt(5)
        assert len(fake.requests) == 2

    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_retry_after_holds_for_all_workers(self, make, fake, form):
        """Nobody sends while the server asked for quiet."""
        clock = Clock()
        sender = make(clock=clock, concurrency=4)
        fault = Fault.unavailable(503, retry_after=100)
        if form == "date":
            fault = Fault.unavailable_until(time.time() + 100)
        fake.script(fault)
        for number in range(5):
            sender.submit(done(number))
        sender.attempt(5)
        clock.now += 90
        sender.attempt(5)
        assert len(fake.requests) == 1
        clock.now += 20
        assert sender.flush(5)
        assert len(fake.tasks) == 5

    def test_one_at_a_time_after_an_outage(self, make, fake):
        """While the service is not known to work one request is under way."""
        sender = make(concurrency=8)
        fake.script(503, Fault(503, delay_s=0.1), Fault(503, delay_s=0.1))
        for number in range(20):
            sender.submit(done(number))
        sender.attempt(5)
        assert fake.wait_for_tasks(20)
        times = [request.at_s for request in fake.requests]
        assert times[2] - times[1] >= 0.05

    def test_a_task_that_always_fails_holds_up_no_other(self, make, fake):
        """What failed goes after what did not."""
        sender = make()
        fake.script(500, 201, 201)
        for number in range(3):
            sender.submit(done(number))
        assert sender.flush(10)
        keys = [request.key for request in fake.requests]
        assert keys == [done(n).key for n in (0, 1, 2, 0)]

    def test_state_is_told_once(self, make, fake, caplog):
        """A line for each change of state, not for each failure."""
        sender = make()
        fake.script(*[503] * 10)
        sender.submit(done(1))
        assert sender.flush(10)
        assert caplog.text.count("unavailable (503)") == 1
        assert caplog.text.count("takes tasks again") == 1

    def test_an_untrusted_server(self, make, caplog):
        """A certificate nobody signed is named, and nothing is sent."""
        with FakeInfinium(ssl_context=server_context()) as fake:
            sender = make(base_url=fake.base_url)
            sender.submit(done(1))
            sender.attempt(5)
            assert "certificate" in caplog.text
            assert fake.requests == []


class TestSize:
    """A task is never refused for its size if shrinking helps."""

    def big(self, number, steps=100, size=1_000):
        return done(
            number,
            steps=[
                ExecutionStep(n, "a", "d", output_preview="x" * size)
                for n in range(steps)
            ],
        )

    def test_too_large_for_anyone(self, make, fake, kept):
        """A task over 1 MiB is cut before it is kept, and counted."""
        sender = make(**kept)
        sender.submit(self.big(1, steps=3_000))
        sender.attempt(5)
        assert (sender.counts.shrunk, sender.counts.tasks.delivered) == (1, 1)
        assert fake.requests[0].wire_bytes <= MAX_BODY_BYTES

    def test_413_is_shrunk_once(self, make, fake, kept):
        """413 halves the task; the second answer counts, and the limit is kept."""
        sender = make(**kept)
        fake.max_body_bytes = 70_000
        sender.submit(self.big(1))
        sender.attempt(5)
        assert sender.counts.tasks.delivered == 1
        assert len(fake.requests) == 2
        sender.submit(self.big(2))
        sender.attempt(5)
        assert sender.counts.tasks.delivered == 2
        assert "truncated" in fake.tasks[1]["environment"]["custom_tags"]

    def test_413_for_ever(self, make, fake, kept):
        """A task is sent twice at most; what the service takes is learned."""
        sender = make(**kept)
        fake.max_body_bytes = 20_000
        sent = []
        for number in range(3):
            sender.submit(self.big(number))
            sender.attempt(5)
            sent.append(len(fake.requests))
        assert sent == [2, 3, 4]
        assert sender.counts.tasks.refused == {"413": 1}

    def test_413_of_what_cannot_shrink(self, make, fake):
        """A small task is not sent twice."""
        sender = make()
        fake.always(413)
        sender.submit(done(1))
        sender.attempt(5)
        assert len(fake.requests) == 1
        assert sender.counts.tasks.refused == {"413": 1}


class TestShutdown:
    """Leaving takes the time it is given, and loses only what it says."""

    def test_it_delivers_first(self, make, fake, kept):
        """What is queued goes out; a second shutdown does nothing."""
        sender = make(**kept)
        sender.submit(done(1))
        assert sender.shutdown(5)
        assert sender.shutdown(5)
        assert len(fake.tasks) == 1

    def test_what_cannot_go_is_lost_and_said(self, make, fake, caplog):
        """Without a spool what is left is lost, counted and told."""
        sender = make(draw=lambda: 1.0)
        fake.always(503)
        sender.submit(done(1, spans=4))
        assert not sender.shutdown(0.1)
        assert sender.counts.spans.lost == {"shutdown": 4}
        assert "Tasks not delivered before shutdown, and lost: 1" in caplog.text

    def test_with_a_spool_nothing_is_lost(self, make, fake, tmp_path):
        """Whatever the endpoint does, 2 seconds are enough and all is kept."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path, timeout_s=2.5)
        fake.always(Fault(breaks="hang"))
        for number in range(3):
            sender.submit(done(number))
        begin = time.monotonic()
        assert sender.shutdown(60)
        assert time.monotonic() - begin < 10
        assert [kept.state for kept in listing(path)] == ["waiting"] * 3
        fake.always(None)
        again = make(spool=path)
        again.wake()
        assert fake.wait_for_tasks(3)
        assert again.counts.tasks.submitted == 0

    def test_what_is_under_way_is_waited_for(self, make, fake):
        """A request under way may end before the deadline."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._dispatch.in_flight == 1)
        assert sender.shutdown(5)
        assert sender.counts.tasks.delivered == 1

    def test_late_for_what_is_under_way(self, make, fake):
        """Past the deadline nobody is waited for; what ends later changes nothing."""
        sender = make()
        fake.script(Fault(delay_s=0.5))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._dispatch.in_flight == 1)
        assert not sender.shutdown(0.05)
        assert sender.counts.tasks.lost == {"shutdown": 1}

    def test_use_after_shutdown(self, make):
        """A task that comes later is counted as lost, and nothing starts."""
        sender = make()
        sender.shutdown(0)
        assert not sender.submit(done(1))
        sender.attempt(1)
        sender.wake()
        assert not sender.flush(1)
        assert sender.counts.tasks.lost == {"after shutdown": 1}
        assert sender._workers == set()

    def test_at_interpreter_exit_no_thread_is_started(self, make, fake, monkeypatch):
        """Where threads cannot start any more the caller's own serves."""
        real = threading.Thread.start

        def refuse(thread):
            if thread.name == "infinium-otel-sender":
                raise RuntimeError("can't create new thread at interpreter shutdown")
            real(thread)

        sender = make()
        fake.script(503)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        sender.submit(done(1))
        sender.wake()
        assert sender._workers == set()
        assert sender.flush(5)


class TestTheSpool:
    """Durable if it can be, alive if it cannot."""

    @pytest.mark.parametrize("status", [None, 400])
    def test_an_end_counts_once_the_spool_knows(self, make, fake, tmp_path, status):
        """Whoever sees a task delivered or refused finds the spool's file so, too."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path)
        fake.always(status)
        sender.submit(done(1))
        seen = []
        ended = sender._stores.tallies._left

        def ending(place):
            seen.append([(kept.state, kept.reason) for kept in listing(path)])
            return ended(place)

        sender._stores.tallies._left = ending
        sender.flush(5)
        assert seen == [[("refused", "400")] if status else []]

    def test_a_spool_that_fails(self, make, fake, tmp_path, caplog):
        """Memory takes over, it is said once, and a flush is honest about it."""
        path = tmp_path / "s.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE precious (x)")
        connection.close()
        sender = make(spool=str(path), draw=lambda: 1.0)
        fake.always(503)
        assert sender.submit(done(1))
        assert sender.submit(done(2))
        assert not sender.durable
        assert not sender.flush(0.1)
        assert caplog.text.count("cannot be used") == 1
        path.unlink()
        assert sender.submit(done(3))
        assert sender.durable
        assert "works again" in caplog.text
        fake.always(None)
        assert sender.flush(5)
        assert settle(sender, lambda counts: counts.tasks.delivered == 3)

    def test_a_spool_that_breaks_under_way(self, make, fake, tmp_path, caplog):
        """Whatever the file does, nothing is raised and nothing uncounted."""
        sender = make(spool=str(tmp_path / "s.db"))
        fake.script(201, 422, 503, 401, 413, 413)
        for number in range(6):
            if number:
                sender._stores._spool._database.connection.execute(
                    "PRAGMA query_only = 0"
                )
            sender.submit(done(number, output_summary="x" * 20_000))
            place = sender._stores.take()
            sender._dispatch.in_flight += 1
            sender._stores._spool._database.connection.execute("PRAGMA query_only = 1")
            sender._deliver(place, 5)
            sender._dispatch.gate.hurry()
        sender._stores.hurry()
        sender.flush(0.01)
        assert balanced(sender.counts)
        assert "readonly" in caplog.text
        sender._stores._spool._database.connection.execute("PRAGMA query_only = 0")

    def test_a_spool_that_works_again(self, make, fake, tmp_path):
        """What it could not note it notes then: nothing is sent twice, nothing stuck."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path)
        fake.script(201, 503, 422)
        for number in range(3):
            sender.submit(done(number))
            place = sender._stores.take()
            sender._dispatch.in_flight += 1
            connection = sender._stores._spool._database.connection
            connection.execute("PRAGMA query_only = 1")
            sender._deliver(place, 5)
            connection.execute("PRAGMA query_only = 0")
        # Each look for a task catches up on what was owed before it.
        assert [kept.state for kept in listing(path)] == ["waiting", "sending"]
        assert sender.flush(5)
        assert [kept.state for kept in listing(path)] == ["refused"]
        assert len(fake.requests) == 4

    def test_a_spool_that_cannot_be_read(self, make, tmp_path, monkeypatch):
        """Where not even a look is possible nothing is ready, and nothing raises."""
        sender = make(spool=str(tmp_path / "s.db"), draw=lambda: 1.0)
        sender.submit(done(1))
        with sqlite3.connect(tmp_path / "s.db") as connection:
            connection.execute("DROP TABLE queue")
        connection.close()
        assert sender._stores.take() is None
        assert sender._stores.wait_s() is None
        sender._stores.reconcile()
        assert sender.counts.tasks.queued == 1

    def test_how_much_waits(self, make, fake, kept):
        """The bytes that wait are told, so that a gateway can hold back in time."""
        sender = make(**kept, draw=lambda: 1.0)
        assert sender.queued_bytes == 0
        fake.always(503)
        sender.submit(done(1))
        size = sender.queued_bytes
        assert size > 50
        sender.submit(done(2))
        assert sender.queued_bytes == 2 * size

    def test_how_much_waits_where_a_spool_fails(self, make, tmp_path):
        """A spool that cannot be read holds nothing that could be told."""
        (tmp_path / "s.db").mkdir()
        sender = make(spool=str(tmp_path / "s.db"))
        assert sender.queued_bytes == 0
        assert not sender.durable

    def test_what_others_did(self, make, fake, tmp_path):
        """Another process may deliver, refuse or give up what is ours: it is counted."""
        path = str(tmp_path / "s.db")
        mine = make(spool=path, draw=lambda: 1.0, max_spool_bytes=2**20)
        fake.script(401)
        for number in range(4):
            mine.submit(done(number, output_summary="x" * 300_000 * (number == 2)))
        mine.attempt(5)
        fake.script(201, 422)
        other = make(spool=path, max_spool_bytes=2**20)
        for _ in range(2):
            place = other._stores.take()
            other._dispatch.in_flight += 1
            other._deliver(place, 5)
        other.submit(done(9, output_summary="x" * 1_000_000))
        mine._stores.reconcile()
        tasks = mine.counts.tasks
        assert (tasks.delivered, tasks.refused) == (1, {"422": 1})
        assert tasks.lost == {"spool full": 1}
        assert tasks.queued == 1

    def test_a_full_spool_is_told(self, make, fake, tmp_path, caplog):
        """What makes room is lost, counted and told once."""
        sender = make(
            spool=str(tmp_path / "s.db"), max_spool_bytes=2**20, draw=lambda: 1.0
        )
        fake.always(503)
        for number in range(4):
            sender.submit(done(number, output_summary="x" * 500_000))
        assert sender.counts.tasks.lost == {"spool full": 2}
        assert caplog.text.count("was lost (spool full)") == 1
        assert not sender.flush(5)

    def test_the_same_key_twice(self, make, fake, tmp_path):
        """A task that is submitted again is sent once and both are accounted for."""
        sender = make(spool=str(tmp_path / "s.db"))
        sender.submit(done(1, spans=2))
        sender.submit(done(1, spans=3))
        assert sender.flush(5)
        assert sender.counts.tasks.delivered == 2
        assert sender.counts.spans.delivered == 5
        assert len(fake.requests) == 1


class TestWorkers:
    """Threads are there when they are needed, and not otherwise."""

    def test_as_many_as_allowed(self, make, fake):
        """With concurrency several requests are under way at once."""
        sender = make(concurrency=3)
        meeting = threading.Barrier(3, timeout=10)
        real = fake.answer_to

        def answer(received, store):
            if len(fake.requests) > 0:
                meeting.wait()
            return real(received, store)

        fake._server.answer_to = answer
        sender.submit(done(0))
        sender.attempt(5)
        for number in range(1, 7):
            sender.submit(done(number))
            sender.wake()
        assert fake.wait_for_tasks(7)
        assert meeting.broken is False

    def test_an_idle_worker_ends(self, make, fake, monkeypatch):
        """A worker with nothing to do goes; the next task starts another."""
        monkeypatch.setattr(senders, "IDLE_S", 0.01)
        sender = make()
        for number in range(2):
            sender.submit(done(number))
            sender.wake()
            assert fake.wait_for_tasks(number + 1)
            for worker in list(sender._workers):
                worker.join(10)
            assert sender._workers == set()

    def test_a_task_that_comes_as_a_worker_leaves(self, make, fake, monkeypatch):
        """A worker looks once more before it ends, so that no task is left alone."""
        sender = make()

        def wait(_):
            monkeypatch.undo()
            sender._tallies.submitted(1)
            sender._stores.put(done(1).key, encode(done(1).task), 1)
            return False

        monkeypatch.setattr(sender._dispatch.changed, "wait", wait)
        sender._start_worker()
        assert fake.wait_for_tasks(1)

    def test_a_burst_from_many_threads(self, make, fake, kept):
        """Every task of eight threads arrives once."""
        sender = make(**kept, concurrency=2)

        def submit(start):
            for number in range(20):
                sender.submit(done(start * 100 + number))
                sender.wake()

        threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert fake.wait_for_tasks(160, 30)
        assert settle(sender, lambda counts: counts.tasks.delivered == 160)
        assert len(fake.requests) == 160

    def test_a_worker_that_fails(self, make, fake, monkeypatch, caplog):
        """A worker's end is told, and the next task starts another."""
        sender = make()

        def fail(*_):
            monkeypatch.undo()
            raise ZeroDivisionError

        monkeypatch.setattr(sender._stores, "take", fail)
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: "ZeroDivisionError" in caplog.text)
        sender.wake()
        assert fake.wait_for_tasks(1)

    def test_a_task_that_cannot_be_encoded(self, make, caplog):
        """A task that makes encoding fail is lost alone, and counted."""
        sender = make()
        bad = done(1)
        bad.task = object()
        assert not sender.submit(bad)
        assert sender.counts.tasks.lost == {"not encodable": 1}


class TestForks:
    """A child starts clean and sends nothing of the parent's."""

    def test_a_child(self, make, fake, kept):
        """The child's own tasks arrive; the parent's arrive once."""
        sender = make(**kept, draw=lambda: 1.0)
        fake.script(503)
        sender.submit(done(1))
        sender.attempt(5)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                sender.after_fork_in_child()
                empty = sender.counts.tasks.submitted == 0
                sender.submit(done(2))
                sender.attempt(5)
                code = 0 if empty and sender.counts.tasks.submitted == 1 else 2
                sender.flush(5)
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert sender.flush(10)
        assert fake.wait_for_tasks(2)
        assert sorted(fake.keys) == [done(1).key, done(2).key]

    def test_before_the_first_use(self, make):
        """A fork before anything was opened leaves nothing to leave."""
        sender = make(client=Client())
        sender.after_fork_in_child()
        assert sender.counts.tasks.submitted == 0
        other = make()
        other.after_fork_in_child()
        other.shutdown(0)


class Vendor:
    """The vendor's exceptions, by name and attribute."""

    class ValidationError(Exception):
        status_code = None

    class RateLimitError(Exception):
        status_code = 429
        retry_after = 30


class TestClients:
    """Anything with `send_task_data` can deliver."""

    def test_a_client_of_ours(self, make, fake):
        """Our client carries the key of the task."""
        with InfiniumClient(**fake.settings) as client:
            sender = make(client=client)
            sender.submit(done(1))
            assert sender.flush(5)
        assert fake.keys == [done(1).key]

    def test_an_asynchronous_client(self, make, fake):
        """A client whose method must be awaited is awaited."""
        client = AsyncInfiniumClient(**fake.settings)
        sender = make(client=client)
        sender.submit(done(1))
        assert sender.flush(5)
        asyncio.run(client.close())
        assert fake.keys == [done(1).key]

    def test_no_credentials_are_needed(self, fake):
        """A client has its own credentials; without one they must be there."""
        Sender(Config(), client=Client())
        with pytest.raises(ConfigurationError, match="agent_id: missing"):
            Sender(Config())

    @pytest.mark.parametrize(
        ("error", "where"),
        [
            pytest.param(Status(422), ("refused", "422"), id="status"),
            pytest.param(
                Vendor.ValidationError(), ("refused", "validation"), id="validation"
            ),
            pytest.param(Vendor.RateLimitError(), ("queued", None), id="rate-limit"),
            pytest.param(Status(401), ("queued", None), id="credentials"),
            pytest.param(ValueError("secret"), ("queued", None), id="anything"),
        ],
    )
    def test_what_a_client_raises(self, make, error, where, caplog):
        """An exception is judged by its status, and its text is not repeated."""
        sender = make(client=Client(error), draw=lambda: 1.0)
        sender.submit(done(1))
        sender._deliver_until(time.monotonic() + 5, patient=False)
        kind, reason = where
        tasks = sender.counts.tasks
        assert tasks.queued == (kind == "queued")
        assert dict(tasks.refused) == ({reason: 1} if kind == "refused" else {})
        assert "secret" not in caplog.text

    def test_the_delay_a_client_tells(self, make):
        """The delay of a RateLimitError is kept."""
        clock = Clock()
        sender = make(client=Client(Vendor.RateLimitError()), clock=clock)
        sender.submit(done(1))
        sender._deliver_until(clock.now + 5, patient=False)
        assert sender._dispatch.gate.wait_s(clock.now) == 30.0


def test_the_secret_is_nowhere(make, fake, tmp_path, caplog):
    """No log line at the lowest level, no repr and no file holds the secret."""
    caplog.set_level(1)
    logging.getLogger().setLevel(1)
    path = tmp_path / "s.db"
    sender = make(spool=str(path))
    fake.script(503, 401, 422, Fault(breaks="before"))
    for number in range(4):
        sender.submit(done(number))
        sender.attempt(5)
        sender.flush(5)
    fake.close()
    sender.submit(done(9))
    sender.flush(1)
    shown = caplog.text + repr(sender) + repr(vars(sender)) + repr(sender._config)
    assert fake.agent_secret not in shown
    for file in tmp_path.iterdir():
        assert fake.agent_secret.encode() not in file.read_bytes()


def test_killed_after_submit(fake, tmp_path):
    """SIGKILL right after `submit`: the next process delivers everything, once."""
    script = textwrap.dedent(
        """
        import os, signal, sys
        sys.path.insert(0, sys.argv[3])
        from infinium_otel.config import Config
        from infinium_otel.delivery.sender import Sender
        from support.delivery import done

        config = Config(
            agent_id=sys.argv[4], agent_secret="fake-agent-secret",
            base_url=sys.argv[1], spool=sys.argv[2],
        )
        sender = Sender(config)
        for number in range(5):
            sender.submit(done(number))
            if number == 2:
                sender.attempt(5)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    path = str(tmp_path / "s.db")
    tests = str(Path(__file__).parents[1])
    killed = subprocess.run(
        [sys.executable, "-c", script, fake.base_url, path, tests, fake.agent_id],
        check=False,
    )
    assert killed.returncode == -9
    sender = Sender(Config(**fake.settings, spool=path))
    sender.wake()
    assert fake.wait_for_tasks(5)
    assert sender.shutdown(5)
    assert sorted(fake.keys) == [done(number).key for number in range(5)]
    assert len(fake.requests) == 5
