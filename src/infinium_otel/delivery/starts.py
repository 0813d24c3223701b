"""Threads of ours that are being started, for which a fork waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import sleep

if TYPE_CHECKING:
    import threading

MAX_LOOKS, LOOK_S = 1000, 0.001
"""A fork waits for a second at most: a signal handler may have interrupted a start."""

_starting: set[threading.Thread] = set()


def start_thread(thread: threading.Thread) -> None:
    """Start *thread*.

    Raises:
        RuntimeError: no thread can be started any more.
    """
    _starting.add(thread)
    try:
        thread.start()
    finally:
        _starting.discard(thread)


def wait_for_starts() -> None:
    """Wait until every thread that is being started runs.

    Forked before, a child has the green thread but not what `threading` knew of it, and
    gevent prints that it failed. Source: open-telemetry/opentelemetry-python#3897.
    """
    for _ in range(MAX_LOOKS):
        if not _starting:
            return
        sleep(LOOK_S)


def forget_starts() -> None:
    """Forget the threads that a parent was starting; for its child."""
    _starting.clear()
