"""Spans of pydantic-ai and Logfire."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.records import Usage
from support.records import assert_fields, read_span

USER_MESSAGE = {"role": "user", "content": "hi"}
ASSISTANT_MESSAGE = {"role": "assistant", "content": "yo"}


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
    """A span's name is a template, whose beginning shows the kind."""
    assert read_span({}, name=name, scope="logfire").kind == kind


def test_streams_are_marked_in_the_request():
    """The request object shows that the response is streamed."""
    found = read_span({"request_data": '{"model":"m","stream":true}'}, scope="logfire")
    assert found.streaming is True


def test_the_older_list_of_events():
    """Version 1's one list: the input, then the choice."""
    events = [
        {"event.name": "gen_ai.user.message", "content": "hi"},
        {"event.name": "gen_ai.choice", "message": {"content": "yo"}},
        {"event.name": "gen_ai.choice", "message": "plain"},
        "noise",
    ]
    found = read_span(
        {"events": json.dumps(events), "gen_ai.operation.name": "chat"},
        scope="pydantic-ai",
    )
    assert_fields(found, input=events[:1], output=[{**ASSISTANT_MESSAGE}, "plain"])


def test_events_without_either_side():
    """A list with only one side has only that."""
    choice = [{"event.name": "gen_ai.choice", "message": ASSISTANT_MESSAGE}]
    found = read_span({"events": json.dumps(choice)}, scope="pydantic-ai")
    assert_fields(found, input=None, output=[ASSISTANT_MESSAGE])
    found = read_span({"events": json.dumps([USER_MESSAGE])}, scope="pydantic-ai")
    assert_fields(found, input=[USER_MESSAGE], output=None)


@pytest.mark.parametrize(
    ("more", "input_", "output"),
    [
        ({}, [USER_MESSAGE, USER_MESSAGE], [ASSISTANT_MESSAGE, ASSISTANT_MESSAGE]),
        ({"pydantic_ai.new_message_index": 2}, [USER_MESSAGE], [ASSISTANT_MESSAGE]),
        ({"final_result": "done"}, [USER_MESSAGE, USER_MESSAGE], "done"),
    ],
    ids=["all", "new", "result"],
)
def test_an_agents_own_part_of_the_conversation(more, input_, output):
    """Messages before the run are history."""
    messages = json.dumps(
        [USER_MESSAGE, ASSISTANT_MESSAGE, USER_MESSAGE, ASSISTANT_MESSAGE]
    )
    found = read_span(
        {"pydantic_ai.all_messages": messages, "agent_name": "helper", **more},
        name="agent run",
        scope="pydantic-ai",
    )
    assert_fields(found, input=input_, output=output, agent_name="helper")


def test_the_bridges_tool():
    """The OpenAI Agents integration writes a tool under keys without a prefix."""
    attributes = {"name": "f", "input": '{"a":1}', "output": ""}
    found = read_span(attributes, name="Function: {name}", scope="logfire")
    assert_fields(found, tool_name="f", arguments={"a": 1}, result=None)


def test_mcp_requests():
    """A request's name ends with its tool's."""
    found = read_span({}, name="MCP request: tools/call f", scope="logfire")
    assert_fields(found, kind="tool", tool_name="f")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("OpenAI Agents trace: Trip", "Trip"),
        ("streaming response from 'm' took 0.03s", "streaming response from 'm'"),
        ("took 3s", "took 3s"),
    ],
)
def test_names(message, name):
    """A name has no constant prefix and no duration."""
    assert read_span({"logfire.msg": message}).label == name


def test_streams():
    """The second span of a stream has the duration."""
    attributes = {"request_data": '{"model":"gpt-4o"}', "duration": 2.5}
    stream = read_span(attributes, name="streaming response from x", scope="logfire")
    assert_fields(stream, latency_ms=2500, model_requested="gpt-4o")
    assert read_span(attributes, name="Chat Completion with x").latency_ms is None


def test_levels():
    """A level of error is a failure."""
    assert read_span({"logfire.level_num": 17}).failure is not None
    assert read_span({"logfire.level_num": 9}).failure is None


def test_refused_arguments():
    """A call whose arguments did not validate never reached the tool."""
    found = read_span(
        {
            "pydantic_ai.tool.failure_stage": "validation",
            "gen_ai.tool.name": "f",
            "gen_ai.operation.name": "execute_tool",
        },
        scope="pydantic-ai",
    )
    assert_fields(found, kind="refused", label="Refused the arguments for f")


def test_a_plain_span_with_content():
    """A span that only has a request is a step."""
    assert read_span({"raw_input": '["hi"]'}, scope="logfire").kind == "step"


def test_the_bridges_answer_is_the_end_of_its_events():
    """A response's output is the assistant's last messages, not a choice."""
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "hi"},
        {
            "event.name": "gen_ai.assistant.message",
            "role": "assistant",
            "content": "yo",
        },
    ]
    attributes = {
        "events": json.dumps(events),
        "gen_ai.usage.raw": '{"input_tokens_details":{"cached_tokens":4},'
        '"output_tokens_details":{"reasoning_tokens":2}}',
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "model_settings": '{"temperature":0.5,"top_p":1,"max_tokens":9}',
    }
    found = read_span(attributes, name="Responses API with {model}", scope="logfire")
    assert_fields(
        found,
        input=events[:1],
        output=events[1:],
        usage=Usage(10, 5, None, 4, None, 2),
        temperature=0.5,
        top_p=1.0,
        max_tokens=9,
    )


def test_the_bridges_generation():
    """Input and output have keys without a prefix; the request holds later messages too."""
    attributes = {
        "input": json.dumps([USER_MESSAGE]),
        "output": json.dumps([ASSISTANT_MESSAGE]),
        "request_data": json.dumps(
            {"messages": [USER_MESSAGE, ASSISTANT_MESSAGE, USER_MESSAGE]}
        ),
    }
    name = "Chat completion with {gen_ai.request.model!r}"
    assert_fields(
        read_span(attributes, name=name, scope="logfire"),
        input=[USER_MESSAGE],
        output=[ASSISTANT_MESSAGE],
    )
    request = {"request_data": json.dumps({"messages": [USER_MESSAGE]})}
    assert_fields(
        read_span(request, name=name, scope="logfire"),
        input=[USER_MESSAGE],
        output=None,
    )


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
    """A streamed request in a trace of its own is reported again once it is drained."""
    attributes = {"gen_ai.request.model": "m", "request_data": '{"model":"m"}'}
    name = "Chat Completion with {request_data[model]!r}"
    more = {"scope": "logfire.openai", **more}
    assert read_span(attributes, name=name, **more).dropped is dropped
    with_output = attributes | {"gen_ai.usage.input_tokens": 7}
    assert not read_span(with_output, name=name, scope="logfire.openai").dropped


def test_the_first_runs_of_pydantic_ai():
    """Its own messages have the kind of their turn in place of a role."""
    found = read_span(
        {
            "agent_name": "helper",
            "all_messages": json.dumps(
                [
                    {"kind": "request", "parts": [_part("user-prompt", "Hi")]},
                    {"kind": "response", "parts": [_part("text", "Hello")]},
                ]
            ),
        },
        name="{agent_name} run {prompt=}",
        scope="logfire.pydantic_ai",
    )
    assert (found.kind, found.agent_name) == ("agent", "helper")
    sides = (decode_messages(side) for side in (found.input, found.output))
    assert [(m.role, m.text) for side in sides for m in side] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
    ]


def _part(kind, content):
    return {"part_kind": kind, "content": content}


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"model": "m", "choices": [{"message": {"role": "assistant"}}],
          "usage": {"prompt_tokens": 3, "completion_tokens": 2}}, "llm"),
        ({"model": "m", "status": 200}, ""),
        ("none", ""),
    ],
)  # fmt: skip
def test_a_whole_response_on_an_applications_span(response, kind):
    """A provider's response that a program put on its own span is a call's."""
    found = read_span({"response_data": json.dumps(response)}, scope="logfire")
    assert found.kind == kind
    assert (found.usage is not None) == (kind == "llm")
