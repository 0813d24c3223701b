"""Where a server listens: the arguments, the socket, its address."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse

MAX_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to listen, and under which names."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port", type=int, default=4318, help="port; 0 picks a free one (%(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="another name this server is reached by; may be given again",
    )


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
    return f"http://{name_of(host)}:{listener.getsockname()[1]}"


def name_of(host: str) -> str:
    """*host* as it stands in a URL, and in a Host header."""
    return f"[{host}]" if ":" in host else host
