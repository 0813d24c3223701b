"""Frameworks with few attributes of their own."""

from __future__ import annotations

import pytest

from support.records import assert_fields, read_span


def test_the_agents_sdks_defaults_are_no_names():
    """The default name on every span is not an agent's name."""
    scope = "opentelemetry.instrumentation.openai_agents"
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "OpenAI Agent",
        "gen_ai.agent.id": "agent",
        "gen_ai.agent.description": "OpenAI Agents instrumentation",
    }
    found = read_span(attributes, scope=scope)
    assert_fields(
        found, kind="llm", agent_name=None, agent_id=None, agent_description=None
    )
    handoff = {"gen_ai.operation.name": "agent_handoff"}
    to = {"gen_ai.handoff.to_agent": "helper"}
    assert_fields(
        read_span(attributes | handoff | to, scope=scope), agent_name="helper"
    )
    assert_fields(read_span({"gen_ai.agent.name": "a"}, scope=scope), agent_name="a")
    assert read_span(attributes, scope=scope).kind == "llm"
    turn = {"gen_ai.operation.name": "unknown"}
    assert read_span(turn, name="unknown", scope=scope).kind == "step"


@pytest.mark.parametrize("pii", ["pii.", ""], ids=["now", "before"])
def test_livekits_tool(pii):
    """Keys with the mark for personal data, and before it."""
    found = read_span(
        {
            "lk.function_tool.name": "f",
            "lk.function_tool.id": "c1",
            f"lk.{pii}function_tool.arguments": '{"a":1}',
            f"lk.{pii}function_tool.output": "no city",
            "lk.function_tool.is_error": True,
        },
        name="function_tool",
    )
    assert_fields(
        found, kind="tool", tool_name="f", arguments='{"a":1}', result="no city"
    )
    assert found.failure is not None


def test_livekits_call():
    """The node is a frame around the request; a context holds its messages."""
    context = '{"items":[{"role":"user","content":["hi"]}]}'
    node = read_span(
        {"lk.pii.chat_ctx": context, "lk.response.ttft": 0.25}, name="llm_node"
    )
    assert_fields(
        node, kind="step", ttft_ms=250, input=[{"role": "user", "content": ["hi"]}]
    )
    request = read_span({"lk.pii.user_input": "hi"}, name="llm_request")
    assert_fields(request, kind="llm", input="hi")


@pytest.mark.parametrize(
    ("name", "dropped"), [("execute_tool (merged)", True), ("execute_tool f", False)]
)
def test_adks_merged_tools_under_openinference(name, dropped):
    """The span around tools that ran in parallel has only its name."""
    scope = "openinference.instrumentation.google_adk"
    assert read_span({"session.id": "s"}, name=name, scope=scope).dropped is dropped
