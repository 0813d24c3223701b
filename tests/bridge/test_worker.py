"""The one thread that looks after a bridge."""

from __future__ import annotations

import threading

from infinium_otel.bridge.worker import Worker

WAIT_S = 20.0


def test_looks_when_it_is_woken_and_sleeps_when_nothing_is_left():
    """It looks once for each waking, and asks for attention when it stops looking."""
    looked = threading.Semaphore(0)
    worker = Worker(looked.release, lambda: False)
    assert worker.attention
    for _ in range(3):
        assert worker.wake()
        assert looked.acquire(timeout=WAIT_S)
    worker.stop(WAIT_S)
    assert not worker._thread.is_alive()


def test_looks_again_at_what_came_meanwhile():
    """What came while it looked, before anybody could tell it, is seen at once."""
    work = ["second look", "first look"]
    done = threading.Event()

    def look():
        if work:
            work.pop()
        else:
            done.set()

    worker = Worker(look, lambda: not done.is_set())
    worker.wake()
    assert done.wait(WAIT_S)
    worker.stop(WAIT_S)


def test_is_one_thread_however_many_wake_it():
    """Woken from many threads at once, it starts once."""
    worker = Worker(lambda: None, lambda: False)
    worker._starting.acquire()
    callers = [threading.Thread(target=worker.wake) for _ in range(4)]
    for caller in callers:
        caller.start()
    worker._starting.release()
    for caller in callers:
        caller.join()
    assert sum(t is worker._thread for t in threading.enumerate()) == 1
    assert worker._start()
    worker.stop(WAIT_S)


def test_no_thread_can_be_had(monkeypatch):
    """Where the interpreter gives no thread any more, the caller is told."""

    def no_more(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    worker = Worker(lambda: None, lambda: False)
    assert not worker.wake()
    worker.stop(WAIT_S)


def test_stopped_while_it_looks():
    """Stopped from within, it waits for nobody."""
    made = []
    worker = Worker(lambda: made[0].stop(WAIT_S), lambda: False)
    made.append(worker)
    worker.wake()
    worker._thread.join(WAIT_S)
    assert not worker._thread.is_alive()
