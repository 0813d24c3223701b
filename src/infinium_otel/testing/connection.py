"""The fake's HTTP server: reads requests, and responds or fails as scripted."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import time
import zlib
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from infinium_otel.testing.contract import find_complaints
from infinium_otel.testing.faults import Fault, Received

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from infinium_otel.testing.server_state import ServerState

KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")
SUCCESS = range(200, 300)
NO_BODY = (204, 304)


class Server(ThreadingHTTPServer):
    """An HTTP server that can close all connections at once, as a crash would."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        state: ServerState,
        respond: Callable[[Received, bool], tuple[int, dict[str, Any]]],
        context: ssl.SSLContext | None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.state = state
        self.respond = respond
        self._context = context
        self._open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, including its TLS handshake, in its own thread."""
        if self._context is not None:
            request = self._context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(request)
        try:
            # The client broke the connection, or a test did: both are expected.
            with contextlib.suppress(OSError, ValueError):
                _Handler(request, client_address, self)
        finally:
            self._open.discard(request)
            request.close()

    def end_connections(self) -> None:
        """End every connection at once."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: broken connections are expected in tests."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, *_: object) -> None:
        """Log nothing: tests use `FakeInfinium.requests`."""

    def _serve(self) -> None:
        state = self.server.state
        fault = state.next_fault()
        length = int(self.headers.get("content-length") or 0)
        if fault.breaks in ("before", "during"):
            body = self.rfile.read(length // 2) if fault.breaks == "during" else b""
            state.record(self._make_received(body))
            self._reset()
            return
        received = self._make_received(self.rfile.read(length))
        complaints = _find_complaints(received)
        self._respond(replace(received, complaints=complaints), fault)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _make_received(self, body: bytes) -> Received:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Received(
            method=self.command,
            path=self.path,
            headers=headers,
            body=_decompress(body, headers),
            wire_bytes=len(body),
            status=None,
            complaints=(),
            at_s=time.monotonic(),
        )

    def _respond(self, received: Received, fault: Fault) -> None:
        store = fault.store
        if store is None:
            store = not fault.breaks and (fault.status or 200) in SUCCESS
        with self.server.state.responding():
            status, content = self._choose_response(received, fault, store=store)
            is_silent = fault.breaks and fault.breaks != "truncate"
            sent_status = None if is_silent else status
            self.server.state.record(replace(received, status=sent_status))
        self.server.state.hold(fault.delay_s)
        if is_silent:
            self._break(fault)
        else:
            self._write(status, content, fault)

    def _choose_response(
        self, received: Received, fault: Fault, *, store: bool
    ) -> tuple[int, dict[str, Any]]:
        if fault.status is not None and not store:
            return fault.status, {"error": "scripted"}
        status, content = self.server.respond(received, store)
        return fault.status or status, content

    def _write(self, status: int, content: dict[str, Any], fault: Fault) -> None:
        body = json.dumps(content).encode() if fault.body is None else fault.body
        if status in NO_BODY:
            body = b""
        cut_short = fault.breaks == "truncate"
        self.send_response(status)
        if "Content-Type" not in fault.headers:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + 100 * cut_short))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut_short

    def _break(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.breaks == "after":
            self._reset()
        elif fault.breaks == "hang":
            self.server.state.hold(None)
        elif fault.breaks == "raw":
            self.wfile.write(fault.body or b"")

    def _reset(self) -> None:
        """End the connection with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def _decompress(body: bytes, headers: dict[str, str]) -> bytes:
    if headers.get("content-encoding") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return b""


def _find_complaints(received: Received) -> tuple[str, ...]:
    """Violations of the contract in a request."""
    headers = received.headers
    complaints = [] if "user-agent" in headers else ["User-Agent: missing"]
    prompt = "/prompts/" in received.path
    if prompt != ("x-prompt-key" in headers) or prompt == ("x-agent-key" in headers):
        complaints.append("credentials: wrong headers for this endpoint")
    if received.method != "POST":
        return tuple(complaints)
    if not headers.get("content-type", "").startswith("application/json"):
        complaints.append("Content-Type: must be application/json")
    if headers.get("content-length") != str(received.wire_bytes):
        complaints.append("Content-Length: missing or wrong")
    if received.key is not None and not KEY.fullmatch(received.key):
        complaints.append("Idempotency-Key: not a plain token")
    return (*complaints, *find_complaints(received.body))
