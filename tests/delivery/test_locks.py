"""Locks, waits and threads that are older than a late patch of `threading`."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from infinium_otel.delivery import locks
from infinium_otel.delivery.locks import (
    MAX_POLL_S,
    Condition,
    Event,
    Lock,
    RLock,
    begin_thread,
    end_thread,
    get_loop_id,
    must_hand_over,
    sleep,
)


class LatePatch:
    """What gevent does: another lock, `sleep` and `get_ident`, seen by our module only.

    Attributes:
        slept: the arguments of all calls of the patched `sleep`.
        green_thread: what the patched `get_ident` returns.
        on_sleep: called by the patched `sleep`.
    """

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.slept = []
        self.green_thread = 1
        self.on_sleep = time.sleep

    def apply(self):
        patched = SimpleNamespace(
            Lock=object,
            get_ident=lambda: self.green_thread,
            current_thread=threading.current_thread,
        )
        self._monkeypatch.setattr(locks, "threading", patched)
        patched = SimpleNamespace(sleep=self._sleep, monotonic=time.monotonic)
        self._monkeypatch.setattr(locks, "time", patched)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.on_sleep(seconds)


@pytest.fixture
def late(monkeypatch):
    return LatePatch(monkeypatch)


def run_in_thread(target, *, is_native=None):
    """Run *target* in a thread, as one of ours if *is_native* is given."""

    def run():
        if is_native is not None:
            begin_thread(is_native=is_native)
        target()
        if is_native is not None:
            end_thread()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_native_thread_of_ours_uses_nothing_that_is_patched(late):
    """It began before the patch: it sleeps and waits natively, and then ends."""
    begun, is_patched, seen = threading.Event(), threading.Event(), []
    lock, condition = Lock(), Condition()
    lock.acquire()

    def work():
        begun.set()
        is_patched.wait(10)
        sleep(0)
        seen.append(lock.acquire(timeout=0.01))
        with condition:
            seen.append(condition.wait(60))  # at once: it has to end
        seen.append(must_hand_over())
        end_thread()
        seen.append(must_hand_over())

    thread = run_in_thread(work, is_native=True)
    begun.wait(10)
    late.apply()
    is_patched.set()
    thread.join(10)
    assert seen == [False, False, True, False]
    assert late.slept == []


@pytest.mark.parametrize("is_native", [None, False], ids=["another", "green"])
def test_another_thread_lets_green_threads_run(late, is_native):
    """A thread that is not ours, or began later, uses what was patched."""
    lock, seen = Lock(), []
    lock.acquire()
    late.apply()

    def work():
        seen.append(lock.acquire(timeout=0.001))
        seen.append(must_hand_over())

    run_in_thread(work, is_native=is_native).join(10)
    assert seen == [False, False]
    assert late.slept


def test_a_native_wait_is_ended_by_a_green_thread(late):
    """A thread that waits since before the patch is woken, and then ends."""
    event, seen = Event(), []

    def work():
        event.wait()
        seen.append(must_hand_over())

    thread = run_in_thread(work, is_native=True)
    while not event._changed._waiters:
        time.sleep(0.001)
    late.apply()
    event.set()
    thread.join(10)
    assert seen == [True]
    assert event.is_set()


def test_green_threads_exclude_each_other(late):
    """What one green thread holds, another of the same native thread does not get."""
    lock = RLock()
    late.apply()
    with lock, lock:  # the same again: allowed
        late.green_thread = 2

        def switch(_):  # to the one that holds it, and that releases it
            late.green_thread = 1
            lock.release()
            lock.release()
            late.green_thread = 2

        late.on_sleep = switch
        with lock:
            assert len(late.slept) == 1
        late.green_thread = 1
        lock.acquire()
        lock.acquire()
    assert lock._owner is None


def test_a_green_wait_polls(late):
    """It releases the lock while it waits, ever longer pauses up to a bound."""
    condition = Condition()
    late.apply()
    with condition, condition:
        assert not condition.wait(0.2)
        assert condition._depth == 2
    assert max(late.slept) <= MAX_POLL_S
    assert len(late.slept) > 3

    def change():
        with condition:
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=change)
        thread.start()
        assert condition.wait()
    thread.join(10)


def test_waits_end_in_time_or_by_a_change():
    """Without a patch they are as those of `threading`."""
    condition, event = Condition(), Event()
    with condition, condition:
        assert not condition.wait(0.001)
        assert condition._waiters == []

    def change():
        with condition:
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=change)
        thread.start()
        assert condition.wait(10)
    thread.join(10)
    event.wait(0.001)
    assert not event.is_set()
    event.set()
    event.wait()
    event.clear()
    assert not event.is_set()


def test_sockets_belong_to_a_native_thread_only_after_a_late_patch(late):
    """Until then all threads may share them."""
    seen = [get_loop_id()]
    late.apply()
    seen.append(get_loop_id())
    run_in_thread(lambda: seen.append(get_loop_id())).join(10)
    assert seen[0] == 0
    assert len(set(seen)) == 3


def test_delivery_and_runtime_have_no_other_locks():
    """Those of `threading` stop green threads after a late patch."""
    package = Path(locks.__file__).parents[1]
    found = {
        path.name
        for folder in ("delivery", "runtime")
        for path in (package / folder).rglob("*.py")
        if re.search(
            r"threading\.(R?Lock|Condition|Event|Semaphore)\(", path.read_text()
        )
    }
    assert found == {"sync.py"}  # of the client: local to one call


def test_the_thread_that_holds_a_lock_does_not_wait_for_it():
    """A signal handler may have interrupted it: then the lock is never free."""
    lock = Lock()
    assert lock.acquire()
    assert not lock.acquire()
    with pytest.raises(RuntimeError, match="holds this lock"), lock:
        pass
    lock.release()
    with lock:
        pass
