"""Whether data is messages, and in which form."""

from __future__ import annotations

import pytest

from infinium_otel.dialects.messages import (
    Message,
    ToolCallPart,
    ToolResponsePart,
    decode_messages,
    has_messages,
    is_preamble,
)

HI = Message("user", "hi")
YO = Message("assistant", "yo")
CALLS_TOOL = Message("assistant", tool_calls=(ToolCallPart("f", {"a": 1}, "c1"),))


def tool_response(result="3", **more):
    return Message("tool", responses=(ToolResponsePart(result, **more),))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"role": "user"}], True),
        ({"messages": []}, True),
        ([{"object": "response", "output": []}], True),
        ({"object": "response", "output": "text"}, False),
        ({"object": "realtime.response", "output": []}, True),
        ({"output": {"message": {"role": "assistant"}}, "stopReason": "stop"}, True),
        ([{"system": "x"}, {"user": "y"}], True),
        ({"assistant": "x"}, False),
        ({"user": "ann"}, False),
        ([{"assistant": 7}], False),
        ([{"user": "x"}, {"city": "Rome"}], False),
        ([[{"content": "x"}]], True),
        ({"content": "x", "tool_call_id": "1", "name": "find", "artifact": 3}, True),
        ({"content": "x", "path": "a.py"}, False),
        ({"content": "x", "title": "t", "type": "note"}, False),
        ({"content": "x", "title": "t", "role": "user"}, True),
        ([{"content": "x", "url": "u"}, {"content": "y", "url": "v"}], False),
        ("text", False),
        (None, False),
        ({"city": "Rome"}, False),
        ([1, 2], False),
        (7, False),
    ],
    ids=str,
)
def test_has_messages(value, expected):
    """Messages differ from other data by their keys."""
    assert has_messages(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param([{"role": "system", "content": "s"}], True, id="list"),
        pytest.param('[{"role": "system", "content": "s"}]', True, id="json"),
        pytest.param([{"role": "user", "content": "s"}], False, id="user"),
        pytest.param('[{"role": "system"}, {"role": "user"}]', False, id="both"),
        pytest.param("system", False, id="text"),
        pytest.param([], False, id="empty"),
    ],
)
def test_is_preamble(value, expected):
    """A list of the system alone has no question."""
    assert is_preamble(value) is expected


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        pytest.param(
            "AIMessage(content='', tool_calls=[{'name': 'f', 'args': {'a': 1}, 'id': 'c1'}])",
            (CALLS_TOOL,),
            id="langchain",
        ),
        pytest.param(
            ["ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='hi')])",
             "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[ToolCall("
             "tool_name='f', arguments={'a': 1}, id='c1')])",
             "ChatMessage(_role=<ChatRole.TOOL: 'tool'>, _content=[ToolCallResult("
             "result='18C', origin=ToolCall(tool_name='f', arguments={'a': 1}, id='c1'),"
             " error=False)])"],
            (HI, CALLS_TOOL, tool_response("18C", id="c1", name="f", failed=False)),
            id="haystack",
        ),
        pytest.param(
            [{"_role": "user", "_content": [{"text": "hi"}], "_meta": {}}],
            (HI,),
            id="haystack-as-data",
        ),
        pytest.param(["role='user' content='hi'"], (HI,), id="pydantic"),
        pytest.param('HumanMessage {\n  "content": "hi"\n}', (HI,), id="langchain-js"),
        pytest.param(
            [{"role": "assistant", "content": "ResponseFunctionToolCall("
              "arguments='{\"a\": 1}', call_id='c1', name='f', type='function_call')"}],
            (CALLS_TOOL,),
            id="a-call-as-text",
        ),
        pytest.param(
            [{"role": "assistant", "content": "ToolCall(is broken"}],
            (Message("assistant", "ToolCall(is broken"),),
            id="only-like-one",
        ),
        pytest.param(["AIMessage(content="], (Message("user", "AIMessage(content="),),
                     id="cut"),
        pytest.param(
            [{"role": "assistant", "content": [
                {"type": "text", "text": '{"type": "thinking", "thinking": "hm"}'},
                {"type": "text", "text": "yo"},
                {"type": "text", "text": '{"type": "other"}'}]}],
            (Message("assistant", 'yo\n{"type": "other"}', reasoning="hm"),),
            id="reasoning-as-text",
        ),
        pytest.param(
            {"requests": [{"content": {"parts": [{"text": "hi"}]}, "model": "m"}]},
            (HI,),
            id="batch-of-requests",
        ),
    ],
)  # fmt: skip
def test_printed_messages(value, messages):
    """Messages and calls that were recorded as Python or Node prints them."""
    assert decode_messages(value) == messages
    assert has_messages(value) or isinstance(value, str) or len(messages) == 1


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        pytest.param(["human", "hi"], (HI,), id="alone"),
        pytest.param([("human", "hi"), ("ai", "yo")], (HI, YO), id="several"),
        pytest.param([["user", [{"type": "text", "text": "hi"}]]], (HI,), id="blocks"),
        pytest.param(
            ["user", "assistant"],
            (Message("user", "user"), Message("user", "assistant")),
            id="two-roles",
        ),
    ],
)
def test_messages_as_pairs(value, messages):
    """LangChain's short form is a role and a content."""
    assert decode_messages(value) == messages
