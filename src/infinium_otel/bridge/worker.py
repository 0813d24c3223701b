"""One thread that looks after a bridge, made when it is needed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Seconds until the next look after one that failed."""


class Worker:
    """A daemon thread that calls *look* when it is woken, or when its time has come.

    Args:
        look: does what there is to do; returns seconds until the next look, or None
            if there is nothing to look for until somebody wakes it.
        has_work: True if something came that nobody has looked at.

    Attributes:
        attention: True if it looks at nothing by itself: whoever brings work says so.
    """

    def __init__(
        self, look: Callable[[], float | None], has_work: Callable[[], bool]
    ) -> None:
        self._look = look
        self._has_work = has_work
        self.reset()

    def reset(self) -> None:
        """As new, without a thread; a forked child has none of its parent's."""
        self.attention = True
        self._stopped = False
        self._awake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> bool:
        """Have it look soon; starts the thread at the first call.

        Returns:
            False if there is no thread and none can be started any more: the
            interpreter is shutting down.
        """
        if not self._awake.is_set():
            self._awake.set()
        return self._thread is not None or self._start()

    def stop(self, timeout_s: float) -> None:
        """End the thread; wait for it no longer than *timeout_s*."""
        self._stopped = True
        self._awake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _start(self) -> bool:
        with self._starting:
            if self._thread is not None:
                return True
            thread = threading.Thread(
                target=self._run, name="infinium-otel", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # "can't create new thread at interpreter shutdown"
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        # Nothing done in this thread is to be traced: it would feed itself.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - a value
        while not self._stopped:
            wait_s = self._guarded_look()
            if wait_s is None:
                self.attention = True
                if self._has_work():  # it came before anybody could know
                    continue
            if not self._stopped:
                self._awake.wait(wait_s)
            self._awake.clear()

    def _guarded_look(self) -> float | None:
        try:
            return self._look()
        except Exception:
            logger.exception("Looking after open traces failed; trying again")
            return PAUSE_S
