"""Run the application until a stop signal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from infinium_otel.apps.http import connections

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    from starlette.applications import Starlette

    from infinium_otel.apps.http.mistakes import MistakeLog

GRACE_S = 2
"""Seconds a request may take to finish after a stop signal."""


class Server(connections.Server):
    """A server that closes the event streams first, as they do not end by themselves.

    Args:
        on_stop: called on a stop signal.
        mistakes: counts and logs what senders do wrong.
    """

    def __init__(
        self,
        app: Starlette,
        on_stop: Callable[[], None],
        mistakes: MistakeLog | None = None,
    ) -> None:
        super().__init__(connections.build_config(app, GRACE_S, mistakes=mistakes))
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a stop signal."""
        self._on_stop()
        super().handle_exit(sig, frame)


def serve(
    app: Starlette,
    listener: socket.socket,
    on_stop: Callable[[], None],
    mistakes: MistakeLog,
) -> None:
    """Serve *app* on *listener* until SIGINT or SIGTERM.

    Args:
        on_stop: called on a stop signal.
        mistakes: counts and logs what senders do wrong.
    """
    # when it has stopped, uvicorn 0.54 raises the signal again (`capture_signals`)
    with suppress(KeyboardInterrupt):
        Server(app, on_stop, mistakes).run([listener])
