"""Runs the application until the process is asked to stop."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    from starlette.applications import Starlette

GRACE_S = 2
"""Seconds a request may take to finish after the process was asked to stop."""


class Server(uvicorn.Server):
    """Ends the streams of live news first: they would never end by themselves.

    Args:
        closing: called when the process is asked to stop.
    """

    def __init__(self, app: Starlette, closing: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The process was asked to stop."""
        self._closing()
        super().handle_exit(sig, frame)


def serve(app: Starlette, listener: socket.socket, closing: Callable[[], None]) -> None:
    """Serve *app* on *listener* until SIGINT or SIGTERM.

    Args:
        closing: called when the process is asked to stop.
    """
    # uvicorn raises the signal again once it has stopped in good order
    with suppress(KeyboardInterrupt):
        Server(app, closing).run([listener])
