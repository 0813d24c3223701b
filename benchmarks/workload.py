"""Agent runs as the SDK makes them: ten spans of the official conventions each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, Tracer

from infinium_otel.config import Config
from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

SPANS = 10
TEXT = "The weather in Paris is mild, with some clouds in the afternoon. " * 6


def config(address: str, **settings: Any) -> Config:
    """Settings that send to *address* as fast as it goes."""
    return Config(
        agent_id=AGENT_ID,
        agent_secret=AGENT_SECRET,
        base_url=address,
        requests_per_second=1e9,
        burst=10**9,
        max_queued_tasks=10**6,
        **settings,
    )


def messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-0001",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.request.temperature": 0.2,
    "gen_ai.usage.input_tokens": 412,
    "gen_ai.usage.output_tokens": 57,
    "server.address": "api.openai.com",
    "server.port": 443,
    "gen_ai.input.messages": messages("user", TEXT),
    "gen_ai.output.messages": messages("assistant", TEXT),
}
TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": '{"city": "Paris"}',
    "gen_ai.tool.call.result": TEXT,
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"}


def run(tracer: Tracer, number: int = 0) -> None:
    """One agent run: five calls and four tools under one agent."""
    with tracer.start_as_current_span("invoke_agent weather", attributes=AGENT):
        for step in range(SPANS - 1):
            tool = step % 2
            with tracer.start_as_current_span(
                "execute_tool get_weather" if tool else "chat gpt-4o",
                kind=SpanKind.INTERNAL if tool else SpanKind.CLIENT,
                attributes=TOOL
                if tool
                else CALL | {"gen_ai.response.id": f"chatcmpl-{number}-{step}"},
            ):
                pass


class Recorder(SpanProcessor):
    """Keeps what the SDK tells a processor, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, Any]] = []

    def on_start(
        self,
        span: Span,
        parent_context: Any = None,  # noqa: ARG002 - given by the SDK
    ) -> None:
        self.told.append((True, span))

    def on_end(self, span: ReadableSpan) -> None:
        self.told.append((False, span))


def recorded(runs: int) -> Iterator[list[tuple[bool, Any]]]:
    """What a processor is told of each of *runs* runs: (is a start, the span)."""
    recorder = Recorder()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(recorder)
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai", "1.0")
    for number in range(runs):
        recorder.told = []
        run(tracer, number)
        yield recorder.told
