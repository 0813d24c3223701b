"""HTTP/1.1 as narrow as delivery needs it: one request, one answer, one deadline.

`Client.post` of httpx costs four times what `http.client` does, and most of that is its
own layers. So requests go over plain sockets and only the parsing of a reply is the
standard library's; through a proxy, and under asyncio, they go through httpx's
transports, which are behind the same few lines.
"""

from __future__ import annotations

import codecs
import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.delivery.network import proxy_of, tls_context
from infinium_otel.protocol import NoReply, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.httpx_transport import ProxyTransport
    from infinium_otel.protocol import Request, Send

# `getaddrinfo` asks for this codec, which is a module. Imported by a thread of ours while
# another forks, it would leave the child an import lock that nobody ever releases.
codecs.lookup("idna")

MAX_REPLY_BYTES = 4 * 1024 * 1024
MAX_IDLE_S = 15.0
"""A connection idle for longer is not trusted: a firewall may have forgotten it."""

NO_PORT = {"http": 80, "https": 443}


def transport_for(config: Config) -> SocketTransport | ProxyTransport:
    """The way to the service: through the environment's proxy, else straight."""
    proxy = proxy_of(config.base_url)
    if proxy is None:
        return SocketTransport(config.base_url, verify_ssl=config.verify_ssl)
    from infinium_otel.delivery.httpx_transport import (  # noqa: PLC0415 - httpx costs 90 ms
        ProxyTransport,
    )

    return ProxyTransport(proxy, verify_ssl=config.verify_ssl)


class SocketTransport:
    """Performs `Send` steps over kept-alive sockets of its own. Thread-safe.

    Args:
        base_url: scheme, host and port of every request.
        verify_ssl: False accepts any certificate.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        verify_ssl: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(base_url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or NO_PORT[parts.scheme]
        self._netloc = parts.netloc
        self._verify_ssl = verify_ssl
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[socket.socket, float]] = []
        self._context: ssl.SSLContext | None = None
        self._closed = False
        self._process = os.getpid()

    def perform(self, send: Send) -> Reply | NoReply:
        """Sends a request and reads the reply; never raises."""
        deadline = self._clock() + send.timeout_s
        try:
            return self._exchange(send.request, deadline)
        except TimeoutError:
            detail = f"no reply within {send.timeout_s:g} seconds"
            return NoReply("timeout", detail, send.timeout_s)
        except ssl.SSLCertVerificationError as error:
            return NoReply("tls", f"certificate refused: {error.verify_message}")
        except ssl.SSLError as error:
            return NoReply(
                "tls", f"no secure connection: {error.reason or 'TLS failed'}"
            )
        except _UnreachableError as error:
            return NoReply("connect", f"cannot reach {self._netloc}: {error}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return NoReply("broken", f"connection broken: {type(error).__name__}")

    def close(self) -> None:
        """Closes idle connections; those under way close when they are done."""
        self._closed = True
        self._drop_idle()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def after_fork_in_child(self) -> None:
        """Leaves the parent's connections to the parent."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._drop_idle()

    def _exchange(self, request: Request, deadline: float) -> Reply:
        connection = self._idle_connection() or self._connect(deadline)
        keep = False
        try:
            connection.settimeout(self._left(deadline))
            connection.sendall(self._head(request) + request.body)
            reply, keep = self._read(connection, request.method, deadline)
        finally:
            if keep and not self._closed:
                self._keep(connection)
            else:
                connection.close()
        return reply

    def _head(self, request: Request) -> bytes:
        path = request.url.partition(self._netloc)[2]
        lines = [
            f"{request.method} {path} HTTP/1.1",
            f"Host: {self._netloc}",
            "Accept: application/json",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in request.headers),
        ]
        if request.method == "POST":
            lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _read(
        self, connection: socket.socket, method: str, deadline: float
    ) -> tuple[Reply, bool]:
        """The reply, and whether the connection can serve again."""
        source: Any = _Source(connection, lambda: self._left(deadline))
        response = http.client.HTTPResponse(source, method=method)
        try:
            response.begin()
            body = _body(response, method)
            headers = {name.lower(): text for name, text in response.getheaders()}
            keep = response.isclosed() and not response.will_close
            return Reply(response.status, headers, body), keep
        finally:
            response.close()

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def _connect(self, deadline: float) -> socket.socket:
        try:
            address = (self._host, self._port)
            connection = socket.create_connection(address, self._left(deadline))
        except TimeoutError:
            raise
        except OSError as error:
            raise _UnreachableError(error.strerror or type(error).__name__) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._secure:
            return connection
        try:
            connection.settimeout(self._left(deadline))
            return self._tls().wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = tls_context(verify=self._verify_ssl)
        return self._context

    def _idle_connection(self) -> socket.socket | None:
        """A connection that was used before and that the server has not ended."""
        if self._process != os.getpid():
            self.after_fork_in_child()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if self._clock() - since < MAX_IDLE_S and not _readable(connection):
                return connection
            connection.close()

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._idle.append((connection, self._clock()))


class _UnreachableError(Exception):
    """The server was never reached, so it cannot have taken the request."""


class _Source:
    """What `HTTPResponse` reads from: a socket with a deadline for the whole reply."""

    def __init__(self, connection: socket.socket, left: Callable[[], float]) -> None:
        self._raw = _Raw(connection, left)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Raw(io.RawIOBase):
    """Bytes as they come, each read bounded by what is left of the deadline."""

    def __init__(self, connection: socket.socket, left: Callable[[], float]) -> None:
        self._connection = connection
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._left())
        return self._connection.recv_into(buffer)


def _body(response: http.client.HTTPResponse, method: str) -> bytes:
    """The body of a reply.

    After a POST the status alone says what the server did; sending again because the
    rest was lost would make a second copy.
    """
    try:
        body = response.read(MAX_REPLY_BYTES)
    except (OSError, http.client.HTTPException):
        if method == "POST":
            return b""
        raise
    if response.length and method != "POST":
        raise http.client.IncompleteRead(body, response.length)
    return body


def _readable(connection: socket.socket) -> bool:
    """Whether an idle connection has something to say: only that it has ended."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([connection], [], [], 0)[0])
