"""Tells every open page that tasks have arrived, as server-sent events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT_S = 15.0
"""A line now and then finds out that nobody listens any more."""


class Live:
    """The number of the last task, and everyone who waits for the next.

    Belongs to one event loop; `told` is the only method for other threads.

    Args:
        last: the number of the task that came last.
        heartbeat_s: seconds of silence, at most.
    """

    def __init__(self, last: int = 0, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._last = last
        self._heartbeat_s = heartbeat_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def open(self) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()

    def tell(self, last: int) -> None:
        """Say, from any thread, that the last task is now number *last*."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, last)

    def close(self) -> None:
        """End every stream, so that the server can stop; from any thread."""
        self._closed = True
        self.tell(self._last)

    def _wake(self, last: int) -> None:
        self._last = max(self._last, last)
        for event in self._waiting:
            event.set()

    async def stream(self, seen: int) -> AsyncIterator[str]:
        """Events for a page that knows of tasks up to number *seen*."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield "retry: 1000\n\n"
            while not self._closed:
                if self._last != seen:
                    seen = self._last
                    yield f"event: tasks\nid: {seen}\ndata: {seen}\n\n"
                if not await self._woken(event):
                    yield ": still here\n\n"
        finally:
            self._waiting.discard(event)

    async def _woken(self, event: asyncio.Event) -> bool:
        """Wait for news; False when there were none for too long."""
        try:
            await asyncio.wait_for(event.wait(), self._heartbeat_s)
        except asyncio.TimeoutError:
            return False
        event.clear()
        return True
