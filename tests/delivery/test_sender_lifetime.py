"""The sender over its lifetime: shutdown, spool, workers, forks, other clients."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery import workers
from infinium_otel.delivery.client import AsyncInfiniumClient, InfiniumClient
from infinium_otel.delivery.protocol import encode
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.storage.spool import list_tasks
from infinium_otel.errors import ConfigurationError
from infinium_otel.testing import Fault
from support.delivery import Client, Clock, Status, balanced, done
from support.senders import settle


class TestShutdown:
    """A shutdown takes the time it is given, and reports what it loses."""

    def test_it_delivers_first(self, make, fake, kept):
        """Queued tasks are delivered; a second shutdown does nothing."""
        sender = make(**kept)
        sender.submit(done(1))
        assert sender.shutdown(5)
        assert sender.shutdown(5)
        assert len(fake.tasks) == 1

    def test_undelivered_tasks_are_lost_and_logged(self, make, fake, caplog):
        """Without a spool undelivered tasks are lost, counted and logged."""
        sender = make(draw=lambda: 1.0)
        fake.always(503)
        sender.submit(done(1, spans=4))
        assert not sender.shutdown(0.1)
        assert sender.counts.spans.lost == {"shutdown": 4}
        assert "Tasks not delivered before shutdown, and lost: 1" in caplog.text

    @pytest.mark.timeout(600)
    def test_with_a_spool_nothing_is_lost(self, make, fake, tmp_path):
        """For any endpoint, 2 seconds are enough and everything is kept."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path, timeout_s=600)
        fake.always(Fault(breaks="hang"))
        for number in range(3):
            sender.submit(done(number))
        assert sender.shutdown(3_600)
        assert [kept.state for kept in list_tasks(path)] == ["waiting"] * 3
        fake.always(None)
        again = make(spool=path)
        again.wake()
        assert fake.wait_for_tasks(3)
        assert again.counts.tasks.submitted == 0
        fake.close()  # ends the requests that hang, which the fixture would wait for

    def test_it_waits_for_a_request(self, make, fake):
        """A request may end before the deadline."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._scheduler.in_flight == 1)
        assert sender.shutdown(5)
        assert sender.counts.tasks.delivered == 1

    def test_a_request_past_the_deadline(self, make, fake):
        """It is not waited for, and its later end changes nothing."""
        sender = make()
        fake.script(Fault(delay_s=0.5))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._scheduler.in_flight == 1)
        assert not sender.shutdown(0.05)
        assert sender.counts.tasks.lost == {"shutdown": 1}

    def test_use_after_shutdown(self, make):
        """A later task is counted as lost, and nothing starts."""
        sender = make()
        sender.shutdown(0)
        assert not sender.submit(done(1))
        sender.attempt(1)
        sender.wake()
        assert not sender.flush(1)
        assert sender.counts.tasks.lost == {"after shutdown": 1}
        assert not sender._workers.threads

    def test_at_interpreter_exit_no_thread_is_started(self, make, fake, monkeypatch):
        """If no thread can start, the caller's thread delivers."""
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
        assert not sender._workers.threads
        assert sender.flush(60)


class TestTheSpool:
    """Tasks are durable if possible; a failing spool stops nothing."""

    @pytest.mark.parametrize("status", [None, 400])
    def test_counts_change_after_the_spool(self, make, fake, tmp_path, status):
        """When a task counts as delivered or refused, the spool's file agrees."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path)
        fake.always(status)
        sender.submit(done(1))
        seen = []
        ended = sender._queue.counters._remove

        def ending(lease):
            seen.append([(kept.state, kept.reason) for kept in list_tasks(path)])
            return ended(lease)

        sender._queue.counters._remove = ending
        sender.flush(5)
        assert seen == [[("refused", "400")] if status else []]

    def test_a_spool_that_fails(self, make, fake, tmp_path, caplog):
        """Tasks stay in memory, one line is logged, and a flush returns False."""
        path = tmp_path / "s.db"
        with closing(sqlite3.connect(path)) as connection, connection:
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
        assert sender.flush(60)
        assert settle(sender, lambda counts: counts.tasks.delivered == 3)

    def test_a_spool_that_breaks_during_delivery(self, make, fake, tmp_path, caplog):
        """Nothing is raised, and everything is counted."""
        sender = make(spool=str(tmp_path / "s.db"))
        fake.script(201, 422, 503, 401, 413, 413)
        for number in range(6):
            if number:
                sender._queue._spool._database.connection.execute(
                    "PRAGMA query_only = 0"
                )
            sender.submit(done(number, output_summary="x" * 20_000))
            lease = sender._queue.claim()
            sender._scheduler.in_flight += 1
            sender._queue._spool._database.connection.execute("PRAGMA query_only = 1")
            sender._deliver(lease, 5)
            sender._scheduler.breaker.half_open()
        sender._queue.make_due()
        sender.flush(0.01)
        assert balanced(sender.counts)
        assert "readonly" in caplog.text
        sender._queue._spool._database.connection.execute("PRAGMA query_only = 0")

    def test_a_spool_that_works_again(self, make, fake, tmp_path):
        """Deferred updates are applied: nothing is sent twice or stays claimed."""
        path = str(tmp_path / "s.db")
        sender = make(spool=path)
        fake.script(201, 503, 422)
        for number in range(3):
            sender.submit(done(number))
            lease = sender._queue.claim()
            sender._scheduler.in_flight += 1
            connection = sender._queue._spool._database.connection
            connection.execute("PRAGMA query_only = 1")
            sender._deliver(lease, 5)
            connection.execute("PRAGMA query_only = 0")
        # Each claim first applies the updates that were deferred before it.
        assert [kept.state for kept in list_tasks(path)] == ["waiting", "sending"]
        assert sender.flush(60)
        assert [kept.state for kept in list_tasks(path)] == ["refused"]
        assert len(fake.requests) == 4

    def test_a_spool_that_cannot_be_read(self, make, tmp_path, monkeypatch):
        """If it cannot be read, nothing is due, and nothing is raised."""
        sender = make(spool=str(tmp_path / "s.db"), draw=lambda: 1.0)
        sender.submit(done(1))
        with closing(sqlite3.connect(tmp_path / "s.db")) as connection, connection:
            connection.execute("DROP TABLE queue")
        connection.close()
        assert sender._queue.claim() is None
        assert sender._queue.wait_s() is None
        sender._queue.reconcile()
        assert sender.counts.tasks.queued == 1

    def test_queued_bytes(self, make, fake, kept):
        """The queued bytes are reported, for the gateway's back pressure."""
        sender = make(**kept, draw=lambda: 1.0)
        assert sender.queued_bytes == 0
        fake.always(503)
        sender.submit(done(1))
        size = sender.queued_bytes
        assert size > 50
        sender.submit(done(2))
        assert sender.queued_bytes == 2 * size

    def test_queued_bytes_of_a_failing_spool(self, make, tmp_path):
        """A spool that cannot be read reports no bytes."""
        (tmp_path / "s.db").mkdir()
        sender = make(spool=str(tmp_path / "s.db"))
        assert sender.queued_bytes == 0
        assert not sender.durable

    def test_results_of_other_processes(self, make, fake, tmp_path):
        """Another process may deliver, refuse or drop our tasks: this is counted."""
        path = str(tmp_path / "s.db")
        mine = make(spool=path, draw=lambda: 1.0, max_spool_bytes=2**20)
        fake.script(401)
        for number in range(4):
            mine.submit(done(number, output_summary="x" * 300_000 * (number == 2)))
        mine.attempt(5)
        fake.script(201, 422)
        other = make(spool=path, max_spool_bytes=2**20)
        for _ in range(2):
            lease = other._queue.claim()
            other._scheduler.in_flight += 1
            other._deliver(lease, 5)
        other.submit(done(9, output_summary="x" * 1_000_000))
        mine._queue.reconcile()
        tasks = mine.counts.tasks
        assert (tasks.delivered, tasks.refused) == (1, {"422": 1})
        assert tasks.lost == {"spool full": 1}
        assert tasks.queued == 1

    def test_a_full_spool_is_logged(self, make, fake, tmp_path, caplog):
        """Dropped tasks are lost, counted and logged once."""
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
        """A task submitted twice is sent once and counted twice."""
        sender = make(spool=str(tmp_path / "s.db"))
        sender.submit(done(1, spans=2))
        sender.submit(done(1, spans=3))
        assert sender.flush(60)
        assert sender.counts.tasks.delivered == 2
        assert sender.counts.spans.delivered == 5
        assert len(fake.requests) == 1


class TestWorkers:
    """Threads run only while they are needed."""

    def test_as_many_as_allowed(self, make, fake):
        """With a concurrency above 1, several requests are sent at the same time."""
        sender = make(concurrency=3)
        meeting = threading.Barrier(3, timeout=10)
        real = fake.respond

        def respond(received, store):
            if len(fake.requests) > 0:
                meeting.wait()
            return real(received, store)

        fake._server.respond = respond
        sender.submit(done(0))
        sender.attempt(5)
        for number in range(1, 7):
            sender.submit(done(number))
            sender.wake()
        assert fake.wait_for_tasks(7)
        assert meeting.broken is False

    def test_no_more_than_allowed(self, make, fake):
        """Each task may start a worker, up to the concurrency."""
        sender = make(concurrency=2)
        for number in range(6):
            sender.submit(done(number))
            sender.wake()
            assert len(sender._workers.threads) <= 2
        assert fake.wait_for_tasks(6)

    def test_an_idle_worker_ends(self, make, fake, monkeypatch):
        """An idle worker ends; the next task starts another."""
        monkeypatch.setattr(workers, "IDLE_S", 0.01)
        sender = make()
        for number in range(2):
            sender.submit(done(number))
            sender.wake()
            assert fake.wait_for_tasks(number + 1)
            for worker in list(sender._workers.threads):
                worker.join(10)
            assert not sender._workers.threads

    def test_a_task_queued_as_a_worker_ends(self, make, fake, monkeypatch):
        """A worker checks once more before it ends."""
        sender = make()

        def wait(_):
            monkeypatch.undo()
            sender._counters.count_submitted(1)
            sender._queue.put(done(1).key, encode(done(1).task), 1)
            return False

        monkeypatch.setattr(sender._scheduler.changed, "wait", wait)
        sender._workers.start()
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

    @pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
    def test_a_worker_that_fails(self, make, fake, monkeypatch, caplog, error):
        """The failure is logged, and the next task starts another worker."""
        sender = make()

        def fail(*_):
            monkeypatch.undo()
            raise error

        monkeypatch.setattr(sender._queue, "claim", fail)
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: error.__name__ in caplog.text)
        sender.wake()
        assert fake.wait_for_tasks(1)

    def test_a_task_that_cannot_be_encoded(self, make, caplog):
        """Only this task is lost, and it is counted."""
        sender = make()
        bad = done(1)
        del bad.task.name
        assert not sender.submit(bad)
        assert sender.counts.tasks.lost == {"not encodable": 1}


class TestForks:
    """A child starts empty and sends nothing of its parent."""

    def test_a_child(self, make, fake, kept):
        """The child's tasks arrive; the parent's arrive once."""
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
        assert sender.flush(60)
        assert fake.wait_for_tasks(2)
        assert sorted(fake.keys) == [done(1).key, done(2).key]

    def test_before_the_first_use(self, make):
        """A fork before the first use has nothing to drop."""
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
        """Our client sends the key of the task."""
        with InfiniumClient(**fake.settings) as client:
            sender = make(client=client)
            sender.submit(done(1))
            assert sender.flush(60)
        assert fake.keys == [done(1).key]

    def test_an_asynchronous_client(self, make, fake):
        """A client with an async method is awaited."""
        client = AsyncInfiniumClient(**fake.settings)
        sender = make(client=client)
        sender.submit(done(1))
        assert sender.flush(60)
        asyncio.run(client.close())
        assert fake.keys == [done(1).key]

    def test_no_credentials_are_needed(self, fake):
        """With a client no credentials are needed; without one they are."""
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
        """An exception is classified by its status; its text is not repeated."""
        sender = make(client=Client(error), draw=lambda: 1.0)
        sender.submit(done(1))
        sender._caller_delivery.run(time.monotonic() + 5, wait=False)
        kind, reason = where
        tasks = sender.counts.tasks
        assert tasks.queued == (kind == "queued")
        assert dict(tasks.refused) == ({reason: 1} if kind == "refused" else {})
        assert "secret" not in caplog.text

    def test_the_delay_of_a_rate_limit_error(self, make):
        """The delay of a RateLimitError is respected."""
        clock = Clock()
        sender = make(client=Client(Vendor.RateLimitError()), clock=clock)
        sender.submit(done(1))
        sender._caller_delivery.run(clock.now + 5, wait=False)
        assert sender._scheduler.breaker.wait_s(clock.now) == 30.0


def test_killed_after_submit(fake, tmp_path):
    """SIGKILL right after `submit`: the next process delivers everything once."""
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
