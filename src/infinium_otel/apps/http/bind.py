"""The arguments, the socket and the URL of a server."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse

MAX_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the address to listen on, and the names to accept."""
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
        help="another name to accept in the Host header; may be repeated",
    )


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; called before anything else is started.

    Args:
        host: a name, or an IPv4 or IPv6 address.
        port: 0 for a free one.

    Raises:
        InfiniumError: the port is invalid, or the address cannot be bound.
    """
    if not 0 <= port <= MAX_PORT:
        raise InfiniumError(f"port must be 0-{MAX_PORT}, not {port}")
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = str(error)
        if error.errno == errno.EADDRINUSE:
            reason = "another program uses that port; name another, or 0 for a free one"
        raise InfiniumError(f"cannot listen on {host}:{port}: {reason}") from None


def parse_address(text: str) -> tuple[str, int]:
    """Split HOST:PORT; an IPv6 address is in brackets.

    Raises:
        InfiniumError: a part is missing, or the port is no number.
    """
    host, _, port = text.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    if not name or (":" in name and not host.startswith("[")) or not port.isdecimal():
        raise InfiniumError(
            f"{text!r} is not HOST:PORT, as 127.0.0.1:9464 or 0.0.0.0:9464 are"
        )
    return name, int(port)


def get_url(host: str, listener: socket.socket) -> str:
    """Return the URL of *listener*, without a path."""
    return f"http://{format_host(host)}:{listener.getsockname()[1]}"


def format_host(host: str) -> str:
    """Write *host* as URLs and Host headers have it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
