"""Queue, spool, clock and a scripted server against a simple model.

Whatever the order of submissions, answers, failures, flushes, crashes, forks of the
clock and restarts: no task is lost that a spool had, none is delivered under two keys,
every task is in exactly one place, and a flush never says True of what is not safe.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.storage.spool import list_tasks
from infinium_otel.delivery.storage.spool.spool import Spool
from support.delivery import Clock, Status, balanced, done

ANSWERS = st.sampled_from(
    ["ok"] * 3 + [503, 500, 429, 401, 422, 400, "timeout", "lost reply"]
)


class Server:
    """The server: which tasks it has, by name; it responds as scripted."""

    def __init__(self):
        self.stored = []
        self.refused = set()
        self.answers = []

    def send_task_data(self, task):
        answer = self.answers.pop(0) if self.answers else "ok"
        if answer in ("ok", "lost reply"):
            self.stored.append(task.name)
        if answer in (422, 400):
            self.refused.add(task.name)
        if answer in ("timeout", "lost reply"):
            raise TimeoutError
        if answer != "ok":
            raise Status(answer)


class Delivery(RuleBasedStateMachine):
    """One process after another, on one spool or in memory."""

    @initialize(spooled=st.booleans(), small=st.booleans())
    def begin(self, spooled, small):
        self.folder = Path(tempfile.mkdtemp())
        self.path = str(self.folder / "s.db") if spooled else None
        self.limit = 3 if small and not spooled else 1_000
        self.clock = Clock(0.0)
        self.epoch = Clock(10_000.0)
        self.server = Server()
        self.count = 0
        self.submitted = set()  # by this process
        self.everything = set()  # by all processes
        self.excused = set()  # what a process without spool took with it
        self.start()

    def start(self):
        config = Config(
            spool=self.path,
            requests_per_second=1_000_000,
            burst=1_000_000,
            max_queued_tasks=self.limit,
        )
        self.submitted = set()
        self.known_losses = 0
        self.sender = Sender(
            config,
            client=self.server,
            clock=self.clock,
            epoch=self.epoch,
            draw=lambda: 1.0,
        )
        self.sender._workers.start = lambda: None  # the rules attempt, no thread does

    def name(self, number):
        return f"task {number}"

    @rule(spans=st.integers(1, 5))
    def submit(self, spans):
        self.count += 1
        self.submitted.add(self.name(self.count))
        self.everything.add(self.name(self.count))
        self.sender.submit(done(self.count, spans))

    @rule()
    def submit_again(self):
        """A recovered trace may bring a key that is queued, or was delivered."""
        if self.path and self.count:
            self.sender.submit(done(self.count))

    @rule(answers=st.lists(ANSWERS, min_size=1, max_size=12))
    def script(self, answers):
        self.server.answers = answers

    @rule()
    def attempt(self):
        before = len(self.server.stored)
        self.sender.attempt(1)
        if self.sender._scheduler.breaker.wait_s(self.clock.now) == 0:
            assert len(self.server.stored) >= before

    @rule(seconds=st.sampled_from([0.5, 5.0, 40.0, 400.0]))
    def wait(self, seconds):
        self.clock.now += seconds
        self.epoch.now += seconds

    @rule(seconds=st.sampled_from([-5_000.0, 5_000.0]))
    def the_clock_of_the_day_jumps(self, seconds):
        self.epoch.now = max(5_000.0, self.epoch.now + seconds)

    @rule()
    def flush(self):
        lost = sum(self.sender.counts.tasks.lost.values())
        refused = sum(self.sender.counts.tasks.refused.values())
        # The clock does not advance, so one attempt is all that a flush can make.
        self.sender._queue.make_due()
        self.sender._scheduler.breaker.half_open()
        self.sender.attempt(1)
        answer = self.sender.flush(0)
        counts = self.sender.counts.tasks
        new_loss = sum(counts.lost.values()) > lost or self.known_losses < lost
        if not self.path:
            refused_now = sum(counts.refused.values())
            new_loss = new_loss or refused_now > refused or self.known_refused < refused
            self.known_refused = refused_now
        self.known_losses = sum(counts.lost.values())
        if answer:
            assert not new_loss
            assert self.path or counts.queued == 0
        elif self.path:
            assert new_loss

    known_refused = 0

    @rule()
    def crash(self):
        """The process is killed; the kernel drops its locks."""
        spool = self.sender._queue._spool
        if spool is None:
            self.excused |= self.submitted
        else:
            if spool._owner_lock._file is not None:
                spool._owner_lock.after_fork_in_child()
            if spool._database.connection is not None:
                spool._database.connection.close()
                spool._database.connection = None
        self.known_refused = 0
        self.start()

    @rule()
    def leave(self):
        """The process ends in order."""
        safe = self.sender.shutdown(0)
        counts = self.sender.counts.tasks
        assert balanced(self.sender.counts)
        if self.path:
            assert not counts.lost
        else:
            assert counts.queued == 0
            assert safe or counts.lost or counts.refused
            self.excused |= self.submitted
        self.known_refused = 0
        self.start()

    @precondition(lambda self: self.path)
    @rule()
    def another_process_takes_one(self):
        """A task claimed by a killed process is delivered nevertheless."""
        other = Spool(self.path, 10**9, self.epoch)
        other.claim(self.epoch.now)
        if other._owner_lock._file is not None:
            other._owner_lock.after_fork_in_child()
        if other._database.connection is not None:
            other._database.connection.close()
            other._database.connection = None

    @invariant()
    def every_task_is_in_one_place(self):
        assert balanced(self.sender.counts)

    @invariant()
    def nothing_is_lost_from_a_spool(self):
        if self.path and Path(self.path).exists():
            kept = {each.key for each in list_tasks(self.path)}
            for name in self.everything - set(self.server.stored):
                number = int(name.split()[1])
                assert done(number).key in kept

    @invariant()
    def nothing_is_made_up(self):
        assert set(self.server.stored) <= self.everything

    def teardown(self):
        """At last the server is well, and everything that is not refused arrives."""
        if not hasattr(self, "sender"):
            return
        self.server.answers = []
        for _ in range(3):
            self.epoch.now += 2_000
            self.clock.now += 2_000
            self.sender.attempt(1)
        arrived = set(self.server.stored) | self.server.refused | self.excused
        if self.limit > self.count:
            assert self.everything <= arrived
        assert self.sender.counts.tasks.queued == 0
        self.sender.shutdown(0)
        shutil.rmtree(self.folder)


TestDelivery = pytest.mark.slow(Delivery.TestCase)
TestDelivery.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
