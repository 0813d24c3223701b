"""Message lists of every dialect, to one form."""

from __future__ import annotations

import json

import pytest

from infinium_otel.messages import (
    Message,
    ToolReply,
    ToolRequest,
    decode_messages,
    holds_messages,
    latest_message,
)
from infinium_otel.messages._decoding import MAX_MESSAGES

HI = Message("user", "hi")
YO = Message("assistant", "yo")
ASKS = Message("assistant", requests=(ToolRequest("f", {"a": 1}, "c1"),))


def answered(result="3", **more):
    return Message("tool", replies=(ToolReply(result, **more),))


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
            (ASKS,),
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
            (answered(id="c1"),),
            id="otel-answer",
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
            (Message("user", replies=(ToolReply("3", "c1", "f"),)),),
            id="pydantic-ai-answer",
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
            (ASKS,),
            id="openai-tool-call",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": '[{"id":"c1","name":"f"}]'}],
            (Message("assistant", requests=(ToolRequest("f", None, "c1"),)),),
            id="tool-calls-as-json",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "function_call": {"name": "f", "arguments": '{"a":1}'},
                }
            ],
            (Message("assistant", requests=(ToolRequest("f", {"a": 1}),)),),
            id="openai-function-call",
        ),
        pytest.param(
            [{"role": "tool", "tool_call_id": "c1", "name": "f", "content": "3"}],
            (answered(id="c1", name="f"),),
            id="openai-answer",
        ),
        pytest.param(
            [{"role": "tool", "tool_call_id": "c1", "status": "error", "content": ""}],
            (answered(None, id="c1", failed=True),),
            id="answer-without-content",
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
            (Message("assistant", "yo", (ToolRequest("f", {}, "c1"),), thought="hm"),),
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
            (Message("user", replies=(ToolReply("3", "c1", failed=True),)),),
            id="anthropic-answer",
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
            (Message("assistant", "yo", (ToolRequest("f", {"a": 1}, "c1"),)),),
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
            (Message("user", replies=(ToolReply("3", "c1", failed=False),)),),
            id="bedrock-answer",
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
                Message("assistant", requests=(ToolRequest("f", {"a": 1}),)),
                Message("user", replies=(ToolReply({"r": 3}, name="f"),)),
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
            (HI, ASKS, answered("3", id="c1", name="f")),
            id="genkit",
        ),
        pytest.param(
            {"role": "model", "content": [{"reasoning": "hm"}, {"data": {"a": 1}}]},
            (Message("assistant", '{"a":1}', thought="hm"),),
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
            (ASKS,),
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
            (ASKS, answered("3", id="c1", name="f")),
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
            (ASKS,),
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
                    "assistant", requests=(ToolRequest("f", None, "c1"),), thought="hm"
                ),
                answered(id="c1"),
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
            (ASKS, answered(id="c1", name="f", failed=False)),
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
            answered([1], id="c"),
        ), id="tool-with-json"),
    ],
)  # fmt: skip
def test_every_shape(value, messages):
    """Each dialect's message list says the same in the one form."""
    assert decode_messages(value) == messages


def test_tool_calls_that_are_none():
    """What is no list of calls asks for nothing; a call is asked for once."""
    part = {"type": "tool_call", "id": "c1", "name": "f"}
    call = {"id": "c1", "function": {"name": "f"}}
    (once,) = decode_messages(
        {"role": "assistant", "parts": [part], "tool_calls": [call, "x", {"id": "c2"}]}
    )
    assert [request.id for request in once.requests] == ["c1"]
    (none,) = decode_messages({"role": "assistant", "text": "x", "tool_calls": 7})
    assert none.requests == ()


def test_bounds():
    """A list of any length costs no more than the bound."""
    assert len(decode_messages(["hi"] * (MAX_MESSAGES + 5))) == MAX_MESSAGES


def test_said():
    """What was said is the text and the tools asked for."""
    assert Message("assistant", "yo", ASKS.requests).said == 'yo\nf({"a":1})'
    assert ASKS.said == 'f({"a":1})'
    assert YO.said == "yo"
    asked = (ToolRequest("f"), ToolRequest("g", {}), ToolRequest("h", ""))
    assert Message("assistant", requests=asked).said == "f(...)\ng({})\nh({})"


LIST = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize(
    ("value", "wanted", "text"),
    [
        (LIST, "user", "a"),
        (LIST, "assistant", "b"),
        (LIST, "tool", None),
        ([*LIST, "c"], "user", "c"),
        ([*LIST, "c"], "tool", None),
    ],
)
def test_latest(value, wanted, text):
    """The last message that is wanted, decoded from the end where that is possible."""
    found = latest_message(value, "user", lambda message: message.role == wanted)
    assert (found.text if found else None) == text


@pytest.mark.parametrize("depth", [21, 600])
def test_lists_nest_only_so_deep(depth):
    """Messages below more lists than any library writes are not looked for."""
    assert decode_messages("[" * depth + '{"role": "user"}' + "]" * depth) == ()


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ([{"role": "user"}], True),
        ({"messages": []}, True),
        ([{"object": "response", "output": []}], True),
        ({"object": "response", "output": "text"}, False),
        ([[{"content": "x"}]], True),
        ("text", False),
        (None, False),
        ({"city": "Rome"}, False),
        ([1, 2], False),
        (7, False),
    ],
    ids=str,
)
def test_holds_messages(value, holds):
    """Messages are told from other data by their keys."""
    assert holds_messages(value) is holds
