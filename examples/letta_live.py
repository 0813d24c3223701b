"""Send the steps of a Letta server through the running OpenTelemetry pipeline.

    pip install infinium-otel
    LETTA_BASE_URL=http://localhost:8283 python examples/letta_live.py

The two lines that matter are `from_letta_steps(...)` and `replay(...)`. The spans are in
the trace that each step's `trace_id` names, so they join the server's own spans in any
backend. Without LETTA_BASE_URL a local server responds with one run.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from infinium_otel import register
from infinium_otel.exporter.replay import replay
from infinium_otel.models import letta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.records import SpanRecord

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
AGENT_ID = "agent-9c2d7a34-15f0-4a5e-9a76-51b1c6f6f9d0"
FIRST = "step-0d0d0b5a-4a39-4f0c-8f0e-3c1f4b1f5b01"
SECOND = "step-0d0d0b5a-4a39-4f0c-8f0e-3c1f4b1f5b02"
START_NS = 1_790_000_000_000_000_000


def _step(step_id: str, prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {
        "id": step_id,
        "agent_id": AGENT_ID,
        "provider_name": "openai",
        "model": "gpt-4o-mini",
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "trace_id": TRACE_ID,
        "status": "success",
        **more,
    }


def _metrics(step_id: str, start_ns: int, llm_ms: int, tool_ms: int) -> dict[str, Any]:
    return {
        "id": step_id,
        "step_start_ns": start_ns,
        "llm_request_start_ns": start_ns,
        "llm_request_ns": llm_ms * 1_000_000,
        "tool_execution_ns": tool_ms * 1_000_000,
        "step_ns": (llm_ms + tool_ms) * 1_000_000,
    }


def _message(number: int, role: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"message-0d0d0b5a-4a39-4f0c-8f0e-3c1f4b1f5c{number:02}",
        "role": role,
        "content": [{"type": "text", "text": text}],
        **more,
    }


CALL = {"name": "archival_memory_search", "arguments": '{"query": "birthday"}'}
ANSWERS: dict[str, Any] = {
    "/v1/steps/": [
        _step(FIRST, 812, 31),
        _step(SECOND, 903, 24, stop_reason="end_turn", feedback="positive"),
    ],
    f"/v1/steps/{FIRST}/metrics": _metrics(FIRST, START_NS, 640, 45),
    f"/v1/steps/{SECOND}/metrics": _metrics(SECOND, START_NS + 700_000_000, 480, 0),
    f"/v1/steps/{FIRST}/messages": [
        _message(1, "user", "When is Ada's birthday?", step_id=FIRST),
        _message(
            2,
            "assistant",
            "I look it up.",
            step_id=FIRST,
            tool_calls=[{"id": "call_1", "type": "function", "function": CALL}],
        ),
        _message(
            3,
            "tool",
            "10 December",
            step_id=FIRST,
            name="archival_memory_search",
            tool_call_id="call_1",
        ),
    ],
    f"/v1/steps/{SECOND}/messages": [
        _message(4, "assistant", "On the 10th of December.", step_id=SECOND)
    ],
}


class _LettaHandler(BaseHTTPRequestHandler):
    """Responds as Letta's API does."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS[self.path.partition("?")[0]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def letta_server() -> Iterator[str]:
    """The address of the Letta server to read from."""
    base_url = os.environ.get("LETTA_BASE_URL")
    if base_url:
        yield base_url
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LettaHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def spans_of_latest_steps(base_url: str) -> list[SpanRecord]:
    """The spans of the newest steps, with their times and their messages."""
    with httpx.Client(base_url=base_url) as client:

        def get(path: str, **query: Any) -> Any:
            return client.get(path, params=query).raise_for_status().json()

        steps = [letta.step_of(s) for s in get("/v1/steps/", limit=50, order="asc")]
        paths = [f"/v1/steps/{step.id}" for step in steps]
        metrics = [letta.metrics_of(get(f"{path}/metrics")) for path in paths]
        messages = [
            letta.message_of(each) for path in paths for each in get(f"{path}/messages")
        ]
    return letta.from_letta_steps(steps, metrics=metrics, messages=messages)


def main(**settings: Any) -> bool:
    """Read the steps, send them through the pipeline, and deliver everything.

    Args:
        settings: arguments of `register`; the default is the environment.

    Returns:
        True if the runs have been delivered.
    """
    provider = register(**settings)
    with letta_server() as base_url:
        replay(spans_of_latest_steps(base_url), provider)
    return provider.force_flush()


if __name__ == "__main__":
    print("delivered" if main() else "not delivered")
