"""LangWatch's spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


def envelope(kind, value):
    return json.dumps({"type": kind, "value": value})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("llm", "llm"),
        ("tool", "tool"),
        ("agent", "agent"),
        ("rag", "retrieval"),
        ("evaluation", "evaluator"),
        ("chain", "workflow"),
        ("span", "step"),
        ("component", "step"),
    ],
)
def test_langwatchs_kinds(value, kind):
    """Its words for kinds."""
    assert read_span({"langwatch.span.type": value}).kind == kind


def test_langwatchs_call():
    """Parameters and counts are JSON, content is in envelopes; zero is a value."""
    found = read_span(
        {
            "langwatch.span.type": "llm",
            "langwatch.params": '{"temperature": 0, "max_tokens": 9, "stream": false}',
            "langwatch.metrics": '{"prompt_tokens": 5, "completion_tokens": 3, '
            '"reasoning_tokens": 0}',
            "langwatch.timestamps": '{"first_token_at": 1}',
            "langwatch.input": envelope("chat_messages", [{"role": "user"}]),
            "langwatch.output": envelope("text", "Yo."),
            "gen_ai.request.model": "openai/gpt-4o-mini",
        }
    )
    assert_fields(
        found,
        temperature=0,
        max_tokens=9,
        streaming=False,
        usage=Usage(input=5, output=3, reasoning=0),
        input=[{"role": "user"}],
        output="Yo.",
        provider="openai",
    )


def test_langwatchs_stream():
    """A stream is known by the time of its first token."""
    times = {"langwatch.timestamps": '{"first_token_at": 1}'}
    assert read_span({"langwatch.span.type": "llm", **times}).streaming is True


@pytest.mark.parametrize(
    ("output", "result"),
    [
        (envelope("text", "18C"), "18C"),
        (envelope("chat_messages", [{"role": "unknown", "content": "18C"}]), "18C"),
        (envelope("json", [1, 2]), [1, 2]),
        (envelope("json", [3]), [3]),
        (envelope("json", None), None),
        ("no envelope", None),
    ],
)
def test_langwatchs_tool(output, result):
    """A tool has its span's name, its arguments may be a repr, its result a message."""
    found = read_span(
        {
            "langwatch.span.type": "tool",
            "langwatch.input": envelope("text", "{'city': 'Paris'}"),
            "langwatch.output": output,
        },
        name="get_weather",
    )
    assert_fields(found, tool_name="get_weather", arguments={"city": "Paris"})
    assert found.result == result


def test_langwatchs_agent_and_documents():
    """An agent has its span's name; documents are the contexts."""
    agent = read_span({"langwatch.span.type": "agent"}, name="geo")
    assert (agent.agent_name, agent.weak) == ("geo", ("agent_name",))
    rag = read_span(
        {"langwatch.span.type": "rag", "langwatch.rag_contexts": '[{"content": "x"}]'}
    )
    assert rag.extra["gen_ai.retrieval.documents"] == [{"content": "x"}]


@pytest.mark.parametrize(
    "metrics",
    [
        {"prompt_tokens": 7, "completion_tokens": 2},
        {"type": "json", "value": {"promptTokens": 7, "completionTokens": 2}},
    ],
)
def test_langwatchs_metrics(metrics):
    """Python's client writes the object itself, JavaScript's an envelope around it."""
    attributes = {
        "langwatch.span.type": "llm",
        "langwatch.metrics": json.dumps(metrics),
    }
    found = read_span(attributes).usage
    assert (found.input, found.output) == (7, 2)
