"""One background thread per runner, started on demand."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.context import attach, get_current

from infinium_otel.delivery.locks import (
    Event,
    Lock,
    begin_thread,
    end_thread,
    is_patched_late,
    must_hand_over,
)
from infinium_otel.delivery.starts import start_thread
from infinium_otel.delivery.transport.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

RETRY_S = 1.0
"""Seconds until the next run after one that failed."""
JOIN_S = 1.0
"""Seconds a stop waits for the thread: it is a daemon, and nothing depends on its end."""


class Worker:
    """A daemon thread that calls *run_once* when it is woken or when the time has come.

    Args:
        run_once: does all work that is due; returns seconds until the next run, or None
            to sleep until `wake`.
        has_work: whether there is new work.

    Attributes:
        needs_wake: True while the thread sleeps until `wake`. False while it runs by
            itself, so that callers with new work need not wake it.
        progress_s: when *run_once* last reported progress, on the monotonic clock.
    """

    def __init__(
        self, run_once: Callable[[], float | None], has_work: Callable[[], bool]
    ) -> None:
        self._run_once = run_once
        self._has_work = has_work
        self.reset()

    def reset(self) -> None:
        """Return to the initial state, without a thread: a forked child has none."""
        self.needs_wake = True
        self.report_progress()
        self._stopped = False
        self._awake = Event()
        self._starting = Lock()
        self._thread: threading.Thread | None = None
        self._is_native = True

    def report_progress(self) -> None:
        """Note that a part of the work is done."""
        self.progress_s = time.monotonic()

    def wake(self) -> bool:
        """Have the thread run soon; the first call starts it.

        Returns:
            False if there is no thread and none can be started: the interpreter is
            shutting down.
        """
        if not self._awake.is_set():
            self._awake.set()
        if self._thread is not None and not is_patched_late():  # nearly always
            return True
        return self._has_thread() or self._start()

    def stop(self, timeout_s: float) -> None:
        """End the thread; wait for it at most *timeout_s* seconds, and at most one."""
        self._stopped = True
        self._awake.set()
        thread = self._thread
        if thread is None or not thread.is_alive():  # or it is being started
            return
        if thread is not threading.current_thread():
            thread.join(min(timeout_s, JOIN_S))

    def _has_thread(self) -> bool:
        """Whether there is a thread that goes on: after a late patch a native one ends."""
        if self._thread is None:
            return False
        return must_hand_over() or not (self._is_native and is_patched_late())

    def _start(self) -> bool:
        if not self._starting.acquire(timeout=0):  # another thread is starting it
            return True
        try:
            if self._has_thread():
                return True
            self._is_native = is_native = not is_patched_late()
            # It gets itself: after a late patch by gevent, `current_thread` is another.
            # Set before the start, where green threads switch: the lock is not held there.
            thread = self._thread = threading.Thread(
                target=lambda: self._run(thread, is_native=is_native),
                name="infinium-otel",
                daemon=True,
            )
        finally:
            self._starting.release()
        try:
            start_thread(thread)
        except RuntimeError:  # "can't create new thread at interpreter shutdown"
            self._thread = None
            return False
        return True

    def _run(self, thread: threading.Thread, *, is_native: bool) -> None:
        begin_thread(is_native=is_native)
        attach(suppress(get_current()))
        while not self._stopped:
            wait_s = self._run_safely()
            # A green thread that waited without an end would be found by `gevent.wait`.
            is_over = must_hand_over() or (wait_s is None and is_patched_late())
            if is_over and self._thread is thread:
                self._thread = None  # `wake` starts a green one
            if is_over or wait_s is None:
                self.needs_wake = True
                if self._has_work():  # added before the line above
                    continue
            if is_over:
                break
            if not self._stopped:
                self._awake.wait(wait_s)
            self._awake.clear()
        end_thread()

    def _run_safely(self) -> float | None:
        try:
            return self._run_once()
        except BaseException:  # nobody waits for what is raised in this thread
            logger.exception("Processing spans failed; retrying")
            return RETRY_S
