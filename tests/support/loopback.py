"""Certificates and hand-made servers on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

CERTIFICATE = Path(__file__).parents[1] / "data" / "loopback.pem"
"""Self-signed for localhost and 127.0.0.1, with its key; made with openssl."""


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextlib.contextmanager
def serving(talk):
    """A server whose every connection is handed to `talk(connection)`; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    talk(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
