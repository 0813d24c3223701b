"""The script of the fake and everything it has received."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from infinium_otel.testing.faults import Fault, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK_EVERY_S = 0.05
"""How often a condition is looked at while nothing arrives."""


class ServerState:
    """Script and records, protected by one lock."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self.script: list[Fault] = []
        self.always: Fault | None = None
        self.requests: list[Received] = []
        self.stored: dict[str, tuple[str, dict[str, Any]]] = {}
        self.polls: dict[str, int] = {}
        self.busy = 0

    @contextlib.contextmanager
    def responding(self) -> Iterator[None]:
        """Mark the time between storing a task and recording its request."""
        with self.changed:
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def next_fault(self) -> Fault:
        """Remove and return the next scripted response."""
        with self.changed:
            if self.script:
                return self.script.pop(0)
            return self.always or Fault()

    def record(self, received: Received) -> None:
        """Record a request."""
        with self.changed:
            self.requests.append(received)
            self.changed.notify_all()

    def hold(self, seconds: float | None) -> None:
        """Wait, at most until the server is closed; None waits until then."""
        self.closing.wait(seconds)

    def store(self, received: Received) -> str:
        """Store a task, once per key; returns its id."""
        with self.changed:
            key = received.key or uuid.uuid4().hex
            if key not in self.stored:
                self.stored[key] = (str(uuid.uuid4()), json.loads(received.body))
            self.changed.notify_all()
            return self.stored[key][0]

    def poll(self, trace_id: str) -> tuple[dict[str, Any] | None, int]:
        """The task with an id, None if there is none, and how often it was requested."""
        with self.changed:
            self.polls[trace_id] = self.polls.get(trace_id, 0) + 1
            tasks = [task for each, task in self.stored.values() if each == trace_id]
            return (tasks[0] if tasks else None), self.polls[trace_id]

    def wait_for(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until *is_done* is true; False after *timeout_s*.

        It is called after each change, and regularly: it may depend on more than the fake.
        """
        deadline_s = time.monotonic() + timeout_s
        with self.changed:
            while not is_done():
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    return False
                self.changed.wait(min(left_s, LOOK_EVERY_S))
        return True
