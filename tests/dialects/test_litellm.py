"""LiteLLM's spans."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("completion", "llm"),
        ("acompletion", "llm"),
        ("aresponses", "llm"),
        ("anthropic_messages", "llm"),
        ("aembedding", "embedding"),
        ("arerank", "rerank"),
    ],
)
def test_litellms_operations(function, kind):
    """The function's name is in place of an operation."""
    attributes = {"gen_ai.operation.name": function, "litellm.call_id": "c"}
    assert read_span(attributes).kind == kind


def test_litellms_frames():
    """The proxy's requests are transport, its services too."""
    root = read_span({}, name="Received Proxy Server Request", scope="litellm")
    service = read_span({"service": "redis", "call_type": "get"}, scope="litellm")
    raw = read_span({}, name="raw_gen_ai_request", scope="litellm")
    assert (root.kind, service.kind, raw.dropped) == ("http", "db", True)


def test_litellms_second_generation():
    """Cost, cache, purpose and the provider's error have keys of their own."""
    found = read_span(
        {
            "gen_ai.operation.name": "chat",
            "litellm.cost.total": 0.25,
            "litellm.cache_hit": True,
            "litellm.request.purpose": "title",
            "litellm.end_user.id": "u1",
            "litellm.provider.error.code": "overloaded",
        },
        status="error",
    )
    assert_fields(found, cost_usd=0.25, replayed=True, purpose="title", user_id="u1")
    assert found.failure.code == "overloaded"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            "{'prompt_tokens': 10, 'completion_tokens': 5, "
            "'prompt_tokens_details': {'cached_tokens': 4}}",
            Usage(10, 5, None, 4),
        ),
        (
            "{'input_tokens': 10, 'output_tokens': 5, 'cache_read_input_tokens': 4}",
            Usage(14, 5, None, 4),
        ),
    ],
    ids=["openai", "anthropic"],
)
def test_litellms_raw_request(usage, counts):
    """The provider's own response, with its own names."""
    attributes = {
        "llm.p.usage": usage,
        "llm.p.id": "r1",
        "llm.p.model": "m",
        "llm.p.content": "[{'type': 'text', 'text': 'yo'}]",
        "llm.other": "x",
        "other": "x",
    }
    found = read_span(attributes, name="raw_gen_ai_request", scope="litellm")
    assert_fields(
        found, kind="llm", usage=counts, response_id="r1", model="m", dropped=False
    )
    embedding = {"llm.p.usage": "{'prompt_tokens': 7}"}
    found = read_span(embedding, name="raw_gen_ai_request", scope="litellm")
    assert_fields(found, kind="embedding", usage=Usage(7))


def test_litellms_tools():
    """Tool calls are beside the messages."""
    found = read_span(
        {
            "gen_ai.operation.name": "chat",
            "litellm.cache_hit": False,
            "gen_ai.output.messages": '[{"role":"assistant","parts":[]}]',
            "gen_ai.completion.0.function_call.name": "f",
            "gen_ai.completion.0.function_call.arguments": "{}",
        }
    )
    function = {"name": "f", "arguments": "{}"}
    call = {"role": "assistant", "tool_calls": [{"function": function}]}
    assert found.output == [call]
