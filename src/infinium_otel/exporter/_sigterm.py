"""Delivers what has ended when the process receives SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

FLUSH_S = 5.0
"""Seconds a flush on SIGTERM may take: containers are killed 10 s after it or later."""
RETRY_S = 0.05
"""Seconds until a signal is handled again that came at a bad moment."""
OUR_WORK = tuple(
    f"infinium_otel.{name}." for name in ("exporter", "runtime", "delivery")
)
"""Modules that hold a task or a lock while they work."""

_flush: Callable[[float], object] | None = None


def flush_on_sigterm(flush: Callable[[float], object]) -> None:
    """Call *flush* on SIGTERM, then the handler that was there before.

    Without an earlier handler the signal ends the process, as it does by default.

    Args:
        flush: takes the seconds that it may need; a later one replaces it.
    """
    global _flush  # noqa: PLW0603 - a process has one handler
    if threading.current_thread() is not threading.main_thread():
        logger.warning(
            "flush_on_sigterm has no effect: only the main thread can handle signals"
        )
        return
    earlier = signal.getsignal(signal.SIGTERM)
    _flush = flush
    if not isinstance(earlier, _Handler):
        signal.signal(signal.SIGTERM, _Handler(earlier))


class _Handler:
    """Handles SIGTERM: flushes, then does what would have been done without us.

    Args:
        earlier: the handler before, as `signal.getsignal` returns it.
    """

    def __init__(self, earlier: Any) -> None:
        self._earlier = earlier
        self._retry_until_s: float | None = None

    def __call__(self, number: int, frame: Any) -> None:
        """Handle the signal, which interrupted the main thread in *frame*."""
        gevent = sys.modules.get("gevent.monkey")
        if gevent is not None and gevent.is_module_patched("threading"):
            # gevent calls handlers in its loop, where nothing may wait.
            sys.modules["gevent"].spawn(
                self._flush, number, frame
            )  # pragma: no cover - by `tox run -e servers`
        elif not _is_our_work(frame):
            self._flush(number, frame)
        elif self._is_overdue():
            self._pass_on(number, frame)
        else:
            self._retry(number)

    def _is_overdue(self) -> bool:
        now_s = time.monotonic()
        if self._retry_until_s is None:
            self._retry_until_s = now_s + FLUSH_S
        return now_s >= self._retry_until_s

    def _retry(self, number: int) -> None:
        """Let the interrupted work go on: only it can finish what it has begun.

        At exit Python 3.12 starts no thread. The exit delivers, and needs no signal.
        """
        timer = threading.Timer(RETRY_S, os.kill, (os.getpid(), number))
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # pragma: no cover - from Python 3.12 on
            return

    def _flush(self, number: int, frame: Any) -> None:
        if _flush is not None:
            _flush(FLUSH_S)
        self._pass_on(number, frame)

    def _pass_on(self, number: int, frame: Any) -> None:
        if callable(self._earlier):
            self._earlier(number, frame)
        elif self._earlier != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _is_our_work(frame: Any) -> bool:
    """Whether *frame*, or one that called it, is delivering or about to."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(OUR_WORK):
            return True
        frame = frame.f_back
    return False
