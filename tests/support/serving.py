"""A real HTTP server on loopback for an ASGI application under test."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Thread

import pytest


@contextmanager
def serving(app):
    """Serve *app* from a thread; gives its base URL.

    The socket listens before the server runs, so a request never comes too early.
    """
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
