"""The parts of a message, in the shapes of every dialect and provider."""

from __future__ import annotations

import pytest

from infinium_otel.dialects.messages import (
    ToolCallPart,
    ToolResponsePart,
    decode_messages,
    unwrap_content,
)


def message(*parts):
    (found,) = decode_messages({"role": "assistant", "content": list(parts)})
    return found


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        (7, "7"),
        ({"type": "text", "text": "x"}, "x"),
        ({"type": "text", "content": "x"}, "x"),
        ({"type": "text", "text": ""}, ""),
        ({"type": "text", "text": {"value": "x"}}, "x"),
        ({"type": "text"}, ""),
        ({"type": "refusal", "refusal": "no"}, "no"),
        ({"type": "compaction", "content": "so far"}, "so far"),
        ({"part_kind": "user-prompt", "content": "x"}, "x"),
        ({"type": "something_new"}, "[something_new]"),
        ({"type": "generic", "generic_type": "g"}, "[generic]"),
        ({"type": 7}, ""),
        ({"json": {"a": 1}}, '{"a":1}'),
        ({"toolUse": "no mapping"}, ""),
        ({"tool_call_result": "no mapping"}, ""),
        ({"inline_data": {"mime_type": "image/png", "data": "AAAA"}}, "[blob image/png 3 B]"),
        ({"image": {"format": "png", "source": {"bytes": b"1234"}}}, "[image png 4 B]"),
        ({"document": {"format": "pdf"}}, "[document pdf]"),
        ({"type": "image_url", "image_url": {"url": "https://x/y.png"}}, "[image https://x/y.png]"),
        ({"type": "image_url", "image_url": "data:image/png;base64,AAAA"}, "[image image/png 3 B]"),
        ({"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "A" * 8000}, "[audio audio/wav 6 kB]"),
        ({"type": "binary", "media_type": "image/png"}, "[binary image/png]"),
        ({"type": "input_image", "data": 7}, "[image]"),
        ({"type": "uri", "uri": "gs://b/o"}, "[uri gs://b/o]"),
    ],
    ids=repr,
)  # fmt: skip
def test_text(part, text):
    """Every part has a text: its content, or else its type."""
    assert message(part).text == text


@pytest.mark.parametrize(
    ("part", "reasoning"),
    [
        ({"type": "reasoning", "content": "hm"}, "hm"),
        ({"type": "thinking", "thinking": "hm"}, "hm"),
        ({"type": "reasoning", "summary": []}, ""),
        ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, "hm"),
        ({"reasoningContent": {"reasoningText": "x", "text": "hm"}}, "hm"),
        ({"type": "redacted_thinking", "data": "AAAA"}, ""),
    ],
    ids=repr,
)
def test_reasoning(part, reasoning):
    """Reasoning is not part of the text."""
    assert (message(part).reasoning, message(part).text) == (reasoning, "")


@pytest.mark.parametrize(
    ("part", "call"),
    [
        (
            {"type": "server_tool_call", "name": "search", "id": "s1"}
            | {"server_tool_call": {"type": "web_search", "arguments": {"q": "x"}}},
            ToolCallPart("search", {"q": "x"}, "s1", by_provider=True),
        ),
        (
            {"type": "server_tool_use", "name": "search", "id": "s1", "input": {}},
            ToolCallPart("search", {}, "s1", by_provider=True),
        ),
        (
            {"type": "server_tool_call", "name": "search", "server_tool_call": "x"},
            ToolCallPart("search", None, None, by_provider=True),
        ),
        ({"type": "tool_call", "tool_call": {"name": "f", "id": "c"}}, ToolCallPart("f", None, "c")),
        ({"type": "function", "function": {"name": "f", "parameters": "{}"}}, ToolCallPart("f", {})),
        ({"type": "tool_call", "tool_call": "text"}, None),
        ({"type": "server_tool_call", "server_tool_call": {"id": "x"}}, None),
        ({"type": "tool_call", "name": ""}, None),
    ],
    ids=repr,
)  # fmt: skip
def test_tool_calls(part, call):
    """A tool call has a name; a part without one is not a call."""
    assert message(part).tool_calls == ((call,) if call else ())


def test_a_repeated_call_counts_once():
    """The same tool call in two parts is one call."""
    part = {"type": "tool_call", "id": "c", "name": "f"}
    assert len(message(part, part).tool_calls) == 1


@pytest.mark.parametrize(
    ("part", "response"),
    [
        ({"type": "tool_result", "content": "3"}, ToolResponsePart("3")),
        ({"type": "tool_result"}, ToolResponsePart()),
        ({"type": "tool-result", "toolName": "f", "isError": True, "result": 3}, ToolResponsePart(3, None, "f", failed=True)),
        ({"type": "tool-error", "toolCallId": "i", "toolName": "f", "error": "no"}, ToolResponsePart("no", "i", "f", failed=True)),
        ({"type": "tool-result", "output": {"type": "error-text", "value": "no"}}, ToolResponsePart("no", failed=True)),
        ({"type": "tool_result", "name": 7, "content": "3"}, ToolResponsePart("3")),
        ({"tool_call_result": {"result": "3", "error": "x", "origin": None}}, ToolResponsePart("3")),
    ],
    ids=repr,
)  # fmt: skip
def test_responses(part, response):
    """A response has the id and the name of its call where the part has them."""
    assert message(part).responses == (response,)


@pytest.mark.parametrize(
    ("value", "bare"),
    [
        ("text", "text"),
        ('"quoted"', "quoted"),
        ({"type": "text", "text": "x"}, "x"),
        ({"type": "text"}, {"type": "text"}),
        ({"type": "json", "value": {"a": 1}}, {"a": 1}),
        ([{"text": "a"}, {"type": "text", "content": "b"}], "a\nb"),
        ([{"json": {"a": 1}}], '{"a":1}'),
        ([{"a": 1}], [{"a": 1}]),
        ([1, 2], [1, 2]),
        ([], []),
        (7, 7),
    ],
    ids=repr,
)
def test_unwrap_content(value, bare):
    """Content blocks around a text are removed."""
    assert unwrap_content(value) == bare
