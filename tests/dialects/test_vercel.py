"""Spans of Vercel's AI SDK up to version 6."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span


def of(operation, **attributes):
    return read_span({"ai.operationId": operation, **attributes}, scope="ai")


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("ai.generateText", "agent"),
        ("ai.streamText", "agent"),
        ("ai.generateObject", "agent"),
        ("ai.streamObject", "agent"),
        ("ai.generateText.doGenerate", "llm"),
        ("ai.streamText.doStream", "llm"),
        ("ai.toolCall", "tool"),
        ("ai.embed", "step"),
        ("ai.embedMany", "step"),
        ("ai.embed.doEmbed", "embedding"),
        ("ai.rerank", "step"),
        ("ai.rerank.doRerank", "rerank"),
        ("ai.somethingNew", ""),
    ],
)
def test_kinds(operation, kind):
    """Inner calls are billed, outer ones hold them."""
    assert of(operation).kind == kind


def test_the_operation_before_its_id():
    """Older spans name the operation together with the function."""
    found = read_span(
        {"operation.name": "ai.toolCall weather", "ai.toolCall.name": "f"}
    )
    assert_fields(found, kind="tool", tool_name="f")


def test_foreign_keys_make_no_operation():
    """Version 7's spans carry a few `ai.*` keys beside the conventions'."""
    found = read_span(
        {"gen_ai.operation.name": "chat", "ai.settings.context.user": "u"}
    )
    assert_fields(found, kind="llm", operation="chat")


@pytest.mark.parametrize(
    ("attributes", "usage"),
    [
        pytest.param(
            {"ai.usage.promptTokens": 10, "ai.usage.completionTokens": 5},
            Usage(10, 5),
            id="version-4",
        ),
        pytest.param(
            {
                "ai.usage.inputTokens": 10,
                "ai.usage.outputTokens": 5,
                "ai.usage.totalTokens": 15,
                "ai.usage.reasoningTokens": 2,
                "ai.usage.cachedInputTokens": 4,
            },
            Usage(10, 5, 15, 4, None, 2),
            id="version-5",
        ),
        pytest.param(
            {
                "ai.model.provider": "anthropic.messages",
                "ai.usage.inputTokens": 10,
                "ai.usage.outputTokens": 5,
                "ai.usage.cachedInputTokens": 4,
                "ai.response.providerMetadata": (
                    '{"anthropic":{"cacheCreationInputTokens":3}}'
                ),
            },
            Usage(17, 5, None, 4, 3),
            id="version-5-anthropic-counts-apart",
        ),
        pytest.param(
            {
                "ai.model.provider": "anthropic.messages",
                "ai.usage.inputTokens": 10,
                "ai.usage.outputTokens": 5,
                "ai.usage.inputTokenDetails.cacheReadTokens": 4,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 1,
                "ai.usage.outputTokenDetails.reasoningTokens": 2,
            },
            Usage(10, 5, None, 4, 1, 2),
            id="version-6-counts-all",
        ),
    ],
)
def test_usage(attributes, usage):
    """Each version's counts, with the cached tokens inside."""
    assert of("ai.generateText.doGenerate", **attributes).usage == usage


@pytest.mark.parametrize(
    ("attributes", "output"),
    [
        ({"ai.response.text": "yo"}, [{"role": "assistant", "content": "yo"}]),
        ({"ai.result.text": "yo"}, [{"role": "assistant", "content": "yo"}]),
        ({"ai.response.object": "{}"}, [{"role": "assistant", "content": "{}"}]),
        (
            {"ai.response.toolCalls": '[{"toolName":"f"}]'},
            [{"role": "assistant", "content": "", "tool_calls": [{"toolName": "f"}]}],
        ),
        ({}, None),
    ],
    ids=["text", "version-3", "object", "tools", "none"],
)
def test_answers(attributes, output):
    """The answer is put together from its parts."""
    assert of("ai.generateText.doGenerate", **attributes).output == output


@pytest.mark.parametrize(
    ("prompt", "input_", "system"),
    [
        ('{"system":"Be kind.","prompt":"hi"}', "hi", "Be kind."),
        ('{"messages":[{"role":"user"}]}', [{"role": "user"}], None),
        ('{"tools":[]}', '{"tools":[]}', None),
        ('{"role":"user","content":"hi"}', '{"role":"user","content":"hi"}', None),
    ],
    ids=["prompt", "messages", "neither", "one-message"],
)
def test_prompts(prompt, input_, system):
    """The outer call records its own object."""
    assert_fields(
        of("ai.generateText", **{"ai.prompt": prompt}), input=input_, system=system
    )


def test_what_was_embedded():
    """Each of several values is a JSON text of its own."""
    assert of("ai.embed.doEmbed", **{"ai.value": '"a"'}).input == '"a"'
    found = of("ai.embedMany.doEmbed", **{"ai.values": ('"a"', '"b"')})
    assert found.input == ["a", "b"]
    assert of("ai.embedMany.doEmbed", **{"ai.values": '["a"]'}).input == '["a"]'


def test_streams():
    """The first chunk's time is in an event."""
    first = event("ai.stream.firstChunk", {"ai.response.msToFirstChunk": 120})
    found = read_span(
        {"ai.operationId": "ai.streamText.doStream"},
        events=(event("ai.stream.finish"), first),
    )
    assert_fields(found, streaming=True, ttft_ms=120)


def test_functions_name_the_agent_and_the_purpose():
    """A function's id is the agent of a run and the purpose of a call."""
    named = {"ai.telemetry.functionId": "weather"}
    assert_fields(of("ai.generateText", **named), agent_name="weather", purpose=None)
    assert_fields(of("ai.generateText.doGenerate", **named), purpose="weather")


@pytest.mark.parametrize("name", ["tool_results", "toolResults"])
def test_results_of_the_providers_tools(name):
    """What the provider ran within the call stands beside the model's answer."""
    ran = [{"toolName": "f", "toolCallId": "i", "output": "3"}, None]
    attributes = {
        "ai.response.text": "Three.",
        "ai.response.toolCalls": '[{"toolName": "f", "toolCallId": "i", "input": {}}]',
        f"ai.response.{name}": json.dumps(ran),
    }
    _, results = read_span(attributes).output
    assert results == {"role": "tool", "content": [{"type": "tool-result", **ran[0]}]}
