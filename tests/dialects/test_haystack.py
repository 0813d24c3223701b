"""Haystack's spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


@pytest.mark.parametrize(
    ("name", "component", "kind"),
    [
        ("haystack.pipeline.run", None, "workflow"),
        ("haystack.agent.run", None, "agent"),
        ("Agent.run", None, "agent"),
        ("haystack.agent.step", None, "step"),
        ("haystack.agent.step.llm", None, "llm"),
        ("haystack.agent.step.tool", None, "tool"),
        ("haystack.component.run", "OpenAIChatGenerator", "llm"),
        ("haystack.component.run", "OpenAITextEmbedder", "embedding"),
        ("haystack.component.run", "InMemoryBM25Retriever", "retrieval"),
        ("haystack.component.run", "CohereRanker", "rerank"),
        ("haystack.component.run", "PromptBuilder", "step"),
    ],
)
def test_haystacks_kinds(name, component, kind):
    """The name decides, else the end of the component's class."""
    attributes = {"haystack.component.type": component, "haystack.component.name": "x"}
    assert read_span(attributes, name=name).kind == kind


def test_a_haystack_pipelines_messages():
    """A pipeline's inputs and outputs are grouped by component."""
    messages = [{"role": "user", "content": "hi"}]
    attributes = {
        "haystack.pipeline.input_data": json.dumps({"llm": {"messages": messages}}),
        "haystack.pipeline.output_data": json.dumps({"llm": {"replies": ["yo"]}}),
    }
    found = read_span(attributes, name="haystack.pipeline.run")
    assert (found.input, found.output) == (messages, ["yo"])


def test_haystacks_message_reprs():
    """An input with tools is a repr, not JSON; the texts in it are read."""
    printed = (
        "{'messages': [ChatMessage(_role=<ChatRole.SYSTEM: 'system'>, _content="
        "[TextContent(text='Be \\'terse\\'.')], _name=None, _meta={}), "
        "ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text="
        '"What\'s up?")], _name=None, _meta={}), ChatMessage(_role=<ChatRole.TOOL: '
        "'tool'>, _content=[ToolCallResult(result='cut \\N', origin=None)])], "
        "'tools': [Tool(name='f')]}"
    )
    found = read_span(
        {"haystack.agent.step.llm.input": printed}, name="haystack.agent.step.llm"
    )
    assert [(m["role"], m["content"][0]["text"]) for m in found.input] == [
        ("system", "Be 'terse'."),
        ("user", "What's up?"),
        ("tool", "cut \\N"),
    ]
    orphan = "TextContent(text='x'), ChatMessage(_role=..."
    attributes = {"haystack.agent.step.llm.input": orphan}
    assert read_span(attributes, name="haystack.agent.step.llm").input == orphan


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(
            {
                "replies": [
                    {
                        "role": "assistant",
                        "content": [{"text": "yo"}],
                        "meta": {
                            "model": "gpt-4o",
                            "finish_reason": "stop",
                            "usage": {
                                "prompt_tokens": 10,
                                "completion_tokens": 5,
                                "prompt_tokens_details": {"cached_tokens": 4},
                                "completion_tokens_details": {"reasoning_tokens": 2},
                            },
                        },
                    }
                ]
            },
            id="chat",
        ),
        pytest.param(
            {
                "replies": ["yo"],
                "meta": [
                    {
                        "model": "gpt-4o",
                        "finish_reason": "stop",
                        "usage": {
                            "input_tokens": 10,
                            "output_tokens": 5,
                            "prompt_tokens_details": {"cached_tokens": 4},
                            "completion_tokens_details": {"reasoning_tokens": 2},
                        },
                    }
                ],
            },
            id="text",
        ),
    ],
)
def test_haystacks_call(output):
    """Model and counts are only in the metadata of the replies."""
    inputs = {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "generation_kwargs": {"temperature": 0.5},
    }
    found = read_span(
        {
            "haystack.component.type": "OpenAIChatGenerator",
            "haystack.component.input": json.dumps(inputs),
            "haystack.component.output": json.dumps(output),
        },
        name="haystack.component.run",
    )
    assert_fields(
        found,
        model="gpt-4o",
        usage=Usage(10, 5, None, 4, None, 2),
        finish_reasons=("stop",),
        temperature=0.5,
        input=inputs["messages"],
        output=output["replies"],
    )


def test_haystacks_embedder():
    """An embedder's notes are one object."""
    found = read_span(
        {
            "haystack.component.type": "OpenAITextEmbedder",
            "haystack.component.output": '{"meta":{"model":"e3",'
            '"usage":{"prompt_tokens":7}}}',
        }
    )
    assert_fields(found, model="e3", usage=Usage(7))


def test_haystacks_tool():
    """A failed tool has a flag and an error in its output."""
    found = read_span(
        {
            "haystack.tool.name": "f",
            "haystack.tool.error": True,
            "haystack.agent.step.tool.input": '{"a":1}',
            "haystack.agent.step.tool.output": '{"error":"no city"}',
        },
        name="haystack.agent.step.tool",
    )
    assert_fields(found, tool_name="f", arguments='{"a":1}')
    assert found.failure.message == "no city"


def test_ollamas_counts_in_the_metadata_of_a_reply():
    """They stand beside where the others have a usage."""
    meta = {"model": "llama3", "done": True, "prompt_eval_count": 26, "eval_count": 9}
    output = {"replies": [{"role": "assistant", "meta": meta, "content": []}]}
    found = read_span(
        {
            "haystack.component.type": "OllamaChatGenerator",
            "haystack.component.output": json.dumps(output),
        },
        name="haystack.component.run",
    )
    assert (found.usage.input, found.usage.output) == (26, 9)
