"""Message lists of every dialect, decoded to one form."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.messages import (
    Message,
    ToolCallPart,
    ToolResponsePart,
    decode_messages,
)
from infinium_otel.dialects.messages._decoding import MAX_MESSAGES

HI = Message("user", "hi")
YO = Message("assistant", "yo")
CALLS_TOOL = Message("assistant", tool_calls=(ToolCallPart("f", {"a": 1}, "c1"),))


def tool_response(result="3", **more):
    return Message("tool", responses=(ToolResponsePart(result, **more),))


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        pytest.param("hi", (HI,), id="bare-text"),
        pytest.param("", (), id="empty"),
        pytest.param(None, (), id="none"),
        pytest.param(7, (), id="number"),
        pytest.param(["hi", ""], (HI,), id="list-of-texts"),
        pytest.param({"role": "user", "content": "hi"}, (HI,), id="one-message"),
        pytest.param('[{"role":"user","content":"hi"}]', (HI,), id="json"),
        pytest.param(
            json.dumps('[{"role":"user","content":"hi"}]'), (HI,), id="json-in-json"
        ),
        pytest.param({"messages": [{"role": "user", "content": "hi"}]}, (HI,), id="in"),
        pytest.param([[{"role": "user", "content": "hi"}]], (HI,), id="nested-list"),
        pytest.param(['{"human": "hi"}', {"ai": "yo"}], (HI, YO), id="roles-as-keys"),
        pytest.param(
            {"output": {"message": {"role": "assistant", "content": [{"text": "yo"}]}}},
            (YO,),
            id="bedrocks-converse",
        ),
        pytest.param(
            [{"object": "response", "output": [{"role": "user", "content": "hi"}]}],
            (HI,),
            id="whole-responses",
        ),
        pytest.param(
            [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
            (HI,),
            id="otel-parts",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "parts": [
                        {
                            "type": "tool_call",
                            "id": "c1",
                            "name": "f",
                            "arguments": {"a": 1},
                        }
                    ],
                }
            ],
            (CALLS_TOOL,),
            id="otel-tool-call",
        ),
        pytest.param(
            [
                {
                    "role": "tool",
                    "parts": [
                        {"type": "tool_call_response", "id": "c1", "response": "3"}
                    ],
                }
            ],
            (tool_response(id="c1"),),
            id="otel-response",
        ),
        pytest.param(
            [
                {
                    "role": "user",
                    "parts": [
                        {
                            "type": "tool_call_response",
                            "id": "c1",
                            "name": "f",
                            "result": "3",
                        }
                    ],
                }
            ],
            (Message("user", responses=(ToolResponsePart("3", "c1", "f"),)),),
            id="pydantic-ai-response",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "f", "arguments": '{"a":1}'},
                        }
                    ],
                }
            ],
            (CALLS_TOOL,),
            id="openai-tool-call",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": '[{"id":"c1","name":"f"}]'}],
            (Message("assistant", tool_calls=(ToolCallPart("f", None, "c1"),)),),
            id="tool-calls-as-json",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "function_call": {"name": "f", "arguments": '{"a":1}'},
                }
            ],
            (Message("assistant", tool_calls=(ToolCallPart("f", {"a": 1}),)),),
            id="openai-function-call",
        ),
        pytest.param(
            [{"role": "tool", "tool_call_id": "c1", "name": "f", "content": "3"}],
            (tool_response(id="c1", name="f"),),
            id="openai-response",
        ),
        pytest.param(
            [{"role": "tool", "tool_call_id": "c1", "status": "error", "content": ""}],
            (tool_response(None, id="c1", failed=True),),
            id="response-without-content",
        ),
        pytest.param(
            {"choices": [{"message": {"role": "assistant", "content": "yo"}}]},
            (YO,),
            id="openai-response",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm"},
                        {"type": "text", "text": "yo"},
                        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
                    ],
                }
            ],
            (Message("assistant", "yo", (ToolCallPart("f", {}, "c1"),), reasoning="hm"),),
            id="anthropic-blocks",
        ),
        pytest.param(
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c1",
                            "is_error": True,
                            "content": [{"type": "text", "text": "3"}],
                        }
                    ],
                }
            ],
            (Message("user", responses=(ToolResponsePart("3", "c1", failed=True),)),),
            id="anthropic-response",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": [
                        {"text": "yo"},
                        {"toolUse": {"name": "f", "toolUseId": "c1", "input": {"a": 1}}},
                    ],
                }
            ],
            (Message("assistant", "yo", (ToolCallPart("f", {"a": 1}, "c1"),)),),
            id="bedrock-blocks",
        ),
        pytest.param(
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "toolResult": {
                                "toolUseId": "c1",
                                "status": "success",
                                "content": [{"text": "3"}],
                            }
                        }
                    ],
                }
            ],
            (Message("user", responses=(ToolResponsePart("3", "c1", failed=False),)),),
            id="bedrock-response",
        ),
        pytest.param(
            {
                "contents": [
                    {"role": "user", "parts": [{"text": "hi"}]},
                    {
                        "role": "model",
                        "parts": [{"function_call": {"name": "f", "args": {"a": 1}}}],
                    },
                    {
                        "role": "user",
                        "parts": [
                            {"function_response": {"name": "f", "response": {"r": 3}}}
                        ],
                    },
                ]
            },
            (
                HI,
                Message("assistant", tool_calls=(ToolCallPart("f", {"a": 1}),)),
                Message("user", responses=(ToolResponsePart({"r": 3}, name="f"),)),
            ),
            id="gemini",
        ),
        pytest.param(
            {"content": {"role": "user", "parts": [{"text": "hi"}]}, "finish": 1},
            (HI,),
            id="geminis-candidate",
        ),
        pytest.param(
            [
                {"role": "user", "content": "hi"},
                {
                    "role": "tool",
                    "content": {"type": "function", "function": {"name": "f"}},
                },
            ],
            (HI,),
            id="langfuses-tools-on-offer",
        ),
        pytest.param(
            {"user_id": "u", "new_message": {"role": "user", "parts": [{"text": "hi"}]}},
            (HI,),
            id="adks-run",
        ),
        pytest.param(
            [
                {"role": "user", "content": [{"text": "hi"}]},
                {
                    "role": "model",
                    "content": [
                        {"toolRequest": {"name": "f", "ref": "c1", "input": {"a": 1}}}
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {"toolResponse": {"name": "f", "ref": "c1", "output": "3"}}
                    ],
                },
            ],
            (HI, CALLS_TOOL, tool_response("3", id="c1", name="f")),
            id="genkit",
        ),
        pytest.param(
            {"role": "model", "content": [{"reasoning": "hm"}, {"data": {"a": 1}}]},
            (Message("assistant", '{"a":1}', reasoning="hm"),),
            id="genkits-data",
        ),
        pytest.param(
            {
                "role": "assistant",
                "text": "",
                "toolCalls": [
                    {"toolCallId": "c1", "toolName": "f", "args": {"a": 1}}
                ],
            },
            (CALLS_TOOL,),
            id="mastra",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool-call",
                            "toolCallId": "c1",
                            "toolName": "f",
                            "args": {"a": 1},
                        }
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolCallId": "c1",
                            "toolName": "f",
                            "output": {"type": "text", "value": "3"},
                        }
                    ],
                },
            ],
            (CALLS_TOOL, tool_response("3", id="c1", name="f")),
            id="vercel",
        ),
        pytest.param(
            [
                {
                    "lc": 1,
                    "type": "constructor",
                    "id": ["langchain", "schema", "HumanMessage"],
                    "kwargs": {"content": "hi"},
                }
            ],
            (HI,),
            id="langchain-dump",
        ),
        pytest.param(
            [{"lc": 1, "id": [], "kwargs": {"content": "hi"}}],
            (HI,),
            id="langchain-dump-without-name",
        ),
        pytest.param([["user", "hi"], ("ai", "yo")], (HI, YO), id="langchain-pairs"),
        pytest.param(
            [{"type": "human", "data": {"content": "hi"}}], (HI,), id="langchain-data"
        ),
        pytest.param(
            [
                {
                    "type": "ai",
                    "content": "",
                    "additional_kwargs": {
                        "tool_calls": [
                            {
                                "id": "c1",
                                "function": {"name": "f", "arguments": '{"a":1}'},
                            }
                        ]
                    },
                }
            ],
            (CALLS_TOOL,),
            id="langchain-additional",
        ),
        pytest.param(
            [
                {"event.name": "gen_ai.user.message", "content": "hi"},
                {"event.name": "gen_ai.choice", "message": {"content": "yo"}},
            ],
            (HI, YO),
            id="events",
        ),
        pytest.param(
            [
                {"type": "reasoning", "summary": "hm"},
                {"type": "function_call", "call_id": "c1", "name": "f"},
                {"type": "function_call_output", "call_id": "c1", "output": "3"},
                {"type": "output_text", "text": "yo"},
            ],
            (
                Message(
                    "assistant", tool_calls=(ToolCallPart("f", None, "c1"),), reasoning="hm"
                ),
                tool_response(id="c1"),
                YO,
            ),
            id="items-of-responses",
        ),
        pytest.param(
            [{"type": "text", "text": "hi"}, {"role": "assistant", "content": "yo"}],
            (HI, YO),
            id="block-then-message",
        ),
        pytest.param([{"type": "redacted_thinking"}, "hi"], (HI,), id="block-of-nothing"),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "tool_call": {
                                "tool_name": "f",
                                "arguments": {"a": 1},
                                "id": "c1",
                            }
                        }
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "tool_call_result": {
                                "result": "3",
                                "error": False,
                                "origin": {"tool_name": "f", "id": "c1"},
                            }
                        }
                    ],
                },
            ],
            (CALLS_TOOL, tool_response(id="c1", name="f", failed=False)),
            id="haystack",
        ),
        pytest.param({"role": "user", "content": ""}, (Message("user"),), id="role-only"),
        pytest.param({"foo": 1}, (), id="no-message"),
        pytest.param(
            {"content": [{"type": "text", "text": "hi"}]}, (HI,), id="without-role"
        ),
        pytest.param({"role": "user", "content": {"text": "hi"}}, (HI,), id="one-part"),
        pytest.param(
            {"role": "user", "content": '[{"type":"text","text":"hi"}]'},
            (HI,),
            id="blocks-in-text",
        ),
        pytest.param(
            {"role": "user", "content": '[{"type":"text"}] is what I wrote'},
            (Message("user", '[{"type":"text"}] is what I wrote'),),
            id="no-blocks-in-text",
        ),
        pytest.param({"role": "developer", "text": "x"}, (Message("system", "x"),), id="r"),
        pytest.param({"role": "robot", "text": "x"}, (Message("robot", "x"),), id="odd"),
        pytest.param({"type": "weird", "text": "hi"}, (HI,), id="type-is-no-role"),
        pytest.param(
            {"role": "MessageRole.USER", "blocks": [{"block_type": "text", "text": "hi"}]},
            (HI,),
            id="llama-index",
        ),
        pytest.param({"delta": {"role": "assistant", "content": "yo"}}, (YO,), id="delta"),
        pytest.param({"message": {"content": "hi"}}, (HI,), id="message-in-message"),
        pytest.param(
            {"role": "assistant", "message": {"content": "yo"}}, (YO,), id="outer-role"
        ),
        pytest.param({"role": "tool", "name": 7, "id": "c", "content": "[1]"}, (
            tool_response([1], id="c"),
        ), id="tool-with-json"),
    ],
)  # fmt: skip
def test_every_shape(value, messages):
    """Each dialect's message list decodes to the same form."""
    assert decode_messages(value) == messages


@pytest.mark.parametrize("item", ["hi", {"role": "user", "content": "hi"}])
def test_bounds(item):
    """A list of any length costs no more than the bound."""
    assert len(decode_messages([item] * (MAX_MESSAGES + 5))) == MAX_MESSAGES


@pytest.mark.parametrize("depth", [21, 90])
def test_lists_nest_only_so_deep(depth):
    """Messages nested deeper than any library writes are ignored."""
    assert decode_messages("[" * depth + '{"role": "user"}' + "]" * depth) == ()


def test_json_nested_too_deep_to_parse_stays_a_text():
    """Past the bound on depth nothing is parsed, so it is what it was: one text."""
    value = "[" * 600 + '{"role": "user"}' + "]" * 600
    (message,) = decode_messages(value)
    assert message.text == value
