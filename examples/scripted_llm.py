"""A language model that follows a script, over OpenAI's HTTP API.

The examples call it with the real client libraries, so that they run anywhere, without
an account, and always the same way. It serves chat completions, whole or streamed, on a
loopback port.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Reply:
    """The model's response to one request.

    Args:
        text: the text of the message; None if it only calls tools.
        tools: the tools it requests, each a name and arguments.
        prompt_tokens: reported tokens of the prompt, `cached_tokens` of them from a
            cache.
        completion_tokens: reported tokens of the response.
        seconds: how long the response takes.
    """

    text: str | None = None
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()
    prompt_tokens: int = 100
    completion_tokens: int = 20
    cached_tokens: int = 0
    seconds: float = 0.05

    def tool_calls(self, number: int) -> list[dict[str, Any]]:
        """The calls in OpenAI's format; *number* is that of the reply."""
        return [
            {
                "index": place,
                "id": f"call_{number}_{place}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for place, (name, arguments) in enumerate(self.tools)
        ]

    def message(self, number: int) -> dict[str, Any]:
        """The assistant's message."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tools:
            message["tool_calls"] = self.tool_calls(number)
        return message

    def usage(self) -> dict[str, Any]:
        """The token counts."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }


class ScriptedLlm:
    """The server, as a context manager; pass `base_url` to a client.

    Args:
        script: the replies, in the order of the requests.
    """

    def __init__(self, script: Sequence[Reply]) -> None:
        self._script = list(enumerate(script))
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> ScriptedLlm:  # noqa: PYI034 - Self is Python 3.11's
        serve = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        serve.daemon = True
        serve.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_reply(self) -> tuple[int, Reply]:
        """The next reply of the script, and its number."""
        with self._lock:
            return self._script.pop(0)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        llm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name http.server calls
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                number, reply = llm.next_reply()
                time.sleep(reply.seconds)
                if request.get("stream"):
                    body = b"".join(_stream(request["model"], number, reply))
                    self._send(body, "text/event-stream")
                else:
                    completion = _completion(request["model"], number, reply)
                    self._send(json.dumps(completion).encode(), "application/json")

            def _send(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Log nothing: the terminal is for the example's output."""

        return Handler


def _head(model: str, number: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number:04}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def _reason(reply: Reply) -> str:
    return "tool_calls" if reply.tools else "stop"


def _completion(model: str, number: int, reply: Reply) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": reply.message(number),
        "finish_reason": _reason(reply),
    }
    return {
        **_head(model, number, "chat.completion"),
        "choices": [choice],
        "usage": reply.usage(),
    }


def _stream(model: str, number: int, reply: Reply) -> Iterator[bytes]:
    head = _head(model, number, "chat.completion.chunk")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in (reply.text or "").split()]
    deltas += [{"tool_calls": [call]} for call in reply.tool_calls(number)]
    for delta in deltas:
        yield _event({**head, "choices": [{"index": 0, "delta": delta}]})
    end = {"index": 0, "delta": {}, "finish_reason": _reason(reply)}
    yield _event({**head, "choices": [end]})
    yield _event({**head, "choices": [], "usage": reply.usage()})
    yield b"data: [DONE]\n\n"


def _event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()
