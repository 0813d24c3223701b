"""Bounds on connections: how many there are, and how long each may be silent.

A connection costs a descriptor before anything is known of its sender, so a full server
closes the connection that has been silent longest, rather than refuse the new one. A
sender that presents its token is then served, however many others only hold connections.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from infinium_otel.apps.http.descriptors import ACCEPTED_AT_ONCE, share
from infinium_otel.apps.http.foreign_protocols import recognize
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.apps.http.repeated_logs import log_once_a_minute

if TYPE_CHECKING:
    import asyncio
    import socket

    from starlette.types import ASGIApp

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
WAITING = 1024
"""Connections that wait in the kernel until the event loop accepts them.

Beyond it the kernel drops the first packet, and the client's next try is a second later.
"""

CHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds.

    Args:
        connections: open at a time.
        per_client: of them, from one address.
        headers_s: seconds from the start of a connection, or from the end of its last
            request, to the end of the headers.
        body_silence_s: seconds without a byte of a body.
        body_s: seconds for a whole body, and one more for each *body_rate* bytes.
        body_rate: bytes a second.
        response_silence_s: seconds in which the client accepts no byte of a response.
    """

    connections: int = MAX_CONNECTIONS
    per_client: int = MAX_CONNECTIONS // 2
    headers_s: float = 15.0
    body_silence_s: float = 10.0
    body_s: float = 30.0
    body_rate: int = 16 * 1024
    response_silence_s: float = 30.0


def fit_limits(most: int = MAX_CONNECTIONS, part: float = 1.0) -> ConnectionLimits:
    """The bounds, lowered to what the process may have open.

    Args:
        most: connections.
        part: of all descriptors, which these may use.
    """
    allowed = share(most, part)
    return ConnectionLimits(allowed, max(8, allowed // 2))


def build_config(
    app: ASGIApp,
    grace_s: int,
    limits: ConnectionLimits | None = None,
    mistakes: MistakeLog | None = None,
    grpc_port: int | None = None,
) -> uvicorn.Config:
    """The configuration of a server with bounded connections.

    Args:
        app: the application.
        grace_s: seconds a request may take to finish after a stop signal.
        limits: None for those that fit the process.
        mistakes: counts and logs connections that do not speak HTTP/1.
        grpc_port: where OTLP/gRPC is received; None if it is not.
    """
    guard = ConnectionGuard(limits or fit_limits(), mistakes, grpc_port)
    log_once_a_minute("uvicorn.error", "asyncio")
    return uvicorn.Config(
        app,
        http=type("Protocol", (GuardedProtocol,), {"guard": guard}),
        backlog=ACCEPTED_AT_ONCE,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=grace_s,
    )


class Server(uvicorn.Server):
    """A server whose connections wait in the kernel while others are accepted."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(WAITING)  # asyncio has set it to what is accepted at once


class ConnectionGuard:
    """The connections of a server.

    Args:
        limits: the bounds.
        mistakes: counts and logs connections that do not speak HTTP/1.
        grpc_port: where OTLP/gRPC is received; None if it is not.

    Attributes:
        closed: how many connections were closed, by reason.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        mistakes: MistakeLog | None = None,
        grpc_port: int | None = None,
    ) -> None:
        self.limits = limits
        self.mistakes = mistakes or MistakeLog()
        self.grpc_port = grpc_port
        self.closed: Counter[str] = Counter()
        self._open: dict[GuardedProtocol, None] = {}
        self._per_client: Counter[str] = Counter()
        self._is_checking = False

    def add(self, connection: GuardedProtocol) -> None:
        """Count a new connection; close another one if there are too many."""
        self._open[connection] = None
        self._per_client[connection.address] += 1
        if self._per_client[connection.address] > self.limits.per_client:
            self._make_room(connection, connection.address)
        elif len(self._open) > self.limits.connections:
            self._make_room(connection, None)
        if not self._is_checking:
            self._is_checking = True
            connection.loop.call_later(CHECK_S, self._check, connection.loop)

    def remove(self, connection: GuardedProtocol) -> None:
        """Forget a connection that was closed."""
        if connection in self._open:
            del self._open[connection]
            self._per_client[connection.address] -= 1
            if not self._per_client[connection.address]:
                del self._per_client[connection.address]

    def _make_room(self, newest: GuardedProtocol, address: str | None) -> None:
        """Close the connection that has waited longest for a request; else the newest.

        Args:
            newest: the one that is too much.
            address: close one of this client; None for one of any.
        """
        silent = (
            each
            for each in self._open
            if each.is_idle() and address in (None, each.address)
        )
        oldest = min(silent, key=lambda each: each.idle_since, default=newest)
        self._close(oldest, "too many connections")

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        for connection in [*self._open]:
            if reason := connection.find_overdue(now_s, self.limits):
                self._close(connection, reason)
        self._is_checking = bool(self._open)
        if self._is_checking:
            loop.call_later(CHECK_S, self._check, loop)

    def _close(self, connection: GuardedProtocol, reason: str) -> None:
        self.remove(connection)
        if not self.closed[reason]:
            logger.warning(
                "closed a connection: %s; further ones are only counted", reason
            )
        self.closed[reason] += 1
        connection.transport.abort()


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol, whose connections are bounded.

    Attributes:
        address: of the client.
        idle_since: when it was opened, or its last response was complete.
    """

    guard: ConnectionGuard

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.address = ""
        self.idle_since = self._last_data_s = self._body_since = self.loop.time()
        self._body_bytes = 0
        self._unread_since: float | None = None
        self._is_new = True
        self._is_foreign = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Count the connection."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.guard.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.guard.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take the time, and pass the data on, if it is HTTP/1."""
        self._last_data_s = self.loop.time()
        if self._is_foreign or (self._is_new and self._reject_foreign(data)):
            return
        if self.is_idle():
            self._body_since, self._body_bytes = self._last_data_s, 0
        self._body_bytes += len(data)
        super().data_received(data)

    def _reject_foreign(self, data: bytes) -> bool:
        """Respond to a client of another protocol; whether it is one."""
        self._is_new = False
        foreign = recognize(data, self.guard.grpc_port)
        if foreign is None:
            return False
        self._is_foreign = True
        self.guard.mistakes.add(foreign.kind, self.address, foreign.message)
        self.transport.write(foreign.response)
        # Not at once: what the client has sent and we have not read would reset the
        # connection before it has read the response.
        self.loop.call_later(CHECK_S, self.transport.close)
        return True

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Take the time since when the client does not read."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on when the client reads again."""
        self._unread_since = None
        super().resume_writing()

    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def find_overdue(self, now_s: float, limits: ConnectionLimits) -> str:
        """Why the connection must be closed; "" if it need not."""
        if self._unread_since is not None:
            is_late = now_s - self._unread_since > limits.response_silence_s
            return "the response was not read" if is_late else ""
        if self.is_idle():
            is_late = now_s - self.idle_since > limits.headers_s
            return "no request was sent" if is_late else ""
        if self.cycle.more_body and not self.flow.read_paused:
            allowed_s = limits.body_s + self._body_bytes / limits.body_rate
            if now_s - self._last_data_s > limits.body_silence_s:
                return "a request's body was not sent"
            if now_s - self._body_since > allowed_s:
                return "a request's body was sent too slowly"
        return ""
