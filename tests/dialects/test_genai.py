"""The attributes of a tool, written by one function and read by the table."""

from __future__ import annotations

import pytest

from infinium_otel.dialects.genai import tool_attributes
from support.records import assert_fields, event, read_span


def test_tool_attributes_are_read_back():
    """What the function writes, the table reads."""
    attributes = tool_attributes(
        "f", call_id="c1", arguments='{"a":1}', result="3", tool_type="function"
    )
    assert_fields(
        read_span(attributes),
        kind="tool",
        tool_name="f",
        tool_call_id="c1",
        arguments='{"a":1}',
        result="3",
    )
    assert attributes["gen_ai.tool.type"] == "function"


def test_unknown_values_are_absent():
    """OpenTelemetry has no null."""
    assert tool_attributes(None) == {"gen_ai.operation.name": "execute_tool"}


@pytest.mark.parametrize(
    ("operation", "name", "agent"),
    [
        ("invoke_graph", "graph", None),
        ("invoke_swarm", "swarm", None),
        ("invoke_graph", "Newsroom", "Newsroom"),
        ("invoke_agent", "agent", "agent"),
    ],
)
def test_a_type_as_an_agents_name(operation, name, agent):
    """A graph of agents that has its type as agent name is no agent.

    Source: strands-agents/harness-sdk#1105.
    """
    found = read_span({"gen_ai.operation.name": operation, "gen_ai.agent.name": name})
    assert found.agent_name == agent


def test_content_events_with_the_parts_of_a_message():
    """A role and a content as attributes are a message, under any prefix."""
    asked = {"gen_ai.message.index": 0, "gen_ai.message.role": "human",
             "gen_ai.message.content": "Who?"}  # fmt: skip
    events = (
        event("gen_ai.content.prompt", asked),
        event("gen_ai.content.completion", {"gen_ai.completion.content": "Me."}),
        event("gen_ai.content.completion", {"gen_ai.completion.index": 1}),
    )
    found = read_span({"gen_ai.operation.name": "chat"}, events=events)
    assert found.input == [{"role": "human", "content": "Who?"}]
    assert found.output == [{"role": "assistant", "content": "Me."}]
