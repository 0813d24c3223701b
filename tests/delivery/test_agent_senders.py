"""Several agents' senders as one."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from inspect import signature
from types import SimpleNamespace

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery import agent_senders
from infinium_otel.delivery.agent_senders import AgentSenders
from infinium_otel.delivery.retry_limit import RetryLimit
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.task_sender import TaskSender
from infinium_otel.taskdata import TaskData
from infinium_otel.testing import FakeInfinium

OTHER = "99999999-2222-4333-8444-555555555555"


@dataclass
class Task:
    """A task for an agent."""

    key: str
    agent: str = ""
    spans: int = 2

    @property
    def task(self):
        return TaskData(
            name=self.key,
            description="a run",
            current_datetime="2026-01-01T00:00:00Z",
            duration=1.0,
        )


def make_senders(fake, secret="other-secret", **settings):
    config = Config(**fake.settings, requests_per_second=1000, **settings)
    other = config.but(agent_id=OTHER, agent_secret=secret)
    return AgentSenders({"": Sender(config), "b": Sender(other, label="b")})


def agents_of(fake):
    return {request.key: request.headers["x-agent-id"] for request in fake.requests}


def test_each_task_goes_to_its_agent():
    """With its credentials; all counts are of both together."""
    with FakeInfinium(more_agents={OTHER: "other-secret"}) as fake:
        senders = make_senders(fake)
        senders.submit(Task("one"))
        senders.submit(Task("two", "b"))
        assert senders.counts.tasks.queued == senders.queued_tasks == 2
        assert senders.queued_bytes == senders.queued_bytes_in_memory > 0
        assert senders.flush(60)
        assert agents_of(fake) == {"one": fake.agent_id, "two": OTHER}
        assert senders.counts.tasks.delivered == 2
        assert senders.counts.spans.delivered == 4
        assert senders.shutdown(5)
    assert fake.complaints == []


def test_a_refused_agent_holds_up_no_other(caplog):
    """Its tasks wait, the others' are delivered, and the log names it.

    Source: open-telemetry/opentelemetry-collector-contrib#31775: behind the routing
    connector, an outage of one endpoint blocks all others.
    """
    with FakeInfinium() as fake, caplog.at_level(logging.ERROR):
        senders = make_senders(fake)
        senders.submit(Task("one", "b"))
        senders.submit(Task("two"))
        assert not senders.flush(2)
        assert fake.keys == ["two"]
        assert senders.state == "closed"
        assert senders.by_name["b"].state == "credentials refused"
        assert "refused the credentials of the agent b (401)" in caplog.text
        senders.shutdown(0)
        assert senders.losses == 1


def test_an_agent_that_works_again(caplog):
    """The log names it, as it does for an outage."""
    with FakeInfinium(more_agents={OTHER: "other-secret"}) as fake:
        senders = make_senders(fake)
        fake.script(503)
        senders.submit(Task("one", "b"))
        senders.attempt(5)
        assert senders.flush(60)
        senders.shutdown(0)
    assert "tasks of the agent b are kept and retried" in caplog.text
    assert "accepts tasks of the agent b again" in caplog.text


def test_ids_are_unique_and_lead_back():
    """A task is withdrawn from the sender that has it."""
    with FakeInfinium() as fake:
        fake.always(503)
        senders = make_senders(fake)
        ids = [senders.enqueue(Task(f"{n}", "b" * (n % 2)))[0] for n in range(6)]
        assert senders.undecided_ids == set(ids)
        assert len(set(ids)) == 6
        assert senders.withdraw(ids[3])
        assert senders.undecided_ids == {*ids} - {ids[3]}
        assert senders.by_name["b"].counts.tasks.queued == 2
        assert not senders.withdraw(ids[3])
        senders.shutdown(0)


def test_a_task_that_is_not_queued_has_no_id():
    """After a shutdown nothing is queued; a reopened sender takes it."""
    with FakeInfinium() as fake:
        senders = make_senders(fake)
        senders.shutdown(0)
        assert senders.enqueue(Task("one")) == (None, False)
        senders.reopen()
        assert senders.enqueue(Task("two"))[1]
        senders.flush(10)
        assert fake.keys == ["two"]
        senders.shutdown(0)


def test_every_attempt_is_reported():
    """Whoever sends; each sender has its agent's id."""
    with FakeInfinium(more_agents={OTHER: "other-secret"}) as fake:
        senders = make_senders(fake)
        attempts = []
        senders.on_attempt = lambda result, _: attempts.append(result.reason)
        assert senders.by_name["b"].on_attempt == senders.on_attempt
        assert senders.by_name["b"].agent_id == OTHER
        fake.always(422)
        senders.submit(Task("one"))
        senders.submit(Task("two", "b"))
        senders.flush(10)
        assert attempts == ["422", "422"]
        senders.shutdown(0)


def test_with_spools(tmp_path):
    """Durable only if every agent's is; synced by one call."""
    with FakeInfinium(more_agents={OTHER: "other-secret"}) as fake:
        senders = make_senders(fake)
        assert not senders.durable
        assert senders.sync() is None
        spool = str(tmp_path / "spool.db")
        config = Config(**fake.settings, spool=spool)
        other = config.but(
            agent_id=OTHER, agent_secret="other-secret", spool=f"{spool}.b"
        )
        spooled = AgentSenders({"": Sender(config), "b": Sender(other)})
        assert spooled.durable
        spooled.submit(Task("one", "b"))
        assert spooled.undecided_ids == set()
        assert (tmp_path / "spool.db.b").exists()
        spooled.sync()
        assert spooled.flush(60)
        spooled.after_fork_in_child()
        assert spooled.counts.tasks.queued == 0
        spooled.wake()
        spooled.shutdown(5)
        senders.shutdown(0)


def test_at_the_end_of_the_interpreter(monkeypatch):
    """No thread can be started then: one agent after the other."""
    with FakeInfinium(more_agents={OTHER: "other-secret"}) as fake:
        senders = make_senders(fake)
        senders.submit(Task("one"))
        senders.submit(Task("two", "b"))

        class NoThread(threading.Thread):
            def start(self):
                raise RuntimeError("can't create new thread at interpreter shutdown")

        monkeypatch.setattr(
            agent_senders, "threading", SimpleNamespace(Thread=NoThread)
        )
        assert senders.flush(60)
        assert set(fake.keys) == {"one", "two"}
        senders.shutdown(0)


@pytest.mark.parametrize("count", [1, 3])
def test_one_without_a_response_delays_no_other(count):
    """Each is flushed in a thread of its own, with the whole time."""
    hangs, works = FakeInfinium(), FakeInfinium()
    with hangs, works:
        senders = AgentSenders(
            {
                str(n): Sender(Config(**(works if n == count else hangs).settings))
                for n in range(count + 1)
            }
        )
        hangs.always(503)
        for n in range(count + 1):
            senders.submit(Task(f"{n}", str(n)))
        senders.flush(1)
        assert works.keys == [str(count)]
        senders.shutdown(0)


@pytest.mark.parametrize("name", [n for n in vars(TaskSender) if n[0] != "_"])
def test_one_agent_or_several_look_the_same(name):
    """Whoever delivers has everything that the runtime uses, with the same arguments."""
    ours, one = getattr(AgentSenders, name), getattr(Sender, name)
    assert isinstance(ours, property) == isinstance(one, property)
    if not isinstance(ours, property):
        assert signature(ours).parameters.keys() == signature(one).parameters.keys()


def make_limited(fake, max_age_s, is_kept):
    """An agent with the wrong secret, whose tasks are kept elsewhere in the end."""
    clock = Clock()
    limit = RetryLimit(10, max_age_s, clock)
    config = Config(**fake.settings).but(agent_secret="another-secret")
    sender = Sender(config, label="b", retry_limit=limit, clock=clock)
    kept = []
    sender.keep_refused = lambda item, reason, _: (
        kept.append((item.key, reason)) or (is_kept)
    )
    return sender, kept, clock


class Clock:
    """A clock that the test sets."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_an_agent_that_is_refused_for_long(caplog):
    """All its tasks go to the dead letters, so that it does not fill the queue."""
    with FakeInfinium() as fake:
        sender, kept, clock = make_limited(fake, 60, is_kept=True)
        for key in ("one", "two", "three"):
            sender.submit(Task(key))
        sender.attempt(1)
        assert not kept
        clock.now_s = 61
        sender.attempt(1)
        assert sorted(kept) == [
            (key, "credentials refused") for key in ("one", "three", "two")
        ]
        assert sender.counts.tasks.refused == {"credentials refused": 3}
        assert sender.counts.tasks.queued == 0
        assert len(fake.requests) == 2
        sender.shutdown(0)
    assert "The credentials of the agent b are still refused (401)" in caplog.text


def test_tasks_that_cannot_be_kept_stay():
    """Nothing is lost for being refused."""
    with FakeInfinium() as fake:
        sender, kept, _ = make_limited(fake, 0, is_kept=False)
        for key in ("one", "two"):
            sender.submit(Task(key))
        sender.attempt(1)
        assert len(kept) == 1
        assert sender.counts.tasks.queued == 2
        sender.shutdown(0)


def test_a_secret_that_works_again_in_time():
    """The time begins anew with the next refusal."""
    with FakeInfinium() as fake:
        sender, kept, clock = make_limited(fake, 60, is_kept=True)
        sender.submit(Task("one"))
        sender.attempt(1)
        secret, fake.agent_secret = fake.agent_secret, "another-secret"
        clock.now_s = 50
        sender.attempt(1)
        assert fake.keys == ["one"]
        fake.agent_secret = secret
        sender.submit(Task("two"))
        clock.now_s = 70
        sender.attempt(1)
        assert not kept
        assert sender.counts.tasks.queued == 1
        sender.shutdown(0)
