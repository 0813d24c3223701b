"""The sender: no silent loss, no duplicates, no unnecessary waiting."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from infinium_otel.delivery.retry_limit import RetryLimit
from infinium_otel.delivery.storage.spool import list_tasks
from infinium_otel.taskdata import ExecutionStep
from infinium_otel.taskdata.limits import MAX_BODY_BYTES
from infinium_otel.testing import FakeInfinium, Fault
from support.delivery import Client, Clock, Status, done
from support.loopback import server_context
from support.senders import settle

AN_HOUR_S = 3_600.0


class TestTheFirstAttempt:
    """`submit` queues, `attempt` delivers in the caller's thread."""

    def test_delivered_at_once(self, make, fake, kept):
        """A working delivery is done when `attempt` returns, without a thread."""
        sender = make(**kept)
        assert sender.submit(done(1, spans=3))
        sender.attempt(5)
        assert (sender.counts.tasks.delivered, sender.counts.spans.delivered) == (1, 3)
        assert not sender._workers.threads
        assert fake.keys == [done(1).key]
        assert fake.complaints == []

    def test_nothing_is_opened_before_it_is_needed(self, make, tmp_path):
        """Creating a sender creates no thread, no socket and no file."""
        before = set(threading.enumerate())
        sender = make(spool=str(tmp_path / "s.db"))
        assert list(tmp_path.iterdir()) == []
        assert set(threading.enumerate()) <= before
        assert sender._backend._transport is None

    def test_a_checkpoint(self, make, fake, kept):
        """True once all earlier tasks are delivered, refused or on disk."""
        sender = make(**kept)
        fake.always(503)
        sender.submit(done(1))
        passed = sender.checkpoint()
        assert passed() == bool(kept)
        fake.always(None)
        fake.script(200)
        assert sender.flush(60)
        fake.always(503)
        sender.submit(done(2))
        assert passed()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_an_interrupted_attempt(self, make, kept, error):
        """Ctrl-C or a time limit in the middle of it: the task stays queued, and is sent."""
        client = Client(error())
        sender = make(client=client, **kept)
        sender.submit(done(1))
        with pytest.raises(error):
            sender.flush(5)
        assert sender.in_flight == 0
        assert sender.counts.tasks.queued == 1
        assert sender.flush(60)
        assert len(client.sent) == 1

    def test_it_stops_at_the_first_failure(self, make, fake, kept):
        """The rest is retried in the background; the caller waits for no backoff."""
        sender = make(**kept, draw=lambda: 1.0)
        fake.script(503)
        sender.submit(done(1))
        sender.submit(done(2))
        sender.attempt(30)
        assert sender.counts.tasks.queued == 2
        assert len(fake.requests) == 1
        assert fake.wait_for_tasks(2)

    def test_it_never_waits_for_the_rate_limit(self, make, fake):
        """Tasks over the rate are sent in the background."""
        sender = make(requests_per_second=5, burst=1)
        for number in range(3):
            sender.submit(done(number))
        sender.attempt(30)
        assert len(fake.requests) == 1
        assert fake.wait_for_tasks(3)
        times = [request.at_s for request in fake.requests]
        assert times[2] - times[0] >= 0.35

    def test_no_time(self, make, fake):
        """Without any time, nothing is attempted in the caller's thread."""
        sender = make(client=Client(Status(503)))
        sender.submit(done(1))
        sender.attempt(0)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)

    def test_it_waits_for_its_turn(self, make, fake):
        """While another request is being sent it waits, then delivers."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        fake.wait_for(lambda f: True)
        sender.submit(done(2))
        sender.attempt(5)
        assert settle(sender, lambda counts: counts.tasks.delivered == 2)


class TestFlush:
    """A flush returns True only if everything is safe."""

    def test_nothing_to_do(self, make):
        """Flushing an empty queue returns True."""
        assert make().flush(0)

    def test_it_waits_for_retries_in_memory(self, make, fake):
        """Without a spool it retries until everything is delivered."""
        sender = make()
        fake.script(503, 500, Fault(breaks="close"))
        sender.submit(done(1))
        assert sender.flush(60)
        assert len(fake.tasks) == 1
        assert len({request.key for request in fake.requests}) == 1

    def test_it_is_false_while_tasks_are_not_safe(self, make, fake):
        """Without a spool undelivered tasks are not safe."""
        sender = make(draw=lambda: 1.0)
        fake.always(503)
        sender.submit(done(1))
        assert not sender.flush(0.2)

    @pytest.mark.timeout(600)
    def test_a_spool_is_safe(self, make, fake, tmp_path):
        """With a spool it makes one attempt and does not wait."""
        sender = make(spool=str(tmp_path / "s.db"), draw=lambda: 1.0)
        fake.always(503)
        for number in range(3):
            sender.submit(done(number))
        assert sender.flush(AN_HOUR_S)
        assert sender.counts.tasks.queued == 3

    def test_never_true_after_a_loss(self, make):
        """A loss makes the next flush return False, and only that one."""
        sender = make(client=Client(), max_queued_tasks=1)
        sender.submit(done(1))
        assert not sender.submit(done(2))
        assert sender.counts.tasks.lost == {"queue full": 1}
        assert not sender.flush(5)
        assert sender.flush(60)

    def test_a_refused_task_is_lost_without_a_spool(self, make, fake, kept):
        """Memory does not keep refused tasks; the spool does."""
        sender = make(**kept)
        fake.script(422)
        sender.submit(done(1))
        assert sender.flush(60) is bool(kept)

    def test_it_waits_for_requests_of_workers(self, make, fake):
        """A flush waits for the worker that is sending the task."""
        sender = make()
        fake.script(Fault(delay_s=0.2))
        sender.submit(done(1))
        sender.wake()
        assert settle(sender, lambda _: sender._scheduler.in_flight == 1)
        assert sender.flush(60)
        assert len(fake.requests) == 1

    @pytest.mark.timeout(600)
    def test_refused_credentials_are_not_waited_for(self, make, fake):
        """A flush ends at once if the credentials are refused."""
        sender = make()
        fake.always(401)
        sender.submit(done(1))
        assert not sender.flush(AN_HOUR_S)
        assert len(fake.requests) == 1
        fake.always(None)
        assert sender.flush(60)  # at once, within the 30 seconds

    def test_a_flush_ends_a_pause(self, make, fake):
        """Tasks that wait for a backoff are sent at once."""
        sender = make(draw=lambda: 1.0, client=Client(*[Status(500)] * 6))
        sender.submit(done(1))
        for _ in range(6):
            assert not sender.flush(0.01)
        assert sender.flush(1)

    def test_the_pause_of_the_server_is_kept(self, make, fake):
        """No request is sent before Retry-After has passed, not even by a flush."""
        sender = make()
        fake.always(Fault.unavailable(429, retry_after=60))
        sender.submit(done(1))
        sender.submit(done(2))
        sender.attempt(1)
        assert not sender.flush(0.2)
        assert len(fake.requests) == 1


class TestRetries:
    """Temporary failures are retried, permanent ones are not."""

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
        """The background delivers a failed task under the same key."""
        sender = make(**kept)
        fake.script(fault, fault, fault)
        sender.submit(done(1))
        sender.attempt(5)
        assert fake.wait_for_tasks(1)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)
        assert {request.key for request in fake.requests} == {done(1).key}

    def test_a_response_that_comes_too_late(self, make, fake, kept):
        """A stored task whose response timed out is sent again under the same key."""
        sender = make(**kept, timeout_s=0.2)
        fake.script(Fault(breaks="hang", store=True))
        sender.submit(done(1))
        assert sender.flush(60)
        assert settle(sender, lambda counts: counts.tasks.delivered == 1)
        assert len(fake.tasks) == 1

    @pytest.mark.parametrize("status", [302, 400, 404, 409, 415, 422])
    def test_refused_once(self, make, fake, kept, status, caplog):
        """A refusal is final: counted by status, kept in the spool, logged once."""
        sender = make(**kept)
        fake.script(status, status)
        for number in range(3):
            sender.submit(done(number, spans=2))
        sender.attempt(5)
        assert len(fake.requests) == 3
        assert sender.counts.tasks.refused == {str(status): 2}
        assert sender.counts.spans.refused == {str(status): 4}
        assert caplog.text.count("refused a task") == 1
        assert ("INFINIUM_BASE_URL" in caplog.text) == (status == 404)
        if kept:
            assert [k.state for k in list_tasks(kept["spool"])] == ["refused"] * 2

    def test_a_success_with_an_odd_body(self, make, fake, kept):
        """2xx is a success, whatever the body contains."""
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
        """Sending stops, everything is kept, one line is logged, a flush retries."""
        sender = make(**kept)
        fake.always(status)
        for number in range(3):
            sender.submit(done(number))
            sender.attempt(5)
        assert len(fake.requests) == 1
        assert sender.counts.tasks.queued == 3
        assert caplog.text.count("credentials") == 1
        fake.always(None)
        assert sender.flush(60)
        assert settle(sender, lambda counts: counts.tasks.delivered == 3)
        assert caplog.text.count("accepts tasks again") == 1

    def test_the_key_is_probed_every_30_seconds(self, make, fake):
        """Without a flush, one request every 30 seconds tries the key."""
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
        """No thread sends before Retry-After has passed."""
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
        assert sender.flush(60)
        assert len(fake.tasks) == 5

    def test_one_at_a_time_after_an_outage(self, make, fake):
        """Until a request succeeds, only one at a time is sent."""
        sender = make(concurrency=8)
        fake.script(503, Fault(503, delay_s=0.1), Fault(503, delay_s=0.1))
        for number in range(20):
            sender.submit(done(number))
        sender.attempt(5)
        assert fake.wait_for_tasks(20)
        times = [request.at_s for request in fake.requests]
        assert times[2] - times[1] >= 0.05

    def test_a_task_that_always_fails_holds_up_no_other(self, make, fake):
        """Failed tasks come after the others."""
        sender = make()
        fake.script(500, 201, 201)
        for number in range(3):
            sender.submit(done(number))
        assert sender.flush(60)
        keys = [request.key for request in fake.requests]
        assert keys == [done(n).key for n in (0, 1, 2, 0)]

    def test_state_changes_are_logged_once(self, make, fake, caplog):
        """One line per change of state, not per failure."""
        sender = make()
        fake.script(*[503] * 10)
        sender.submit(done(1))
        assert sender.flush(60)
        assert caplog.text.count("unavailable (503)") == 1
        assert caplog.text.count("accepts tasks again") == 1

    def test_an_untrusted_server(self, make, caplog):
        """An untrusted certificate is logged, and nothing is sent."""
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
        """A task over 1 MiB is cut before it is queued, and counted."""
        sender = make(**kept, timeout_s=30)
        sender.submit(self.big(1, steps=3_000))
        sender.attempt(30)
        assert (sender.counts.shrunk, sender.counts.tasks.delivered) == (1, 1)
        assert fake.requests[0].wire_bytes <= MAX_BODY_BYTES

    def test_413_is_shrunk_once(self, make, fake, kept):
        """413 halves the task; the second response is final, and the limit is kept."""
        sender = make(**kept)
        fake.max_body_bytes = 70_000
        sender.submit(self.big(1))
        sender.attempt(30)
        assert sender.counts.tasks.delivered == 1
        assert len(fake.requests) == 2
        sender.submit(self.big(2))
        sender.attempt(30)
        assert sender.counts.tasks.delivered == 2
        assert "truncated" in fake.tasks[1]["environment"]["custom_tags"]

    def test_413_for_ever(self, make, fake, kept):
        """A task is sent at most twice; the size limit adapts."""
        sender = make(**kept)
        fake.max_body_bytes = 20_000
        sent = []
        for number in range(3):
            sender.submit(self.big(number))
            sender.attempt(30)
            sent.append(len(fake.requests))
        assert sent == [2, 3, 4]
        assert sender.counts.tasks.refused == {"413": 1}

    def test_413_of_what_cannot_shrink(self, make, fake):
        """A small task is not sent twice."""
        sender = make()
        fake.always(413)
        sender.submit(done(1))
        sender.attempt(30)
        assert len(fake.requests) == 1
        assert sender.counts.tasks.refused == {"413": 1}


def test_the_secret_is_nowhere(make, fake, tmp_path, caplog):
    """No log line at any level, no repr and no file contains the secret."""
    caplog.set_level(1)
    logging.getLogger().setLevel(1)
    path = tmp_path / "s.db"
    sender = make(spool=str(path))
    fake.script(503, 401, 422, Fault(breaks="before"))
    for number in range(4):
        sender.submit(done(number))
        sender.attempt(30)
        sender.flush(5)
    fake.close()
    sender.submit(done(9))
    sender.flush(1)
    shown = caplog.text + repr(sender) + repr(vars(sender)) + repr(sender._config)
    assert fake.agent_secret not in shown
    for file in tmp_path.iterdir():
        assert fake.agent_secret.encode() not in file.read_bytes()


class TestDeadLetters:
    """What is refused for good can be kept elsewhere."""

    def test_a_refused_task_that_is_kept_is_not_lost(self, make, fake):
        """It is refused, and counts as no loss."""
        sender = make()
        kept = []
        sender.keep_refused = lambda item, *rest: kept.append((item.key, *rest)) or True
        fake.script(400)
        sender.submit(done(1))
        sender.attempt(30)
        assert [key for key, *_ in kept] == [done(1).key]
        assert sender.counts.tasks.refused == {"400": 1}
        assert sender.losses == 0

    def test_a_refused_task_that_cannot_be_kept_now_stays(self, make, fake):
        """It is tried again, and kept then."""
        sender = make()
        results = iter((False, True))
        sender.keep_refused = lambda *_: next(results)
        fake.always(400)
        sender.submit(done(1))
        sender.attempt(30)
        assert sender.counts.tasks.queued == 1
        assert sender.flush(60)
        assert sender.counts.tasks.refused == {"400": 1}

    def test_a_task_past_its_retry_limit(self, make, fake):
        """It is kept with the dead letters, while others are delivered."""
        limit = RetryLimit(2, 1e9, time.monotonic)
        sender = make(retry_limit=limit)
        sender.keep_refused = lambda *_: True
        fake.script(500, 200, 500)
        sender.submit(done(1))
        sender.submit(done(2))
        assert sender.flush(60)
        assert sender.counts.tasks.refused == {"retries exhausted": 1}
        assert sender.counts.tasks.delivered == 1

    def test_a_task_past_its_retry_limit_that_nothing_keeps(self, make, fake):
        """It is tried on."""
        limit = RetryLimit(1, 1e9, time.monotonic)
        sender = make(retry_limit=limit)
        fake.script(500, 200, 500)
        sender.submit(done(1))
        sender.submit(done(2))
        assert sender.flush(60)
        assert sender.counts.tasks.delivered == 2

    def test_a_task_taken_back(self, make, fake):
        """As if it had not been submitted, unless it is being sent."""
        sender = make(retry_limit=RetryLimit(1, 1, time.monotonic))
        task_id, _ = sender.enqueue(done(1))
        assert sender.undecided_ids == {task_id}
        assert sender.withdraw(task_id)
        assert not sender.withdraw(task_id)
        assert sender.counts.tasks.submitted == sender.counts.tasks.queued == 0
        task_id, _ = sender.enqueue(done(2))
        sender._scheduler.claim()
        assert not sender.withdraw(task_id)
