"""What the parent and a worker send each other: one JSON object a line, over a socket."""

from __future__ import annotations

import json
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

PIECE_BYTES = 64 * 1024


class Channel:
    """One end of the connection between the parent and a worker.

    Any thread may send, one at a time receives.

    Args:
        connection: a connected stream; closed by `close`.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self._lock = Lock()

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            OSError: the other process has ended.
        """
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._connection.sendall(line)

    def receive(self, timeout_s: float | None = None) -> Any:
        """The next message.

        Args:
            timeout_s: seconds to wait for it; None for ever.

        Raises:
            TimeoutError: it did not arrive in time.
            EOFError: the other process has ended.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (end := self._received.find(b"\n")) < 0:
            left_s = None if deadline is None else deadline - time.monotonic()
            self._received += self._read(left_s)
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return json.loads(line)

    def _read(self, timeout_s: float | None) -> bytes:
        if timeout_s is not None and timeout_s <= 0:
            raise TimeoutError
        try:
            self._connection.settimeout(timeout_s)
            piece = self._connection.recv(PIECE_BYTES)
        except TimeoutError:
            raise
        except OSError:
            raise EOFError from None
        if not piece:
            raise EOFError
        return piece

    def close(self) -> None:
        """Close it."""
        self._connection.close()
