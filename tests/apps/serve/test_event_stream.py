"""Server-sent events of new tasks."""

from __future__ import annotations

import asyncio
import threading

from infinium_otel.apps.serve.event_stream import MAX_STREAMS, EventStream


async def read_events(stream, number: int) -> list[str]:
    """Read the next *number* texts of *stream*, fewer if it ends."""
    found = []
    async for text in stream:
        found.append(text)
        if len(found) == number:
            break
    return found


def test_publish_from_another_thread():
    """A task that a worker thread stored is published to every page."""

    async def play():
        events = EventStream(3)
        events.open()
        streams = [events.subscribe(3), events.subscribe(0)]
        first = [await read_events(stream, 1) for stream in streams]
        caught_up = await read_events(streams[1], 1)
        threading.Thread(target=events.publish, args=(4,)).start()
        published = [await read_events(stream, 1) for stream in streams]
        return first, caught_up, published

    first, caught_up, published = asyncio.run(asyncio.wait_for(play(), 10))
    assert first == [["retry: 1000\n\n"]] * 2
    assert caught_up == ["event: tasks\nid: 3\ndata: 3\n\n"]
    assert published == [["event: tasks\nid: 4\ndata: 4\n\n"]] * 2


def test_changes_of_open_runs_are_published():
    """Each has a number of its own; whoever subscribes later gets the last one."""

    async def play():
        events = EventStream(3)
        events.open()
        stream = events.subscribe(3)
        await read_events(stream, 1)
        events.touch()
        first = await read_events(stream, 1)
        threading.Thread(target=events.touch).start()
        second = await read_events(stream, 1)
        return first, second, await read_events(events.subscribe(3), 2)

    first, second, later = asyncio.run(asyncio.wait_for(play(), 10))
    assert first == ["event: open-runs\ndata: 1\n\n"]
    assert second == ["event: open-runs\ndata: 2\n\n"]
    assert later[1:] == second


def test_heartbeat():
    """A heartbeat is sent from time to time, so that a lost connection is noticed."""

    async def play():
        events = EventStream(1, heartbeat_s=0.001)
        events.open()
        return await read_events(events.subscribe(1), 3)

    assert asyncio.run(asyncio.wait_for(play(), 10))[1:] == [": still here\n\n"] * 2


def test_close_ends_every_stream():
    """When the server stops, every stream ends."""

    async def play():
        events = EventStream(1)
        events.open()
        stream = events.subscribe(1)
        await read_events(stream, 1)
        rest = asyncio.ensure_future(read_events(stream, 1))
        await asyncio.sleep(0)
        events.close()
        return await rest

    assert asyncio.run(asyncio.wait_for(play(), 10)) == []


def test_publish_before_the_server_runs():
    """Publishing without subscribers is not an error."""
    events = EventStream()
    events.publish(5)
    events.touch()
    events.close()


def test_the_oldest_stream_ends_when_there_are_too_many():
    """Streams never end by themselves, and would take every connection."""

    async def play():
        events = EventStream(1)
        events.open()
        streams = [events.subscribe(1) for _ in range(MAX_STREAMS + 1)]
        for stream in streams:
            await read_events(stream, 1)
        rest = await read_events(streams[0], 1)
        events.publish(2)
        return rest, await read_events(streams[1], 1)

    first, second = asyncio.run(asyncio.wait_for(play(), 10))
    assert first == []
    assert second == ["event: tasks\nid: 2\ndata: 2\n\n"]
