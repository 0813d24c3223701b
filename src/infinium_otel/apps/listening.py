"""A socket to listen on, and its address as a person writes it."""

from __future__ import annotations

import socket

from infinium_otel.errors import InfiniumError

MAX_PORT = 65_535


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; bound before anything else is started.

    Args:
        host: a name or an address, of IPv4 or IPv6.
        port: 0 for a free one.

    Raises:
        InfiniumError: nobody can listen there.
    """
    if not 0 <= port <= MAX_PORT:
        raise InfiniumError(f"port {port} is none: 0 to {MAX_PORT}")
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise InfiniumError(f"cannot listen on {host}:{port}: {error}") from None


def address_of(host: str, listener: socket.socket) -> str:
    """The URL of what listens, without a path."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
