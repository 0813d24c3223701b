"""Records the runs that a command sends, on the way to the service."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import threading
import uuid
import zlib
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx

from infinium_otel.apps.serve.checks import RejectedError, parse_task
from infinium_otel.delivery.transport.network import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024 * 1024
MAX_RUNS = 10_000
TIMEOUT_S = 60.0
HEADERS = ("user-agent", "content-type", "content-encoding", "idempotency-key")
"""Headers passed on, besides those that begin with `x-`."""
BAD_GATEWAY = 502
SPANS_PATH = "spansPath"
"""With this member of its response, a local server offers to keep whole spans, at a path.
Only that of a local one is passed on: spans go to no other machine.
"""
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that was sent, and accepted.

    Args:
        key: its idempotency key, else its id.
        task: the JSON of its task.
        agent_id: whose it is.
        result_id: the service's id of it.
        headers: the credentials it was sent with.
    """

    key: str
    task: dict[str, Any]
    agent_id: str
    result_id: str
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        """Without the credentials."""
        return f"RecordedRun({self.result_id!r})"


class _Server(ThreadingHTTPServer):
    """Prints no traceback if a command ends in the middle of its request."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's signature
        """Log what is not the end of a connection."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            logger.error("A request of the command failed", exc_info=error)


class Recorder:
    """An HTTP server on loopback in the place of the service, while a command runs.

    Args:
        upstream: the base URL that requests are passed on to; None accepts tasks itself.
        verify_ssl: False accepts any certificate of *upstream*.

    Attributes:
        unchecked: tasks that were accepted and not recorded, by reason.
    """

    def __init__(self, upstream: str | None, *, verify_ssl: bool = True) -> None:
        self._upstream = upstream
        address = httpx.URL(upstream or "")
        self._is_local = address.scheme == "http" and address.host in LOOPBACK
        self._spans_path = ""
        self._runs: dict[str, RecordedRun] = {}
        self._lock = threading.Lock()
        self.unchecked: Counter[str] = Counter()
        # A proxy cannot reach this machine's own addresses.
        self._client = httpx.Client(
            timeout=TIMEOUT_S, verify=verify_ssl, trust_env=not self._is_local
        )
        self._server = _Server(("127.0.0.1", 0), self._make_handler())

    @property
    def base_url(self) -> str:
        """The base URL for the command."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    @property
    def runs(self) -> list[RecordedRun]:
        """The runs that were accepted, each once, in order."""
        with self._lock:
            return list(self._runs.values())

    def __enter__(self) -> Recorder:  # noqa: PYI034 - Self is Python 3.11's
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def request_result(self, run: RecordedRun) -> Any:
        """The interpretation of *run*; None if it is not ready, or cannot be had now.

        Raises:
            PermissionError: the service refuses it for good.
        """
        path = f"/agents/{run.agent_id}/interpreted-result/{run.result_id}"
        status, body, _ = self._pass_on("GET", path, run.headers, b"")
        if status in (400, 401, 403):
            raise PermissionError(f"the service refused the verdict ({status})")
        found = _to_object(body) if status == httpx.codes.OK else {}
        return found.get("interpretedTraceResult")

    def _make_handler(recorder) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has its own self
        class Handler(BaseHTTPRequestHandler):
            """Passes on every request, and records tasks."""

            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                stated = self.headers.get("content-length") or "0"
                is_known = stated.isdecimal() and len(stated) < 19
                is_chunked = "transfer-encoding" in self.headers
                if is_chunked or not is_known or int(stated) > MAX_BODY:
                    self.close_connection = True
                    status = 413 if is_known and not is_chunked else 411
                    self._respond(status, b'{"error": "a length, up to 16 MiB"}')
                    return
                body = self.rfile.read(int(stated))
                path = self.path.removeprefix("/api/v1")
                given = {name.lower(): value for name, value in self.headers.items()}
                kept = {k: v for k, v in given.items() if k in HEADERS or k[:2] == "x-"}
                self._respond(*recorder._respond(self.command, path, kept, body))

            do_GET = do_POST = _serve  # noqa: N815 - http.server's names

            def _respond(
                self, status: int, body: bytes, headers: Mapping[str, str] = NOTHING
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if "retry-after" in headers:
                    self.send_header("Retry-After", headers["retry-after"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        return Handler

    def _respond(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, Mapping[str, str]]:
        status, answer, given = self._pass_on(method, path, headers, body)
        if self._upstream is not None and SPANS_PATH.encode() in answer:
            answer = self._read_offer(answer)
        parts = path.strip("/").split("/")
        if (
            method == "POST"
            and parts[::2] == ["agents", "trace"]
            and status // 100 == 2
        ):
            self._record(parts[1], headers, body, answer)
        return status, answer, given

    def _pass_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """The status, the body and the headers of the service's response."""
        if self._upstream is None:
            if method != "POST":
                error = "no service: the command has no credentials"
                return 404, json.dumps({"error": error}).encode(), NOTHING
            found = {
                "success": True,
                "message": "recorded",
                "traceId": str(uuid.uuid4()),
            }
            return 200, json.dumps(found).encode(), NOTHING
        url = self._upstream + path
        if self._spans_path and path.startswith(self._spans_path):
            url = str(httpx.URL(self._upstream).copy_with(raw_path=path.encode()))
        try:
            response = self._client.request(
                method, url, headers=dict(headers), content=body or None
            )
        except httpx.HTTPError as error:
            name = type(error).__name__
            return BAD_GATEWAY, json.dumps({"error": name}).encode(), NOTHING
        return response.status_code, response.content, response.headers

    def _read_offer(self, answer: bytes) -> bytes:
        """The response without an offer to keep spans, unless a local server makes it."""
        found = _to_object(answer)
        path = found.pop(SPANS_PATH, None)
        if path is None:
            return answer
        if self._is_local and isinstance(path, str) and path.startswith("/"):
            self._spans_path = path
            return answer
        return json.dumps(found).encode()

    def _record(
        self, agent_id: str, headers: Mapping[str, str], body: bytes, answer: bytes
    ) -> None:
        given = _to_object(answer)
        result_id = str(given.get("traceId") or given.get("id") or "")
        key = headers.get("idempotency-key") or result_id or str(uuid.uuid4())
        try:
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            task = parse_task(body)
        except (RejectedError, OSError, EOFError, zlib.error):
            with self._lock:
                self.unchecked["no valid task"] += 1
            return
        credentials = {k: v for k, v in headers.items() if k[:2] == "x-"}
        with self._lock:
            if key not in self._runs and len(self._runs) >= MAX_RUNS:
                self.unchecked[f"after the first {MAX_RUNS:,}"] += 1
                return
            found = RecordedRun(key, task, agent_id, result_id, credentials)
            self._runs.setdefault(key, found)


def _to_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
