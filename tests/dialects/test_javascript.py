"""Genkit and Mastra."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


def test_genkits_model():
    """Counts and settings are in the recorded output and input."""
    found = read_span(
        {
            "genkit:type": "action",
            "genkit:metadata:subtype": "model",
            "genkit:name": "googleai/gemini-2",
            "genkit:input": '{"messages":[],"config":{"temperature":0.5}}',
            "genkit:output": '{"message":{},"usage":{"inputTokens":10,'
            '"outputTokens":5}}',
        }
    )
    assert_fields(
        found,
        kind="llm",
        model_requested="googleai/gemini-2",
        provider="google",
        temperature=0.5,
        usage=Usage(10, 5),
    )


def test_genkits_answer():
    """The provider's own response is inside the model's."""
    usage = {"prompt_tokens_details": {"cached_tokens": 4}}
    raw = {"id": "r1", "model": "gpt-4o-2024", "usage": usage}
    answer = {
        "finishReason": "length",
        "usage": {"inputTokens": 10, "outputTokens": 5, "thoughtsTokens": 2},
        "raw": raw,
    }
    found = read_span(
        {
            "genkit:metadata:subtype": "model",
            "genkit:name": "openai/gpt-4o",
            "genkit:output": json.dumps(answer),
        }
    )
    assert_fields(
        found,
        model="gpt-4o-2024",
        model_requested="openai/gpt-4o",
        response_id="r1",
        finish_reasons=("length",),
        usage=Usage(10, 5, None, 4, None, 2),
    )


def test_genkits_frames():
    """Embedders name their model, agents themselves; helpers are frames."""
    embedder = {"genkit:metadata:subtype": "embedder", "genkit:name": "m"}
    assert_fields(read_span(embedder), kind="embedding", model_requested="m")
    agent = {"genkit:metadata:subtype": "agent", "genkit:name": "helper"}
    assert_fields(read_span(agent), kind="agent", agent_name="helper")
    assert read_span({"genkit:type": "util", "genkit:name": "generate"}).kind == "step"


def test_genkits_tool_and_flow():
    """A tool's content is its arguments and result; a flow is a workflow."""
    attributes = {"genkit:metadata:subtype": "tool", "genkit:input": '{"a":1}'}
    assert_fields(
        read_span(attributes, name="f"), kind="tool", tool_name="f", arguments='{"a":1}'
    )
    assert read_span({"genkit:metadata:subtype": "flow"}).kind == "workflow"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("agent_run", "agent"),
        ("model_inference", "llm"),
        ("model_step", "llm"),
        ("model_generation", "step"),
        ("model_chunk", "lifecycle"),
        ("tool_call", "tool"),
        ("workflow_run", "workflow"),
        ("rag_embedding", "embedding"),
    ],
)
def test_mastras_kinds(value, kind):
    """Each span type has a kind, and content under its name."""
    found = read_span({"mastra.span.type": value, f"mastra.{value}.input": '{"a":1}'})
    assert found.kind == kind
    text = found.arguments if kind == "tool" else found.input
    assert text == '{"a":1}'


def test_mastras_generation_was_the_call():
    """The generation is the call in versions without inference spans."""
    attributes = {
        "mastra.span.type": "model_generation",
        "gen_ai.operation.name": "chat",
    }
    assert read_span(attributes).kind == "llm"
