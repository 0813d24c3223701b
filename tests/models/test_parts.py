from __future__ import annotations

import pytest

from infinium_otel.models import parts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            "hello", [{"role": "user", "parts": [parts.text_part("hello")]}], id="text"
        ),
        pytest.param(
            '[{"role": "user", "parts": [{"type": "text", "content": "a"}], "x": 1}]',
            [{"role": "user", "parts": [parts.text_part("a")], "x": 1}],
            id="extra-keys-stay",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "name": "n"},
            [{"role": "assistant", "parts": [parts.text_part("a")], "name": "n"}],
            id="openai-text",
        ),
        pytest.param(
            [{"content": [{"type": "text", "text": "a", "k": 1}, {"type": "text"}]}],
            [
                {
                    "role": "user",
                    "parts": [
                        {"type": "text", "k": 1, "content": "a"},
                        parts.text_part(""),
                    ],
                }
            ],
            id="openai-parts",
        ),
        pytest.param(
            ["a", 3], [{"role": "user", "parts": [parts.text_part("a")]}], id="texts"
        ),
        pytest.param(
            [{"role": "user"}], [{"role": "user", "parts": []}], id="no-content"
        ),
        pytest.param(
            [{"parts": ["a", 5]}],
            [{"role": "user", "parts": [parts.text_part("a"), parts.text_part("5")]}],
            id="bare-parts",
        ),
        pytest.param(None, [], id="nothing"),
        pytest.param(7, [], id="a-number"),
    ],
)
def test_messages_are_read(value, expected):
    """Messages of any shape are read as role and parts."""
    assert parts.read_messages(value) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(
            parts.tool_call_part(None, "f", {"a": 1}),
            {"type": "tool_call", "name": "f", "arguments": {"a": 1}},
            id="call-without-id",
        ),
        pytest.param(
            parts.tool_response_part("c", None),
            {"type": "tool_call_response", "id": "c", "response": None},
            id="response",
        ),
        pytest.param(
            parts.tool_response_part(None, "x"),
            {"type": "tool_call_response", "response": "x"},
            id="response-without-id",
        ),
        pytest.param(
            parts.blob_part("QQ==", "image/png", "image"),
            {
                "type": "blob",
                "modality": "image",
                "mime_type": "image/png",
                "content": "QQ==",
            },
            id="blob",
        ),
        pytest.param(
            parts.uri_part("http://a", None, "audio"),
            {"type": "uri", "modality": "audio", "uri": "http://a"},
            id="uri",
        ),
    ],
)
def test_parts_have_the_conventions_keys(part, expected):
    """Known values are written under the conventions' names, unknown ones omitted."""
    assert part == expected


def test_parts_are_found_by_type():
    """Those of one message, and those of several."""
    messages = [
        parts.message("user", [parts.text_part("a"), parts.text_part("b")]),
        parts.message("assistant", [parts.reasoning_part("r")], finish_reason=None),
        parts.message("assistant", [parts.text_part("c")]),
    ]
    assert parts.list_part_texts(messages[1], "reasoning") == ["r"]
    assert parts.find_parts(messages, "reasoning") == [parts.reasoning_part("r")]
