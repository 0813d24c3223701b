"""Spans of pydantic-ai and Logfire."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
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


def test_streams_are_told_in_the_request():
    """The request's own object says that its answer is a stream."""
    found = reading({"request_data": '{"model":"m","stream":true}'}, scope="logfire")
    assert found.streaming is True


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


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("OpenAI Agents trace: Trip", "Trip"),
        ("streaming response from 'm' took 0.03s", "streaming response from 'm'"),
        ("took 3s", "took 3s"),
    ],
)
def test_names(message, name):
    """A name is without what is the same, or another, each time."""
    assert reading({"logfire.msg": message}).label == name


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


def test_the_bridges_answer_is_the_end_of_its_events():
    """A response's answer is the assistant's last words, not a choice."""
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "hi"},
        {
            "event.name": "gen_ai.assistant.message",
            "role": "assistant",
            "content": "yo",
        },
    ]
    said = {
        "events": json.dumps(events),
        "gen_ai.usage.raw": '{"input_tokens_details":{"cached_tokens":4},'
        '"output_tokens_details":{"reasoning_tokens":2}}',
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "model_settings": '{"temperature":0.5,"top_p":1,"max_tokens":9}',
    }
    found = reading(said, name="Responses API with {model}", scope="logfire")
    tells(
        found,
        input=events[:1],
        output=events[1:],
        usage=Usage(10, 5, None, 4, None, 2),
        temperature=0.5,
        top_p=1.0,
        max_tokens=9,
    )


def test_the_bridges_generation():
    """A generation has input and output in bare words; its request is the next one's."""
    said = {
        "input": json.dumps([ASKED]),
        "output": json.dumps([SAID]),
        "request_data": json.dumps({"messages": [ASKED, SAID, ASKED]}),
    }
    name = "Chat completion with {gen_ai.request.model!r}"
    tells(reading(said, name=name, scope="logfire"), input=[ASKED], output=[SAID])
    request = {"request_data": json.dumps({"messages": [ASKED]})}
    tells(reading(request, name=name, scope="logfire"), input=[ASKED], output=None)


@pytest.mark.parametrize(
    ("more", "dropped"),
    [
        ({}, True),
        ({"parent_is_remote": False, "status": "error"}, False),
        ({"scope": "mine"}, False),
    ],
    ids=["stub", "failed", "another-scope"],
)
def test_the_stub_of_a_stream(more, dropped):
    """A streamed request that is a trace of its own is told again when it is drained."""
    said = {"gen_ai.request.model": "m", "request_data": '{"model":"m"}'}
    name = "Chat Completion with {request_data[model]!r}"
    more = {"scope": "logfire.openai", **more}
    assert reading(said, name=name, **more).dropped is dropped
    answered = said | {"gen_ai.usage.input_tokens": 7}
    assert not reading(answered, name=name, scope="logfire.openai").dropped
