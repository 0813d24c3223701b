"""The parts of a message, in every dialect's words."""

from __future__ import annotations

import pytest

from infinium_otel.messages import ToolReply, ToolRequest, decode_messages, plain


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
    """Every part has a text: what it says, or what it is."""
    assert message(part).text == text


@pytest.mark.parametrize(
    ("part", "thought"),
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
def test_thought(part, thought):
    """Thoughts are kept apart from what was said."""
    assert (message(part).thought, message(part).text) == (thought, "")


@pytest.mark.parametrize(
    ("part", "request_"),
    [
        (
            {"type": "server_tool_call", "name": "search", "id": "s1"}
            | {"server_tool_call": {"type": "web_search", "arguments": {"q": "x"}}},
            ToolRequest("search", {"q": "x"}, "s1", by_provider=True),
        ),
        (
            {"type": "server_tool_use", "name": "search", "id": "s1", "input": {}},
            ToolRequest("search", {}, "s1", by_provider=True),
        ),
        (
            {"type": "server_tool_call", "name": "search", "server_tool_call": "x"},
            ToolRequest("search", None, None, by_provider=True),
        ),
        ({"type": "tool_call", "tool_call": {"name": "f", "id": "c"}}, ToolRequest("f", None, "c")),
        ({"type": "function", "function": {"name": "f", "parameters": "{}"}}, ToolRequest("f", {})),
        ({"type": "tool_call", "tool_call": "text"}, None),
        ({"type": "server_tool_call", "server_tool_call": {"id": "x"}}, None),
        ({"type": "tool_call", "name": ""}, None),
    ],
    ids=repr,
)  # fmt: skip
def test_requests(part, request_):
    """A tool asked for has a name; without one there is no request."""
    assert message(part).requests == ((request_,) if request_ else ())


def test_a_request_stands_once():
    """The same request told twice is one."""
    part = {"type": "tool_call", "id": "c", "name": "f"}
    assert len(message(part, part).requests) == 1


@pytest.mark.parametrize(
    ("part", "reply"),
    [
        ({"type": "tool_result", "content": "3"}, ToolReply("3")),
        ({"type": "tool_result"}, ToolReply()),
        ({"type": "tool-result", "toolName": "f", "isError": True, "result": 3}, ToolReply(3, None, "f", failed=True)),
        ({"type": "tool-result", "output": {"type": "error-text", "value": "no"}}, ToolReply("no", failed=True)),
        ({"type": "tool_result", "name": 7, "content": "3"}, ToolReply("3")),
        ({"tool_call_result": {"result": "3", "error": "x", "origin": None}}, ToolReply("3")),
    ],
    ids=repr,
)  # fmt: skip
def test_replies(part, reply):
    """An answer names its request where it can."""
    assert message(part).replies == (reply,)


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
def test_plain(value, bare):
    """Content blocks around a text are taken off."""
    assert plain(value) == bare
