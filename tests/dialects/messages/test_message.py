"""One message, in any envelope."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.messages import (
    Message,
    ToolCallPart,
    ToolResponsePart,
    decode_messages,
    has_messages,
)

HI = Message("user", "hi")
YO = Message("assistant", "yo")
CALLS_TOOL = Message("assistant", tool_calls=(ToolCallPart("f", {"a": 1}, "c1"),))


def tool_response(result="3", **more):
    return Message("tool", responses=(ToolResponsePart(result, **more),))


CALL = {"name": "f", "arguments": {"a": 1}, "id": "c1"}
RESPONDS = tool_response("18C", id="c1")


def _quoted(listed):
    parts = [{"type": "text", "content": json.dumps(listed)}]
    return [{"role": "user", "parts": parts}]


def test_invalid_and_repeated_tool_calls():
    """A value that is not a list of calls has none; a repeated call counts once."""
    part = {"type": "tool_call", "id": "c1", "name": "f"}
    call = {"id": "c1", "function": {"name": "f"}}
    (once,) = decode_messages(
        {"role": "assistant", "parts": [part], "tool_calls": [call, "x", {"id": "c2"}]}
    )
    assert [call.id for call in once.tool_calls] == ["c1"]
    (none,) = decode_messages({"role": "assistant", "text": "x", "tool_calls": 7})
    assert none.tool_calls == ()


def test_text_and_calls():
    """The text comes first, then each tool call with its arguments."""
    assert (
        Message("assistant", "yo", CALLS_TOOL.tool_calls).text_and_calls
        == 'yo\nf({"a":1})'
    )
    assert CALLS_TOOL.text_and_calls == 'f({"a":1})'
    assert YO.text_and_calls == "yo"
    calls = (ToolCallPart("f"), ToolCallPart("g", {}), ToolCallPart("h", ""))
    assert (
        Message("assistant", tool_calls=calls).text_and_calls == "f(...)\ng({})\nh({})"
    )


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        pytest.param(
            _quoted([
                {"role": "user", "content": "hi"},
                {"type": "function_call", **CALL},
                {"type": "function_call_output", "call_id": "c1", "output": "18C"},
            ]),
            (HI, CALLS_TOOL, RESPONDS),
            id="whole-text",
        ),
        pytest.param(
            _quoted([{"role": "king", "age": 3}]),
            (Message("user", '[{"role": "king", "age": 3}]'),),
            id="other-data",
        ),
    ],
)  # fmt: skip
def test_a_text_that_is_a_message_list(value, messages):
    """A user's text that is, as a whole, the JSON of messages is those messages."""
    assert decode_messages(value) == messages


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([{"toolCallId": "c1", "toolName": "f", "input": {"a": 1}}],
                     id="vercel-without-a-message"),
        pytest.param({"tool_calls": [CALL], "refusal": None}, id="without-role-and-content"),
        pytest.param({"__class__": "ToolCall", **CALL}, id="printed-call"),
        pytest.param([{"__class__": "ToolUseBlock", **CALL}], id="printed-calls"),
        pytest.param({"object": "response", "output": [{"type": "function_call", **CALL}]},
                     id="response"),
        pytest.param({"__class__": "Response", "output": [{"type": "function_call", **CALL}]},
                     id="printed-response"),
        pytest.param({"candidates": [{"content": {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"a": 1}, "id": "c1"}}]}}]}, id="gemini"),
        pytest.param([{"Role": "assistant", "ToolCalls": [CALL]}], id="capitalized"),
    ],
)  # fmt: skip
def test_calls_without_a_message_around_them(value):
    """What a model requested is its message, whatever it was recorded as."""
    assert has_messages(value)
    assert decode_messages(value) == (CALLS_TOOL,)


def test_a_system_prompt_in_the_users_message():
    """Pydantic AI keeps the instructions in the first request; they are not its text."""
    parts = [
        {"part_kind": "system-prompt", "content": "Be terse."},
        {"part_kind": "user-prompt", "content": "hi"},
    ]
    assert decode_messages([{"kind": "request", "parts": parts}]) == (HI,)
    system = decode_messages([{"role": "system", "parts": parts[:1]}])
    assert system == (Message("system", "Be terse."),)
