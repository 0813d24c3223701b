"""HTTP/1.1 reduced to what delivery needs: one request, one response, one deadline.

`Client.post` of httpx costs four times as much as `http.client`, most of it in its own
layers. So we send over plain sockets; only the parsing of a response is done by the
standard library. Proxies and asyncio use httpx's transports, behind the same interface.
"""

from __future__ import annotations

import _socket  # the module below `socket`: gevent and eventlet leave it as it is
import codecs
import http.client
import io
import os
import select
import socket
import ssl
import time
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.config.address import Address
from infinium_otel.delivery.locks import RLock, get_loop_id
from infinium_otel.delivery.protocol import Response, TransportFailure
from infinium_otel.delivery.transport.network import (
    MAX_REPLY_BYTES,
    find_proxy,
    make_tls_context,
)
from infinium_otel.delivery.transport.simple_responses import read_simple

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import Request, Send
    from infinium_otel.delivery.transport.proxies import ProxyTransport

# `socket.getaddrinfo` imports this codec. If a thread of ours did so while another thread
# forks, the child would inherit an import lock that is never released.
codecs.lookup("idna")

MAX_IDLE_S = 15.0
"""Connections idle for longer are closed: a firewall may have dropped them."""


def make_transport(config: Config) -> SocketTransport | ProxyTransport:
    """The transport for *config*: through the environment's proxy, or direct."""
    proxy = find_proxy(config.base_url)
    if proxy is None:
        return SocketTransport(config.base_url, verify_ssl=config.verify_ssl)
    from infinium_otel.delivery.transport.proxies import (  # noqa: PLC0415 - httpx costs 90 ms
        ProxyTransport,
    )

    return ProxyTransport(proxy, verify_ssl=config.verify_ssl)


class SocketTransport:
    """Performs `Send` steps over its own keep-alive sockets. Thread-safe.

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
        parts, address = urlsplit(base_url), Address.parse(base_url)
        self._secure = parts.scheme == "https"
        self._host, self._port = address.host, address.port
        self._netloc = parts.netloc
        self._verify_ssl = verify_ssl
        self._clock = clock
        self._lock = RLock()
        self._idle: list[tuple[socket.socket, float, int]] = []
        # A client that is dropped without `close()` must not cost its host a warning.
        weakref.finalize(self, _close_all, self._idle).atexit = False
        self._context: ssl.SSLContext | None = None
        self._closed = False
        self._process = os.getpid()

    def perform(self, send: Send) -> Response | TransportFailure:
        """Send a request and read the response; never raises."""
        deadline = self._clock() + send.timeout_s
        try:
            return self._exchange(send.request, deadline)
        except TimeoutError:
            detail = f"no response within {send.timeout_s:g} seconds"
            return TransportFailure("timeout", detail, send.timeout_s)
        except ssl.SSLCertVerificationError as error:
            return TransportFailure(
                "tls", f"certificate refused: {error.verify_message}"
            )
        except ssl.SSLError as error:
            return TransportFailure(
                "tls", f"no secure connection: {error.reason or 'TLS failed'}"
            )
        except _UnreachableError as error:
            return TransportFailure("connect", f"cannot reach {self._netloc}: {error}")
        except (OSError, http.client.HTTPException, RuntimeError, ValueError) as error:
            return TransportFailure(
                "broken", f"connection broken: {type(error).__name__}"
            )

    def close(self) -> None:
        """Close idle connections; those in use are closed after their request."""
        self._closed = True
        self._drop_idle()

    def _drop_idle(self) -> None:
        with self._lock:
            _close_all(self._idle)

    def after_fork_in_child(self) -> None:
        """Drop the connections, which belong to the parent."""
        self._process = os.getpid()
        self._lock = RLock()
        self._drop_idle()

    def _exchange(self, request: Request, deadline: float) -> Response:
        connection = self._pop_idle() or self._connect(deadline)
        keep = False
        try:
            connection.settimeout(self._remaining(deadline))
            connection.sendall(self._encode_head(request) + request.body)
            response, keep = self._read(connection, request.method, deadline)
        finally:
            if keep:
                self._keep(connection)
            else:
                connection.close()
        return response

    def _encode_head(self, request: Request) -> bytes:
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
    ) -> tuple[Response, bool]:
        """The response, and whether the connection can be reused."""
        source: Any = _Source(connection, lambda: self._remaining(deadline))
        simple = read_simple(source.peek())
        if simple is not None:
            return simple, True
        response = http.client.HTTPResponse(source, method=method)
        try:
            response.begin()
            body = _read_body(response, method)
            headers = {name.lower(): text for name, text in response.getheaders()}
            keep = response.isclosed() and not response.will_close
            return Response(response.status, headers, body), keep
        finally:
            response.close()

    def _remaining(self, deadline: float) -> float:
        remaining_s = deadline - self._clock()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s

    def _connect(self, deadline: float) -> socket.socket:
        try:
            connection = self._connect_any(deadline)
        except TimeoutError:
            raise
        except OSError as error:
            raise _UnreachableError(error.strerror or type(error).__name__) from None
        except RuntimeError as error:  # gevent's resolver can start no thread at exit
            raise _UnreachableError(str(error)) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._secure:
            return connection
        try:
            connection.settimeout(self._remaining(deadline))
            return self._get_context().wrap_socket(
                connection, server_hostname=self._host
            )
        except BaseException:
            connection.close()
            raise

    def _connect_any(self, deadline: float) -> socket.socket:
        address = (self._host, self._port)
        try:
            return socket.create_connection(address, self._remaining(deadline))
        except RuntimeError:
            # gevent resolves names in a thread, and none starts at interpreter shutdown.
            return self._connect_one(_socket.getaddrinfo(*address), deadline)

    def _connect_one(self, places: list[Any], deadline: float) -> socket.socket:
        """A connection to the first of the resolved places that accepts one."""
        failure = OSError("no address")
        for family, kind, protocol, _, address in places:
            if kind != socket.SOCK_STREAM:
                continue
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self._remaining(deadline))
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure

    def _get_context(self) -> ssl.SSLContext:
        # After a late patch by gevent, a context from before fails ("super(type, obj)").
        if not isinstance(self._context, ssl.SSLContext):
            self._context = make_tls_context(verify=self._verify_ssl)
        return self._context

    def _pop_idle(self) -> socket.socket | None:
        """An idle connection that the server has not closed; None if there is none."""
        if self._process != os.getpid():
            self.after_fork_in_child()
        loop = get_loop_id()
        while (entry := self._take_idle(loop)) is not None:
            connection, since, owner = entry
            is_fresh = self._clock() - since < MAX_IDLE_S
            if is_fresh and owner == loop and not _is_readable(connection):
                return connection
            connection.close()
        return None

    def _take_idle(self, loop: int) -> tuple[socket.socket, float, int] | None:
        """The newest idle connection of this loop, or one that must be closed.

        A native one, from before a late patch by gevent, blocks all green threads.
        """
        oldest_s = self._clock() - MAX_IDLE_S
        with self._lock:
            for index in range(len(self._idle) - 1, -1, -1):
                _, since, owner = self._idle[index]
                if owner in {loop, 0} or since < oldest_s:
                    return self._idle.pop(index)
        return None

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append((connection, self._clock(), get_loop_id()))
                return
        connection.close()


def _close_all(idle: list[tuple[socket.socket, float, int]]) -> None:
    while idle:
        connection, *_ = idle.pop()
        connection.close()


class _UnreachableError(Exception):
    """The server was never reached, so it cannot have received the request."""


class _Source:
    """What `HTTPResponse` reads from: a socket with a deadline for the whole response."""

    def __init__(
        self, connection: socket.socket, remaining: Callable[[], float]
    ) -> None:
        self._reader: Any = io.BufferedReader(_Raw(connection, remaining))

    def peek(self) -> bytes:
        """What the first read gives, which stays to be read."""
        first: bytes = self._reader.peek()
        return first

    def makefile(self, _: str) -> Any:
        return self._reader


class _Raw(io.RawIOBase):
    """Unbuffered reads, each limited to the time remaining until the deadline."""

    def __init__(
        self, connection: socket.socket, remaining: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._remaining = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._remaining())
        return self._connection.recv_into(buffer)


def _read_body(response: http.client.HTTPResponse, method: str) -> bytes:
    """The body of a response.

    After a POST the status alone decides: retrying because the body was cut off would
    create a second copy.
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


def _is_readable(connection: socket.socket) -> bool:
    """Whether an idle connection has data to read: the server has closed it."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([connection], [], [], 0)[0])
