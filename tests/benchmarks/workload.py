"""Agent runs as the SDK creates them, each ten spans in the official conventions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, Tracer, set_span_in_context

from infinium_otel.config import Config
from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

SPANS = 10
TEXT = "The weather in Paris is mild, with some clouds in the afternoon. " * 6


def config(address: str, **settings: Any) -> Config:
    """Settings that send to *address* as fast as possible."""
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


def make_attributes(number: int, step: int) -> dict[str, Any]:
    """Those of a step of run *number*: calls and tools in turn."""
    if step % 2:
        return TOOL
    return CALL | {"gen_ai.response.id": f"chatcmpl-{number}-{step}"}


def run(tracer: Tracer, number: int = 0) -> None:
    """One agent run: five calls and four tools under one agent."""
    with tracer.start_as_current_span("invoke_agent weather", attributes=AGENT):
        for step in range(SPANS - 1):
            tool = step % 2
            with tracer.start_as_current_span(
                "execute_tool get_weather" if tool else "chat gpt-4o",
                kind=SpanKind.INTERNAL if tool else SpanKind.CLIENT,
                attributes=make_attributes(number, step),
            ):
                pass


def live_spans(runs: int) -> Recorder:
    """A recorder of *runs* runs whose spans have started, parents first, and not ended."""
    recorder = Recorder()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(recorder)
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai", "1.0")
    for number in range(runs):
        root = tracer.start_span("invoke_agent weather", attributes=AGENT)
        parent = set_span_in_context(root)
        for step in range(SPANS - 1):
            tool = step % 2
            tracer.start_span(
                "execute_tool get_weather" if tool else "chat gpt-4o",
                parent,
                kind=SpanKind.INTERNAL if tool else SpanKind.CLIENT,
                attributes=make_attributes(number, step),
            )
    return recorder


class Recorder(SpanProcessor):
    """Records what the SDK passes to a processor, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[bool, Any]] = []

    def on_start(
        self,
        span: Span,
        parent_context: Any = None,
    ) -> None:
        self.events.append((True, span))

    def on_end(self, span: ReadableSpan) -> None:
        self.events.append((False, span))

    @property
    def started(self) -> list[Span]:
        """The spans that have started, in order."""
        return [span for is_start, span in self.events if is_start]

    def end_all(self) -> list[ReadableSpan]:
        """End them, children first; returns what a processor receives."""
        for span in reversed(self.started):
            span.end()
        return [span for is_start, span in self.events if not is_start]


def recorded(runs: int) -> Iterator[list[tuple[bool, Any]]]:
    """What a processor receives for each of *runs* runs: (is it a start, the span)."""
    recorder = Recorder()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(recorder)
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai", "1.0")
    for number in range(runs):
        recorder.events = []
        run(tracer, number)
        yield recorder.events
