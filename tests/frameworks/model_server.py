"""A model behind the APIs of OpenAI, Anthropic, Google and Bedrock, on this machine.

It gives one answer, whole or streamed, so that the programs of `docs/frameworks` run as they
are printed, with no account: the addresses are in the environment (`environ`).
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = "On Saturday it is open from 9 to 5."
INPUT_TOKENS = 21
OUTPUT_TOKENS = 11


class ModelServer(ThreadingHTTPServer):
    """The server, as a context manager."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> ModelServer:  # noqa: PYI034 - Self is Python 3.11's
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def environ(self) -> dict[str, str]:
        """What the clients of the four APIs read."""
        return {
            "OPENAI_API_KEY": "sk-local",
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_BASE": f"{self.url}/v1",
            "ANTHROPIC_API_KEY": "local",
            "ANTHROPIC_BASE_URL": self.url,
            "GOOGLE_API_KEY": "local",
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }


class Handler(BaseHTTPRequestHandler):
    """One answer in the form of the API that is called."""

    def do_POST(self) -> None:
        """Respond as the API at this path does."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for end, make in APIS.items():
            if end in self.path:
                events = make(request)
                break
        else:
            self.respond(404, b"{}", "application/json")
            return
        if request.get("stream") or "alt=sse" in self.path:
            self.respond(200, b"".join(map(to_event, events)), "text/event-stream")
        else:
            self.respond(200, json.dumps(events[-1]).encode(), "application/json")

    def respond(self, status: int, body: bytes, kind: str) -> None:
        """Send one response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Log nothing."""


def to_event(data: dict) -> bytes:
    """One event of a stream; its type, where the API has types, is in the data."""
    kind = data.get("type")
    head = f"event: {kind}\n" if isinstance(kind, str) else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def chat_completion(request: dict) -> list[dict]:
    """OpenAI's chat completions."""
    usage = {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    text = ANSWER
    if "[[ ## answer ## ]]" in json.dumps(request["messages"]):  # as DSPy prompts
        text = f"[[ ## answer ## ]]\n{ANSWER}\n\n[[ ## completed ## ]]"
    message = {"role": "assistant", "content": text}
    base = {"id": "chatcmpl-1", "created": int(time.time()), "model": request["model"]}
    if not request.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return [
            {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
        ]
    base["object"] = "chat.completion.chunk"
    whole = {"index": 0, "delta": message, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [
        {**base, "choices": [whole]},
        {**base, "choices": [stop]},
        {**base, "choices": [], "usage": usage},
    ]


def response(request: dict) -> list[dict]:
    """OpenAI's responses."""
    text = {"type": "output_text", "text": ANSWER, "annotations": []}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    done = {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": request["model"],
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    }
    if not request.get("stream"):
        return [done]
    place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    events = [
        {
            "type": "response.created",
            "response": {**done, "output": [], "status": "in_progress"},
        },
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {
            "type": "response.output_text.delta",
            **place,
            "delta": ANSWER,
            "logprobs": [],
        },
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": done},
    ]
    return [{**event, "sequence_number": n} for n, event in enumerate(events)]


def message(request: dict) -> list[dict]:
    """Anthropic's messages."""
    return [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": [{"type": "text", "text": ANSWER}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
        }
    ]


def generated_content(_: dict) -> list[dict]:
    """Google's content."""
    content = {"role": "model", "parts": [{"text": ANSWER}]}
    return [
        {
            "responseId": "r1",
            "modelVersion": "gemini-2.5-flash",
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": INPUT_TOKENS,
                "candidatesTokenCount": OUTPUT_TOKENS,
                "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
            },
        }
    ]


def conversation(_: dict) -> list[dict]:
    """Bedrock's Converse."""
    return [
        {
            "output": {"message": {"role": "assistant", "content": [{"text": ANSWER}]}},
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": INPUT_TOKENS,
                "outputTokens": OUTPUT_TOKENS,
                "totalTokens": INPUT_TOKENS + OUTPUT_TOKENS,
            },
            "metrics": {"latencyMs": 5},
        }
    ]


APIS = {
    "/chat/completions": chat_completion,
    "/responses": response,
    "/v1/messages": message,
    ":generateContent": generated_content,
    ":streamGenerateContent": generated_content,
    "/converse": conversation,
}
