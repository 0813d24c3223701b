"""The role of a message, in any words."""

from __future__ import annotations

import pytest

from infinium_otel.dialects.messages import (
    Message,
    ToolResponsePart,
    decode_messages,
)

HI = Message("user", "hi")
YO = Message("assistant", "yo")


def tool_response(result="3", **more):
    return Message("tool", responses=(ToolResponsePart(result, **more),))


RESPONDS = tool_response("18C", id="c1")


@pytest.mark.parametrize("role", ["user", "assistant", "unknown", None])
def test_a_message_with_a_tool_call_id_is_a_response(role):
    """Whatever its role: Anthropic's results come from the user, LangWatch's from none."""
    message = {"role": role, "content": "18C", "tool_call_id": "c1"}
    assert decode_messages([message]) == (RESPONDS,)


def test_the_role_of_a_message_without_one():
    """Only a model's message has tool calls or usage."""
    listed = [
        {"content": "hi", "id": "1"},
        {"content": "yo", "usage_metadata": {"input_tokens": 1}},
    ]
    assert decode_messages(listed) == (HI, YO)
