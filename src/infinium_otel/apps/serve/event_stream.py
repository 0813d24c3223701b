"""Notifies open pages of new tasks and of open runs, by server-sent events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT_S = 15.0
"""Seconds between heartbeats: writing one detects that a page is gone."""

MAX_STREAMS = 64
"""Open streams: each holds a connection, of which there is a limited number."""


class EventStream:
    """Publishes the number of the newest task to every subscriber, and other changes.

    Belongs to one event loop; other threads may call only `publish`, `touch` and `close`.

    Args:
        last: the number of the newest task.
        heartbeat_s: seconds without an event, at most.

    Attributes:
        version: how often an open run has changed, or a task was removed.
    """

    def __init__(self, last: int = 0, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._last = last
        self.version = 0
        self._heartbeat_s = heartbeat_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[asyncio.Event, None] = {}
        self._closed = False

    def open(self) -> None:
        """Attach to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, last: int) -> None:
        """Publish *last* as the number of the newest task; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, last)

    def touch(self) -> None:
        """Publish that an open run has changed, or a task was removed; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._change)

    def _change(self) -> None:
        self.version += 1
        self._wake(self._last)

    def close(self) -> None:
        """End every stream, so that the server can stop; from any thread."""
        self._closed = True
        self.publish(self._last)

    def _wake(self, last: int) -> None:
        self._last = max(self._last, last)
        for event in self._waiting:
            event.set()

    async def subscribe(self, seen: int) -> AsyncIterator[str]:
        """Give the events for a page that has the tasks up to number *seen*.

        The stream that was opened first ends when there are too many; a page that is
        still there opens another one.
        """
        event = asyncio.Event()
        version = 0
        self._waiting[event] = None
        if len(self._waiting) > MAX_STREAMS:
            self._end(next(iter(self._waiting)))
        try:
            yield "retry: 1000\n\n"
            while event in self._waiting and not self._closed:
                if self._last != seen:
                    seen = self._last
                    yield f"event: tasks\nid: {seen}\ndata: {seen}\n\n"
                if self.version != version:
                    version = self.version
                    yield f"event: open-runs\ndata: {version}\n\n"
                if not await self._wait(event):
                    yield ": still here\n\n"
        finally:
            self._waiting.pop(event, None)

    def _end(self, event: asyncio.Event) -> None:
        del self._waiting[event]
        event.set()

    async def _wait(self, event: asyncio.Event) -> bool:
        """Wait for an event; False if it is time for a heartbeat."""
        try:
            await asyncio.wait_for(event.wait(), self._heartbeat_s)
        except asyncio.TimeoutError:
            return False
        event.clear()
        return True
