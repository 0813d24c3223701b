"""Images, audio and vectors are sent as their type and size, in messages and results."""

from __future__ import annotations

import json

import pytest

from infinium_otel import task_to_dict
from support.records import agent, chat, task_of, tool

DATA = "aGVsbG8gd29ybGQ" * 4
"""Short: by its length alone it could be a text."""
VECTOR = [0.123456 + number for number in range(200)]
PARTS = [
    pytest.param({"type": "image", "data": DATA, "mime_type": "image/png"}, id="image"),
    pytest.param({"type": "input_audio", "data": DATA, "format": "wav"}, id="audio"),
    pytest.param({"type": "file", "file_data": DATA}, id="file"),
    pytest.param({"inline_data": {"data": DATA, "mime_type": "a/b"}}, id="gemini"),
    pytest.param(
        {"type": "image_url", "url": f"data:image/png;base64,{DATA}"}, id="url"
    ),
    pytest.param({"embedding": VECTOR}, id="vector"),
]


def record(place, part):
    """A span with *part* in one of the places that instrumentations use."""
    message = [{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]
    result = json.dumps({"found": part, "n": 1})
    return {
        "message": lambda: chat(
            "c", attributes={"gen_ai.input.messages": json.dumps(message)}
        ),
        "result": lambda: tool(
            "t", attributes={"gen_ai.tool.call.result": json.dumps({"found": [part]})}
        ),
        "output": lambda: agent("a", attributes={"output.value": result}),
    }[place]()


@pytest.mark.parametrize("place", ["message", "result", "output"])
@pytest.mark.parametrize("part", PARTS)
def test_nothing_of_binary_content_is_sent(place, part):
    """Neither as recorded nor decoded."""
    sent = json.dumps(task_to_dict(task_of(record(place, part))))
    assert DATA[:16] not in sent
    assert "10.123456" not in sent
