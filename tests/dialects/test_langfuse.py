"""Spans of Langfuse's client."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span
from support.spans import T0

KEY = "langfuse.observation."


def of(kind, **more):
    name = more.pop("name", "s")
    return read_span({KEY + "type": kind, **more}, name=name)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("generation", "llm"),
        ("embedding", "embedding"),
        ("tool", "tool"),
        ("retriever", "retrieval"),
        ("agent", "agent"),
        ("guardrail", "guardrail"),
        ("evaluator", "evaluator"),
        ("chain", "workflow"),
        ("span", "step"),
        ("event", "step"),
    ],
)
def test_kinds(value, kind):
    """Each observation type has a kind."""
    assert of(value).kind == kind


@pytest.mark.parametrize(
    ("details", "usage"),
    [
        ('{"input":10,"output":5,"total":15}', Usage(10, 5, 15)),
        ('{"prompt_tokens":10,"completion_tokens":5}', Usage(10, 5)),
        (
            '{"prompt_tokens":10,"completion_tokens":5,'
            '"prompt_tokens_details":{"cached_tokens":4},'
            '"completion_tokens_details":{"reasoning_tokens":2}}',
            Usage(10, 5, None, 4, None, 2),
        ),
        ('{"input":6,"input_cached_tokens":4}', Usage(10, None, None, 4)),
        ("no object", None),
    ],
    ids=["own", "openai", "nested", "exclusive", "broken"],
)
def test_usage(details, usage):
    """Any usage details: Langfuse's own names, OpenAI's, exclusive parts."""
    assert of("generation", **{KEY + "usage_details": details}).usage == usage


def test_a_span_with_usage_is_a_call():
    """Older clients wrote span for generations."""
    assert of("span", **{KEY + "usage_details": '{"input":1}'}).kind == "llm"


def test_content_by_kind():
    """A tool's input and output are its arguments and result."""
    attributes = {KEY + "input": '{"a":1}', KEY + "output": "3"}
    assert_fields(
        of("tool", name="f", **attributes),
        tool_name="f",
        arguments='{"a":1}',
        result="3",
    )
    assert_fields(of("tool", name="f"), arguments=None)
    assert_fields(
        of("agent", name="helper", **attributes), agent_name="helper", input='{"a":1}'
    )


def test_levels():
    """A level of error is a failure, with its message."""
    attributes = {KEY + "status_message": "no city"}
    failure = of("tool", **attributes, **{KEY + "level": "ERROR"}).failure
    assert failure.message == "no city"
    assert of("tool", **attributes, **{KEY + "level": "DEFAULT"}).failure is None


@pytest.mark.parametrize(
    ("value", "ms", "streaming"),
    [
        ("2026-09-21T14:13:20.250000Z", 250, True),
        ('"2026-09-21T14:13:20.250000Z"', 250, True),
        ("2026-09-21T14:13:20.250000", 250, True),
        ("2026-09-21T14:13:19Z", None, True),
        ("soon", None, None),
        (7, None, None),
    ],
    ids=["iso", "quoted", "naive", "before-the-start", "no-time", "no-text"],
)
def test_the_first_token(value, ms, streaming):
    """An instant, to milliseconds from the start."""
    assert T0 == 1_790_000_000_000_000_000
    found = of("generation", **{KEY + "completion_start_time": value})
    assert_fields(found, ttft_ms=ms, streaming=streaming)


def test_langchains_words():
    """The handler for LangChain copies the requested model and the agent's name."""
    metadata = "langfuse.observation.metadata."
    found = read_span(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o-2024",
            metadata + "ls_model_name": '"gpt-4o"',
            metadata + "ls_provider": '"openai"',
            metadata + "lc_agent_name": '"helper"',
        }
    )
    assert_fields(
        found,
        model="gpt-4o-2024",
        model_requested="gpt-4o",
        provider="openai",
        agent_name="helper",
    )
