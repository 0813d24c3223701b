"""Spans of pydantic-ai and Logfire."""

from __future__ import annotations

import json

import pytest

from support.told import reading, tells

ASKED = {"role": "user", "content": "hi"}
SAID = {"role": "assistant", "content": "yo"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OpenAI Agents trace: {name}", "workflow"),
        ("agent run", "agent"),
        ("Agent run: {name!r}", "agent"),
        ("running tool", "tool"),
        ("Function: {name}", "tool"),
        ("running 2 tools", "step"),
        ("Turn {turn} for agent {name}", "step"),
        ("Handoff: {a} → {b}", "handoff"),
        ("Guardrail {name}", "guardrail"),
        ("Responses API with {model}", "llm"),
        ("Chat completion with {model}", "llm"),
        ("streaming response from {model}", "llm"),
        ("MCP request: tools/call f", "tool"),
        ("anything else", ""),
    ],
)
def test_templates(name, kind):
    """A span's name is a template, whose beginning tells the kind."""
    assert reading({}, name=name, scope="logfire").kind == kind


def test_the_older_list_of_events():
    """Version 1's one list: what was asked, then the choice."""
    events = [
        {"event.name": "gen_ai.user.message", "content": "hi"},
        {"event.name": "gen_ai.choice", "message": {"content": "yo"}},
        {"event.name": "gen_ai.choice", "message": "plain"},
        "noise",
    ]
    found = reading(
        {"events": json.dumps(events), "gen_ai.operation.name": "chat"},
        scope="pydantic-ai",
    )
    tells(found, input=events[:1], output=[{**SAID}, "plain"])


def test_events_without_either_side():
    """A list with only one side tells only that."""
    choice = [{"event.name": "gen_ai.choice", "message": SAID}]
    found = reading({"events": json.dumps(choice)}, scope="pydantic-ai")
    tells(found, input=None, output=[SAID])
    found = reading({"events": json.dumps([ASKED])}, scope="pydantic-ai")
    tells(found, input=[ASKED], output=None)


@pytest.mark.parametrize(
    ("more", "asked", "answered"),
    [
        ({}, [ASKED, ASKED], [SAID, SAID]),
        ({"pydantic_ai.new_message_index": 2}, [ASKED], [SAID]),
        ({"final_result": "done"}, [ASKED, ASKED], "done"),
    ],
    ids=["all", "new", "result"],
)
def test_an_agents_own_part_of_the_conversation(more, asked, answered):
    """What came before the run is history."""
    messages = json.dumps([ASKED, SAID, ASKED, SAID])
    found = reading(
        {"pydantic_ai.all_messages": messages, "agent_name": "helper", **more},
        name="agent run",
        scope="pydantic-ai",
    )
    tells(found, input=asked, output=answered, agent_name="helper")


def test_the_bridges_tool():
    """The bridge for OpenAI Agents tells a tool in bare words."""
    said = {"name": "f", "input": '{"a":1}', "output": ""}
    found = reading(said, name="Function: {name}", scope="logfire")
    tells(found, tool_name="f", arguments={"a": 1}, result=None)


def test_mcp_requests():
    """A request's name ends with its tool's."""
    found = reading({}, name="MCP request: tools/call f", scope="logfire")
    tells(found, kind="tool", tool_name="f")


def test_streams():
    """The instant span of a stream knows how long it took."""
    said = {"request_data": '{"model":"gpt-4o"}', "duration": 2.5}
    stream = reading(said, name="streaming response from x", scope="logfire")
    tells(stream, latency_ms=2500, model_requested="gpt-4o")
    assert reading(said, name="Chat Completion with x").latency_ms is None


def test_levels():
    """A level of error is a failure."""
    assert reading({"logfire.level_num": 17}).failure is not None
    assert reading({"logfire.level_num": 9}).failure is None


def test_refused_arguments():
    """A call whose arguments did not validate never reached the tool."""
    found = reading(
        {
            "pydantic_ai.tool.failure_stage": "validation",
            "gen_ai.tool.name": "f",
            "gen_ai.operation.name": "execute_tool",
        },
        scope="pydantic-ai",
    )
    tells(found, kind="refused", label="Refused the arguments for f")


def test_a_plain_span_with_content():
    """A span that only has a request is a step."""
    assert reading({"raw_input": '["hi"]'}, scope="logfire").kind == "step"
