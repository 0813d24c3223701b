"""A server that accepts everything, in another process so that it costs us nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONSE = json.dumps({"success": True, "data": {"trace_id": "t"}}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accepted = 0

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY

    def do_POST(self) -> None:
        left = int(self.headers.get("content-length", 0))
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        Handler.accepted += 1
        self._respond(RESPONSE)

    def do_GET(self) -> None:
        self._respond(str(Handler.accepted).encode())

    def _respond(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n"
        kind = "content-type: application/json\r\n\r\n"
        self.wfile.write((head + kind).encode() + body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def sink() -> Iterator[str]:
    """Its address, `http://127.0.0.1:PORT`."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
