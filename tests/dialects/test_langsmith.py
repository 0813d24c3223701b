"""LangSmith's spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, exception_event, read_span


def run(kind, **more):
    attributes = {"langsmith.span.kind": kind} | more.pop("attributes", {})
    return read_span(attributes, **more)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("llm", "llm"),
        ("tool", "tool"),
        ("retriever", "retrieval"),
        ("embedding", "embedding"),
        ("prompt", "step"),
        ("parser", "step"),
        ("chain", "workflow"),
    ],
)
def test_kinds(value, kind):
    """The run type decides."""
    assert run(value).kind == kind


def test_a_prompt_is_no_call():
    """A prompt's derived operation is chat, without a model call."""
    assert run("prompt", attributes={"gen_ai.operation.name": "chat"}).kind == "step"


def test_facts_only_in_langchains_message():
    """Tokens, model and finish reason are inside the dumped response."""
    message = {
        "content": "yo",
        "usage_metadata": {
            "input_tokens": 10,
            "output_tokens": 5,
            "input_token_details": {"cache_read": 3, "cache_creation": 2},
            "output_token_details": {"reasoning": 1},
        },
        "response_metadata": {
            "model_name": "gpt-4o-2024",
            "id": "r1",
            "finish_reason": "tool_calls",
        },
    }
    outputs = {"generations": [[{"message": {"lc": 1, "kwargs": message}}]]}
    found = run("llm", attributes={"gen_ai.completion": json.dumps(outputs)})
    assert_fields(
        found,
        model="gpt-4o-2024",
        response_id="r1",
        finish_reasons=("tool_call",),
        usage=Usage(10, 5, None, 3, 2, 1),
    )


def test_other_outputs_are_unchanged():
    """An output that is not a message of LangChain's is only content."""
    found = run("llm", attributes={"gen_ai.completion": '{"text": "yo"}'})
    assert_fields(found, model=None, output='{"text": "yo"}')


def test_metadata():
    """LangChain's own metadata comes before a guess from the model's name."""
    found = run(
        "llm",
        attributes={
            "gen_ai.system": "langchain",
            "langsmith.metadata.ls_provider": "openai",
            "langsmith.metadata.ls_model_name": "gpt-4o",
            "langsmith.metadata.ls_temperature": 0.5,
            "langsmith.metadata.ls_max_tokens": 100,
            "langsmith.metadata.thread_id": "t1",
            "langsmith.trace.session_id": "a project",
            "langsmith.span.tags": "a, b",
            "langsmith.request.streaming": True,
        },
    )
    assert_fields(
        found,
        provider="openai",
        model_requested="gpt-4o",
        temperature=0.5,
        max_tokens=100,
        conversation_id="t1",
        streaming=True,
    )
    assert found.tags == ("a", "b")


def test_a_tool():
    """A tool's inputs and outputs are its arguments and result."""
    found = run(
        "tool",
        name="f",
        attributes={"gen_ai.prompt": '{"a":1}', "gen_ai.completion": '{"output":"3"}'},
    )
    assert_fields(found, tool_name="f", arguments='{"a":1}', result='{"output":"3"}')


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (
            "ValueError('x')Traceback ...\n\nValueError: no city",
            "ValueError",
            "no city",
        ),
        ("it broke", "Exception", "it broke"),
    ],
    ids=["traceback", "plain"],
)
def test_the_error_inside_the_text(content, kind, message):
    """The recorded type is always Exception; the traceback's last line has the real."""
    found = run("tool", status="error", events=(exception_event("Exception", content),))
    assert (found.failure.type, found.failure.message) == (kind, message)


def test_the_providers_error():
    """LangChain records the provider's error as the metadata of an empty response."""
    refusal = {"body": {"error": {"code": "too_many"}}, "status_code": 429}
    kwargs = {"content": "", "response_metadata": refusal}
    outputs = {"generations": [[{"message": {"kwargs": kwargs}}]]}
    text = exception_event("Exception", "RateLimitError('slow down')")
    found = run(
        "llm",
        attributes={"gen_ai.completion": json.dumps(outputs)},
        status="error",
        events=(text,),
    )
    assert (found.failure.code, found.http_status) == ("too_many", 429)


def test_an_error_without_words():
    """A failed run without a recorded text is a failure all the same."""
    found = run("tool", status="error", events=(exception_event("X", ""),))
    assert found.failure is not None


def test_foreign_spans_are_not_its_own():
    """Metadata alone makes no run of LangSmith's."""
    found = read_span({"langsmith.metadata.thread_id": "t", "gen_ai.prompt": "{}"})
    assert "langsmith" not in found.dialects


def test_a_wrapped_clients_request():
    """A wrapped client's inputs are its request."""
    found = run("llm", attributes={"gen_ai.prompt": '{"top_p":0.9,"messages":[]}'})
    assert found.top_p == 0.9
