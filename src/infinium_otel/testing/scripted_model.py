"""A language model that gives recorded answers, over the APIs of OpenAI and Anthropic."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from infinium_otel.testing import model_formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.testing.script import Answer

NO_ANSWER = 400
"""The status of a request for which there is no answer: one that clients do not retry."""
MAX_SHOWN = 200
MAX_BODY_BYTES = 64 * 1024 * 1024


class ScriptedModel:
    """A server on loopback, as a context manager; pass `base_url` to a client.

    It serves chat completions and responses of OpenAI's API and messages of Anthropic's,
    each whole and streamed. Requests get the answers in their order, but of requests that
    wait at the same time each gets the answer that was recorded for its newest message.

    Args:
        answers: in the order of the requests.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._left = list(enumerate(answers, 1))
        self._count = len(self._left)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.model = self
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.changed: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Where it listens, as Anthropic's client wants it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """The same, as OpenAI's client wants it."""
        return f"{self.url}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which clients find it; the keys are none."""
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_BASE": self.base_url,
            "OPENAI_API_KEY": "replayed",
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "replayed",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def __enter__(self) -> ScriptedModel:  # noqa: PYI034 - Self is Python 3.11's
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find_problems(self) -> list[str]:
        """What was not requested, and what was requested in vain; empty if nothing."""
        with self._lock:
            left = [f"answer {number} was not requested" for number, _ in self._left]
            return [*left, *self.refused]

    def respond(self, path: str, request: dict[str, Any]) -> tuple[int, Any]:
        """The status, and the JSON object or the events of the response to a request."""
        form = model_formats.find_format(path)
        with self._lock:
            self.requests.append(request)
            if form is None:
                return self._refuse(f"{path} is not scripted")
            found = self._take(model_formats.find_newest(request))
            if found is None:
                return self._refuse(
                    f"request {len(self.requests)} has no answer: {self._count} recorded"
                )
        number, answer = found
        if answer.status >= 400:
            return answer.status, form.fail(answer.error)
        model = answer.model or str(request.get("model", ""))
        if request.get("stream"):
            return 200, form.stream(model, number, answer)
        return 200, form.complete(model, number, answer)

    def _take(self, newest: str) -> tuple[int, Answer] | None:
        """Remove the answer to a request, and return it with its number."""
        if not self._left:
            return None
        fitting = (
            index
            for index, (_, each) in enumerate(self._left)
            if each.input and _is_same(newest, each.input)
        )
        index = next(fitting, 0)
        number, answer = self._left.pop(index)
        if answer.input and not _is_same(newest, answer.input):
            self.changed.append((newest[:MAX_SHOWN], answer.input[:MAX_SHOWN]))
        return number, answer

    def _refuse(self, reason: str) -> tuple[int, dict[str, Any]]:
        self.refused.append(reason)
        message = f"replay: {reason}"
        return NO_ANSWER, {"error": {"message": message, "type": "replay"}}


def _is_same(newest: str, recorded: str) -> bool:
    """Whether a request is the recorded one, of which there may be the beginning only."""
    return newest == recorded or newest.startswith(recorded.removesuffix("..."))


class _Server(ThreadingHTTPServer):
    """The server of one model."""

    daemon_threads = True
    model: ScriptedModel

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client may give up its request."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:  # the name http.server calls
        length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES)
        try:
            request = json.loads(self.rfile.read(length))
        except ValueError:
            request = None
        status, body = self.server.model.respond(
            self.path.partition("?")[0], request if isinstance(request, dict) else {}
        )
        if isinstance(body, list):
            self._send(status, b"".join(body), "text/event-stream")
        else:
            self._send(status, json.dumps(body).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status >= 400:
            # A retry would take the answer to the next request.
            # Source: openai 3.57 and anthropic 2.14, _base_client.py, `_should_retry`.
            self.send_header("x-should-retry", "false")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing: the terminal is for the tests."""
