"""The news that every open page gets."""

from __future__ import annotations

import asyncio
import threading

from infinium_otel.apps.serve.live import Live


async def events(stream, number: int) -> list[str]:
    """The next *number* texts of *stream*, fewer if it ends."""
    found = []
    async for text in stream:
        found.append(text)
        if len(found) == number:
            break
    return found


def test_news_from_another_thread():
    """A task that a worker thread kept is told to every page."""

    async def play():
        live = Live(3)
        live.open()
        streams = [live.stream(3), live.stream(0)]
        first = [await events(stream, 1) for stream in streams]
        caught_up = await events(streams[1], 1)
        threading.Thread(target=live.tell, args=(4,)).start()
        told = [await events(stream, 1) for stream in streams]
        return first, caught_up, told

    first, caught_up, told = asyncio.run(asyncio.wait_for(play(), 10))
    assert first == [["retry: 1000\n\n"]] * 2
    assert caught_up == ["event: tasks\nid: 3\ndata: 3\n\n"]
    assert told == [["event: tasks\nid: 4\ndata: 4\n\n"]] * 2


def test_heartbeat():
    """Silence is broken now and then, so that a lost connection is noticed."""

    async def play():
        live = Live(1, heartbeat_s=0.001)
        live.open()
        return await events(live.stream(1), 3)

    assert asyncio.run(asyncio.wait_for(play(), 10))[1:] == [": still here\n\n"] * 2


def test_close_ends_every_stream():
    """A server that stops lets its pages go."""

    async def play():
        live = Live(1)
        live.open()
        stream = live.stream(1)
        await events(stream, 1)
        rest = asyncio.ensure_future(events(stream, 1))
        await asyncio.sleep(0)
        live.close()
        return await rest

    assert asyncio.run(asyncio.wait_for(play(), 10)) == []


def test_news_before_the_server_runs():
    """Nobody listens before the server runs: news then are no error."""
    live = Live()
    live.tell(5)
    live.close()
