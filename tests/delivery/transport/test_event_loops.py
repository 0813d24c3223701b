"""Connections after a late patch by gevent: each belongs to one native thread."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.protocol import Request, Send
from infinium_otel.delivery.transport import proxies, sockets
from infinium_otel.delivery.transport.proxies import ProxyTransport
from infinium_otel.delivery.transport.sockets import MAX_IDLE_S, SocketTransport


class Loop:
    """The event loop of the calling thread; 0 before the patch."""

    number = 0

    def __call__(self):
        return self.number


@pytest.fixture
def loop(monkeypatch):
    current = Loop()
    monkeypatch.setattr(sockets, "get_loop_id", current)
    monkeypatch.setattr(proxies, "get_loop_id", current)
    return current


def make_send(url):
    return Send(Request("GET", f"{url}/x", (), b""), 10.0)


def test_a_connection_stays_with_its_loop(fake, loop):
    """It is used again by its own loop only; a native one by none, and is closed."""
    now = [0.0]
    transport = SocketTransport(fake.base_url, clock=lambda: now[0])
    send = make_send(fake.base_url)
    used = []
    for number in (0, 0, 1, 2, 1, 2):
        loop.number = number
        assert transport.perform(send).status == 404
        used.append(transport._idle[-1][0])
    assert used[0] is used[1]
    assert used[0].fileno() == -1
    assert used[2] is used[4]
    assert used[3] is used[5]
    assert used[2] is not used[3]
    now[0] = MAX_IDLE_S + 1  # too old: whoever comes closes them
    assert transport.perform(send).status == 404
    assert used[2].fileno() == used[3].fileno() == -1
    transport.close()


def test_each_loop_has_its_own_connections_to_a_proxy(fake, loop):
    """Httpx shares its connections between all threads."""
    transport = ProxyTransport(fake.base_url.removesuffix("/api/v1"))
    send = make_send("http://infinium.invalid/v1")
    for number in (0, 1, 2, 1):
        loop.number = number
        assert transport.perform(send).status == 404
    assert list(transport._transports) == [0, 1, 2]
    transport.close()
