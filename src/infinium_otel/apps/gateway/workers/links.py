"""Connections to the other workers: a part of a request goes out, a response comes back.

Blocking, for the threads that decode requests. A connection is used by one of them at a
time and then kept, so there are never more to one worker than requests in progress.
"""

from __future__ import annotations

import socket
import time
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.workers.wire import (
    add_length,
    encode_records,
    parse_outcome,
)
from infinium_otel.apps.http.body_limiter import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infinium_otel.errors import InfiniumError
    from infinium_otel.otlp import Record

FORWARD_S = 5.0
"""Seconds until another worker must have responded: an exporter has ten for all its
attempts, and needs some of them for the next one."""

RETRY_S = 1.0
"""Seconds after which a worker that has ended is there again."""

MAX_RESPONSE_BYTES = 4096


class PeerLink:
    """The connections to one other worker. Thread-safe.

    Args:
        path: of the socket that it listens on.
        deadline_s: seconds until it must have responded.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        path: str,
        deadline_s: float = FORWARD_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._deadline_s = deadline_s
        self._clock = clock
        self._free: list[socket.socket] = []
        self._is_closed = False
        self._lock = Lock()

    def begin(self, records: Sequence[Record]) -> Exchange:
        """Send records; `Exchange.finish` awaits the response.

        Raises:
            BusyError: the worker cannot be reached now.
            DecodingError: there is too much in them (413).
        """
        exchange = Exchange(
            self, encode_records(records), self._deadline_s, self._clock
        )
        exchange.send()
        return exchange

    def take(self, timeout_s: float) -> tuple[socket.socket, bool]:
        """A connection, and whether it was used before.

        Raises:
            OSError: the worker cannot be reached.
        """
        with self._lock:
            if self._free:
                return self._free.pop(), True
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout_s)
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection, False

    def give_back(self, connection: socket.socket) -> None:
        """Keep a connection for the next exchange."""
        with self._lock:
            if not self._is_closed:
                self._free.append(connection)
                return
        connection.close()

    def forget(self) -> None:
        """Close the connections that are kept: the worker at their other end has ended."""
        with self._lock:
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def close(self) -> None:
        """Close every connection, those in use after their exchange."""
        with self._lock:
            self._is_closed = True
        self.forget()


class Exchange:
    """One part of a request on its way to another worker.

    Args:
        link: to that worker.
        content: of the frame.
        deadline_s: seconds it may take in all.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        link: PeerLink,
        content: bytes,
        deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._content = content
        self._clock = clock
        self._deadline = clock() + deadline_s
        self._connection: socket.socket | None = None
        self._was_used = False

    def send(self) -> None:
        """Send the frame.

        Raises:
            BusyError: the worker cannot be reached now.
        """
        try:
            self._try_send()
        except TimeoutError:
            self._close()
            raise BusyError(RETRY_S) from None
        except OSError:
            self._send_anew()

    def finish(self) -> InfiniumError | None:
        """Await the response: an error if the worker did not accept the records."""
        try:
            response = self._receive_or_repeat()
        except (BusyError, OSError):
            self._close()
            return BusyError(RETRY_S)
        if self._connection is not None:
            self._link.give_back(self._connection)
        return parse_outcome(response)

    def _receive_or_repeat(self) -> bytes:
        try:
            return self._receive()
        except TimeoutError:
            raise
        except OSError:
            self._send_anew()
            return self._receive()

    def _send_anew(self) -> None:
        """Once more, if the connection may have been one of a worker that has ended."""
        self._close()
        self._link.forget()
        if not self._was_used:
            raise BusyError(RETRY_S)
        try:
            self._try_send()
        except OSError:
            self._close()
            raise BusyError(RETRY_S) from None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try_send(self) -> None:
        try:
            connection, was_used = self._link.take(self._get_timeout_s())
        except OSError:
            raise BusyError(RETRY_S) from None
        self._connection, self._was_used = connection, was_used
        connection.settimeout(self._get_timeout_s())
        connection.sendall(add_length(self._content))
        connection.sendall(self._content)

    def _receive(self) -> bytes:
        response = b""
        while not response.endswith(b"\n"):
            if self._connection is None:
                raise ConnectionResetError
            self._connection.settimeout(self._get_timeout_s())
            received = self._connection.recv(MAX_RESPONSE_BYTES)
            if not received:
                raise ConnectionResetError
            response += received
        return response

    def _get_timeout_s(self) -> float:
        left_s = self._deadline - self._clock()
        if left_s <= 0:
            raise TimeoutError
        return left_s
