"""A socket to listen on, and its address."""

from __future__ import annotations

import socket

import pytest

from infinium_otel.apps.http.bind import get_url, listen
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
    """Port 0 is replaced by the port that was found."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert get_url(host, listener) == expected.format(port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_an_invalid_port_is_an_error(port):
    """Ports are 1 to 65,535, and 0 for any free one."""
    with pytest.raises(InfiniumError, match=f"port must be 0-65535, not {port}"):
        listen("127.0.0.1", port)


def test_a_port_in_use_is_an_error():
    """The error names the address and the cure."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InfiniumError, match=rf"127\.0\.0\.1:{port}.*another"):
            listen("127.0.0.1", port)


def test_an_invalid_host_is_an_error():
    """A host that is neither a name nor an address is reported."""
    with pytest.raises(InfiniumError, match="cannot listen on"):
        listen("256.0.0.1", 0)
