"""What the fake has been told to do, and all it has seen."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

from infinium_otel.testing.faults import Fault, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Book:
    """Script and records, behind one lock."""

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
    def answering(self) -> Iterator[None]:
        """Marks the time from a task's storing to its request being on record."""
        with self.changed:
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def next_fault(self) -> Fault:
        """The next line of the script."""
        with self.changed:
            if self.script:
                return self.script.pop(0)
            return self.always or Fault()

    def record(self, received: Received) -> None:
        """Remembers a request."""
        with self.changed:
            self.requests.append(received)
            self.changed.notify_all()

    def hold(self, seconds: float | None) -> None:
        """Waits, but not longer than the server lives."""
        self.closing.wait(seconds)

    def store(self, received: Received) -> str:
        """Stores a task, once for each key; returns its id."""
        with self.changed:
            key = received.key or uuid.uuid4().hex
            if key not in self.stored:
                self.stored[key] = (str(uuid.uuid4()), json.loads(received.body))
            self.changed.notify_all()
            return self.stored[key][0]

    def poll(self, trace_id: str) -> tuple[dict[str, Any] | None, int]:
        """The task of an id, None if there is none, and how often it was asked for."""
        with self.changed:
            self.polls[trace_id] = self.polls.get(trace_id, 0) + 1
            found = [task for known, task in self.stored.values() if known == trace_id]
            return (found[0] if found else None), self.polls[trace_id]

    def wait_for(self, enough: Callable[[], bool], timeout_s: float) -> bool:
        """Waits for a change that is enough; False if it took too long."""
        with self.changed:
            return self.changed.wait_for(enough, timeout_s)
