"""Spans and threads of xpander's runs, made in a line each."""

from __future__ import annotations

from hypothesis import strategies as st

from infinium_otel.models.spans import finalize
from infinium_otel.models.xpander import (
    AgentActivityThread,
    AgentActivityThreadToolCall,
)
from support.spans import span

AT = "2026-01-02T03:04:05.000006Z"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "sk-top-secret"


def agent(end=10.0, status="unset", **attributes):
    """The run's span under the conventions."""
    values = {"gen_ai.operation.name": "invoke_agent", **attributes}
    return span("r", None, 0, end, trace=TRACE, attributes=values, status=status)


def chat(name="c", start=0.0, end=1.0, parent="r", **attributes):
    """A chat's span."""
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        **attributes,
    }
    return span(name, parent, start, end, trace=TRACE, kind="client", attributes=values)


def tool(name="t", start=1.0, end=2.0, parent="r", failure=None, **attributes):
    """A tool's span."""
    values = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        **attributes,
    }
    return finalize(
        span(name, parent, start, end, trace=TRACE, attributes=values), failure
    )


COUNTS = st.integers(0, 2**53)


def maybe(strategy):
    return st.none() | strategy


def shape(records):
    """Tree, times, models, tokens, tools and errors."""
    keys = ("request.model", "usage.input_tokens", "tool.name", "provider.name")
    return sorted(
        (
            r.span_id,
            r.parent_id,
            r.name,
            r.start_ns,
            r.end_ns,
            # The run's own span has the totals and the model of its task.
            r.parent_id and [str(r.attributes.get("gen_ai." + key)) for key in keys],
            [
                e.attributes.get("exception.message")
                for e in r.events
                if e.name == "exception"
            ],
            r.attributes.get("error.type"),
        )
        for r in records
    )


QUESTION = '[{"role": "user", "parts": [{"type": "text", "content": "where?"}]}]'
ANSWER = '[{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}]}]'
THOUGHT = (
    '[{"role": "assistant", "parts": [{"type": "text", "content": "Look\\nit up"},'
    ' {"type": "tool_call", "id": "k", "name": "search", "arguments": {"q": 1}}]}]'
)


def a_run():
    """A run with a tool, a called agent and an answer."""
    return [
        agent(**{"gen_ai.agent.id": "agent-1"}),
        chat(
            "c",
            0,
            1,
            **{
                "gen_ai.input.messages": QUESTION,
                "gen_ai.output.messages": THOUGHT,
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 2,
                "gen_ai.usage.cache_read.input_tokens": 4,
            },
        ),
        tool(
            "t",
            1,
            2,
            **{
                "gen_ai.tool.call.id": "k",
                "gen_ai.tool.call.arguments": '{"q": 1}',
                "gen_ai.tool.call.result": "found",
            },
        ),
        span(
            "s",
            "r",
            3,
            4,
            trace=TRACE,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "helper",
                "gen_ai.input.messages": QUESTION,
            },
        ),
        chat(
            "d",
            5,
            6,
            **{
                "gen_ai.output.messages": ANSWER,
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 3,
            },
        ),
    ]


def thread(*entries, **more):
    return AgentActivityThread("thread-1", AT, tuple(entries), **more)


def called(payload=None, **more):
    return AgentActivityThreadToolCall("e1", AT, "search", payload, **more)
