"""Locks that stay usable when gevent or eventlet patches `threading` after our import.

Ours are native then, and one native thread runs all green threads: if one of them holds
a lock while it is switched out, another that waits for it natively stops the whole
thread, so the lock is never released. And what is patched belongs to the event loop of
one native thread: shared with another it fails ("Cannot switch to a different thread").
So after a late patch

- nobody waits for these locks natively, but by pauses that let green threads run;
- threads of ours that are native end (`must_hand_over`), and green ones follow them.
"""

from __future__ import annotations

import threading
import time
from _thread import get_ident
from contextlib import suppress
from math import inf
from typing import Any

POLL_S, MAX_POLL_S = 0.001, 0.05
"""Seconds between two attempts in a green thread: for a lock, and at most for a change."""

_make_lock = threading.Lock
_make_rlock = threading.RLock
_native_sleep = time.sleep
_native_threads: set[int] = set()
"""Our threads, by what `get_ident` returned here before any late patch."""
_own_threads: set[int] = set()
"""All of ours, green ones too, by what `threading.get_ident` returned in them."""


def is_patched_late() -> bool:
    """Whether `threading` was patched after our import.

    Source: `gevent.monkey.patch_thread` and `eventlet.patcher` replace its `Lock`.
    """
    return threading.Lock is not _make_lock


def begin_thread(*, is_native: bool) -> None:
    """Call it at the start of a thread of ours.

    Args:
        is_native: whether nothing was patched late when the thread was started.
    """
    if is_native:
        _native_threads.add(get_ident())
    _own_threads.add(threading.get_ident())


def is_own_thread() -> bool:
    """Whether the calling thread is one of ours."""
    return threading.get_ident() in _own_threads or get_ident() in _native_threads


def must_hand_over() -> bool:
    """Whether this thread is native while the program's threads are green by now.

    It must end soon, and neither connect nor start a thread: with gevent that creates a
    second event loop, whose imports stop the program's own ("RecursionError: maximum
    recursion depth exceeded") if both happen at once.
    """
    return is_patched_late() and get_ident() in _native_threads


def end_thread() -> None:
    """Call it at the end of a thread of ours.

    `threading` removes the thread by its id, which gevent has changed, and without an
    entry prints a traceback. `current_thread` adds the entry. Source: CPython,
    `threading.Thread._delete`; gevent 26.9.
    """
    _native_threads.discard(get_ident())
    _own_threads.discard(threading.get_ident())
    threading.current_thread()


def sleep(seconds: float) -> None:
    """As `time.sleep`, for the kind of thread that calls it."""
    is_native = get_ident() in _native_threads
    (_native_sleep if is_native else time.sleep)(seconds)


def get_loop_id() -> int:
    """Identifies the event loop whose sockets the caller may use; 0 for all of them.

    After a late patch that is the native thread's own: a green socket fails in another.
    """
    return get_ident() if is_patched_late() else 0


class RLock:
    """As `threading.RLock`: a signal handler may interrupt the thread that holds it.

    A native one knows only native threads as its owners: what belongs to one green
    thread, all others of that thread may take too. So the owner is noted here as well.
    """

    def __init__(self) -> None:
        # eventlet replaces it, if it finds it, by one that knows green threads.
        self._lock: Any = _make_rlock()
        self._owner: int | None = None
        self._depth = 0

    @property
    def is_held(self) -> bool:
        """Whether the thread that reads it holds the lock."""
        if is_patched_late():
            return self._owner == threading.get_ident()
        return bool(self._lock._is_owned())  # noqa: SLF001 - as `threading.Condition` does

    def acquire(self, timeout: float = -1) -> bool:
        """Take the lock.

        Args:
            timeout: seconds to wait at most; -1 waits as long as it takes.

        Returns:
            False if it was not free in time.
        """
        if not is_patched_late():
            return bool(self._lock.acquire(timeout=timeout))
        me = threading.get_ident()  # patched as well: it tells green threads apart
        deadline = time.monotonic() + timeout if timeout >= 0 else inf
        while True:
            if self._lock.acquire(blocking=False):
                if self._owner in {None, me}:
                    break
                self._lock.release()
            if time.monotonic() >= deadline:
                return False
            sleep(POLL_S)
        self._owner = me
        self._depth += 1
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._depth:  # entered after a late patch
            self._depth -= 1
            if not self._depth:
                self._owner = None
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Lock(RLock):
    """As `threading.Lock`, but green threads that wait for it let the others run.

    A signal handler may interrupt the thread that holds it, and then it is never free: so
    that thread does not wait for it.
    """

    def acquire(self, timeout: float = -1) -> bool:
        """As `RLock.acquire`; False at once if the thread itself holds the lock."""
        return not self.is_held and super().acquire(timeout)

    def __enter__(self) -> None:
        if not self.acquire():
            message = "the thread holds this lock"
            raise RuntimeError(message)


class Condition(RLock):
    """As `threading.Condition` on a reentrant lock; waits have a limit, or `notify_all`."""

    def __init__(self) -> None:
        super().__init__()
        self._waiters: list[Any] = []
        self._changes = 0
        self._entries: dict[int, int] = {}

    def acquire(self, timeout: float = -1) -> bool:
        """As `RLock.acquire`."""
        # Before it is taken, and removed after it is released: a handler in between must
        # not find less than there is.
        self._count(1)
        is_taken = super().acquire(timeout)
        if not is_taken:
            self._count(-1)
        return is_taken

    def release(self) -> None:
        """Release the lock."""
        super().release()
        self._count(-1)

    def _count(self, change: int) -> None:
        me = threading.get_ident()  # patched as well: it tells green threads apart
        depth = self._entries.get(me, 0) + change
        if depth > 0:
            self._entries[me] = depth
        else:  # below 0 if it was taken before a late patch
            self._entries.pop(me, None)

    @property
    def is_nested(self) -> bool:
        """Whether this thread, which holds the lock, holds it further out as well.

        Then a signal handler has interrupted it, and no other thread can go on before the
        handler returns: it must not wait for one.
        """
        return self._entries.get(threading.get_ident(), 0) > 1

    def notify_all(self) -> None:
        """End all waits. The lock must be held."""
        self._changes += 1
        with suppress(IndexError):  # a signal handler may notify in between
            while True:
                self._waiters.pop().release()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Release the lock until `notify_all` is called or the time is over.

        Args:
            timeout_s: seconds; None for no limit.

        Returns:
            False if the time was over.
        """
        if is_patched_late():
            return self._wait_by_polling(timeout_s)
        waiter = _make_lock()
        waiter.acquire()
        self._waiters.append(waiter)
        me = threading.get_ident()  # as above
        entries = self._entries.pop(me, 0)
        state = self._lock._release_save()  # noqa: SLF001 - as `threading.Condition` does
        try:
            return waiter.acquire(
                timeout=-1 if timeout_s is None else max(0, timeout_s)
            )
        finally:
            self._lock._acquire_restore(state)  # noqa: SLF001 - as above
            self._entries[me] = entries
            with suppress(ValueError):  # `notify_all` has removed it
                self._waiters.remove(waiter)

    def _wait_by_polling(self, timeout_s: float | None) -> bool:
        deadline = inf if timeout_s is None else time.monotonic() + timeout_s
        changes, pause_s, depth = self._changes, POLL_S, self._depth
        for _ in range(depth):
            self.release()
        try:
            while self._changes == changes and not must_hand_over():
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    break
                sleep(min(pause_s, left_s))
                pause_s = min(2 * pause_s, MAX_POLL_S)
        finally:
            for _ in range(depth):
                self.acquire()
        return self._changes != changes


class Event:
    """As `threading.Event`."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._is_set = False

    def is_set(self) -> bool:
        """Whether `set` was called since the last `clear`."""
        return self._is_set

    def set(self) -> None:
        """End all waits, and those that begin before `clear`."""
        with self._changed:
            self._is_set = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Let further waits wait."""
        self._is_set = False

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for `set`, *timeout_s* seconds at most."""
        with self._changed:
            if not self._is_set:
                self._changed.wait(timeout_s)
