"""The attributes of a tool, written by one function and read by the table."""

from __future__ import annotations

import pytest

from infinium_otel.dialects.genai import tool_attributes
from support.records import assert_fields, read_span


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
