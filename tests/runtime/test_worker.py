"""The background thread of a runner."""

from __future__ import annotations

import threading

import pytest

from infinium_otel.runtime.worker import Worker

WAIT_S = 60.0


def test_runs_when_it_is_woken():
    """It runs once per wake, and needs another wake afterwards."""
    looked = threading.Semaphore(0)
    worker = Worker(looked.release, lambda: False)
    assert worker.needs_wake
    for _ in range(3):
        assert worker.wake()
        assert looked.acquire(timeout=WAIT_S)
    worker.stop(WAIT_S)
    assert not worker._thread.is_alive()


def test_runs_again_for_new_work():
    """Work that was added during a run, without a wake, is done at once."""
    work = ["second run", "first run"]
    done = threading.Event()

    def run_once():
        if work:
            work.pop()
        else:
            done.set()

    worker = Worker(run_once, lambda: not done.is_set())
    worker.wake()
    assert done.wait(WAIT_S)
    worker.stop(WAIT_S)


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
def test_goes_on_after_any_error(error, monkeypatch, caplog):
    """Nobody waits for what is raised in this thread, and nobody would start another."""
    monkeypatch.setattr("infinium_otel.runtime.worker.RETRY_S", 0.0)
    errors, done = [error], threading.Event()

    def run_once():
        if errors:
            raise errors.pop()
        done.set()

    worker = Worker(run_once, lambda: False)
    worker.wake()
    assert done.wait(WAIT_S)
    assert error.__name__ in caplog.text
    worker.stop(WAIT_S)


def test_is_one_thread_however_many_wake_it():
    """Woken from many threads at once, it starts once."""
    worker = Worker(lambda: None, lambda: False)
    worker._starting.acquire()
    callers = [threading.Thread(target=worker.wake) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(WAIT_S)  # none of them waits for the one that starts it
    worker._starting.release()
    assert worker.wake()
    assert sum(t is worker._thread for t in threading.enumerate()) == 1
    assert worker._start()
    worker.stop(WAIT_S)


def test_no_thread_can_start(monkeypatch):
    """If the interpreter cannot start a thread, `wake` returns False."""

    def no_more(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    worker = Worker(lambda: None, lambda: False)
    assert not worker.wake()
    worker.stop(WAIT_S)


def test_stopped_while_it_runs():
    """Stopped from within, it does not wait for itself."""
    made = []
    worker = Worker(lambda: made[0].stop(WAIT_S), lambda: False)
    made.append(worker)
    worker.wake()
    worker._thread.join(WAIT_S)
    assert not worker._thread.is_alive()
