"""A socket to listen on, and its address."""

from __future__ import annotations

import socket

import pytest

from infinium_otel.apps.listening import address_of, listen
from infinium_otel.errors import InfiniumError


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("localhost", "http://localhost:{}", id="name"),
        pytest.param("127.0.0.1", "http://127.0.0.1:{}", id="ipv4"),
        pytest.param("::1", "http://[::1]:{}", id="ipv6-in-brackets"),
    ],
)
def test_an_address_is_written_as_a_url(host, expected):
    """Port 0 is written as the one that was found."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address_of(host, listener) == expected.format(port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_told(port):
    """There are 65,535 of them, and 0 for any."""
    with pytest.raises(InfiniumError, match=f"port {port} is none"):
        listen("127.0.0.1", port)


def test_a_port_that_somebody_has_is_told():
    """The error names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InfiniumError, match=rf"127\.0\.0\.1:{port}"):
            listen("127.0.0.1", port)


def test_a_host_that_is_none_is_told():
    """What is neither a name nor an address cannot be listened on."""
    with pytest.raises(InfiniumError, match="cannot listen on"):
        listen("256.0.0.1", 0)
