"""Hands the interpreter over to the application while our thread works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infinium_otel.delivery.locks import sleep

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE_S = 0.0002
"""How long our thread works before it hands over, apart from what lies between two
calls of `pause`: reading one span, or making one step, takes about 0.1 ms, submitting a
task of ten spans 0.4 ms. A limit of 0.1 ms was measured, and gained nothing."""
PAUSE_S = 0.00005
"""The shortest sleep that lets a waiting thread run: `sleep(0)` takes the interpreter back
before that thread has been woken."""


class Slices:
    """Pauses a thread after each slice of its work.

    CPython takes the interpreter from a thread that computes only after 5 ms
    (`sys.getswitchinterval`), so an event loop that wakes while a run is mapped would be
    as late as that; the setting belongs to the application.

    Args:
        is_urgent: whether somebody waits for the work, which must not be slowed down.
        clock: seconds, monotonic.
        rest: sleeps for that many seconds.
    """

    def __init__(
        self,
        is_urgent: Callable[[], bool],
        clock: Callable[[], float] = time.perf_counter,
        rest: Callable[[float], None] = sleep,
    ) -> None:
        self._is_urgent = is_urgent
        self._clock = clock
        self._rest = rest
        self._ends_s: float | None = None

    def __enter__(self) -> None:
        """Begin a slice: our own thread works, and `pause` may sleep."""
        self._ends_s = self._clock() + SLICE_S

    def __exit__(self, *_: object) -> None:
        """Let `pause` do nothing: what follows may run in a thread of the application."""
        self._ends_s = None

    def pause(self) -> None:
        """Sleep for a moment if the slice is over; called between small parts of work."""
        if self._ends_s is None or self._clock() < self._ends_s:
            return
        if not self._is_urgent():
            self._rest(PAUSE_S)
        self._ends_s = self._clock() + SLICE_S
