"""Whole traces of the conventions and clients, from dialect to task."""

from __future__ import annotations

import json

from support.records import (
    agent,
    calls_of,
    chat,
    event,
    exception_event,
    log_event,
    make_span,
    task_of,
    tokens_of,
    tool,
    tools_of,
)

USER_MESSAGE = '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'

WANTS_TOOL = [
    {
        "role": "assistant",
        "parts": [
            {"type": "tool_call", "id": "c1", "name": "x", "arguments": {"a": 1}}
        ],
    }
]


def test_f1_the_first_generation():
    """Semconv 1.26: no operation, prompt_tokens, content as events."""
    task = task_of(
        make_span(
            "a",
            name="chat gpt-4",
            attributes={
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4",
                "gen_ai.usage.prompt_tokens": 10,
                "gen_ai.usage.completion_tokens": 5,
            },
            events=(
                event(
                    "gen_ai.content.prompt",
                    {"gen_ai.prompt": '[{"role":"user","content":"hi"}]'},
                ),
            ),
        )
    )
    (call,) = calls_of(task)
    assert (call.model, call.provider) == ("gpt-4", "openai")
    assert tokens_of(task) == (10, 5)
    assert task.steps[0].input_preview == "hi"


def test_f2_messages_as_span_events():
    """Semconv 1.36 written as span events, Azure's older name."""
    task = task_of(
        make_span(
            "a",
            name="chat gpt-4",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.system": "az.ai.openai",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
            },
            events=(
                event("gen_ai.user.message", {"content": "hi"}),
                event(
                    "gen_ai.choice",
                    {
                        "message": '{"role":"assistant","content":"yo"}',
                        "finish_reason": "stop",
                    },
                ),
            ),
        )
    )
    step = task.steps[0]
    assert step.llm_call.provider == "azure"
    assert (step.input_preview, step.output_preview) == ("hi", "yo")


def _f3(messages, output, events=()):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 80,
    }
    if messages is not None:
        attributes |= {
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": output,
        }
    return task_of(make_span("a", name="chat", attributes=attributes, events=events))


def _is_f3(task):
    step = task.steps[0]
    assert tokens_of(task) == (100, 7)
    assert step.metadata["gen_ai.usage.cache_read.input_tokens"] == 80
    assert (step.input_preview, step.output_preview) == ("hi", 'x({"a":1})')


def test_f3_messages_as_json():
    """Semconv 1.37: messages with parts as JSON; input holds the cached tokens."""
    _is_f3(_f3(USER_MESSAGE, json.dumps(WANTS_TOOL)))


def test_f4_messages_as_structures():
    """The same as attribute values of SDK 1.45: tuples of mappings."""
    _is_f3(_f3(tuple(json.loads(USER_MESSAGE)), tuple(WANTS_TOOL)))


def test_f5_messages_in_the_details_event():
    """The same in the event of the inference's details."""
    details = event(
        "gen_ai.client.inference.operation.details",
        {
            "gen_ai.input.messages": USER_MESSAGE,
            "gen_ai.output.messages": json.dumps(WANTS_TOOL),
        },
    )
    _is_f3(_f3(None, None, (details,)))


def test_f6_cached_tokens_beside_the_input():
    """OpenLIT counts Anthropic's cached tokens apart: the prompt is both."""
    task = task_of(
        make_span(
            "a",
            scope="openlit.otel.tracing",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": "claude-sonnet-4",
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 3,
                "gen_ai.usage.cache_read.input_tokens": 80,
            },
        )
    )
    assert tokens_of(task) == (100, 3)


def test_f7_openinference_call():
    """Flattened messages whose first index is missing; parameters as JSON."""
    task = task_of(
        make_span(
            "a",
            name="ChatCompletion",
            scope="openinference.instrumentation.openai",
            attributes={
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o",
                "llm.invocation_parameters": '{"temperature":0.2}',
                "llm.input_messages.1.message.role": "user",
                "llm.input_messages.1.message.content": "hi",
                "llm.token_count.prompt": 10,
                "llm.token_count.completion": 5,
                "llm.token_count.total": 15,
                "llm.token_count.prompt_details.cache_read": 4,
            },
        )
    )
    (call,) = calls_of(task)
    assert call.temperature == 0.2
    assert tokens_of(task) == (10, 5)
    assert task.steps[0].input_preview == "hi"


def test_f8_openinference_tool():
    """A tool's content is its input and output value, its failure an event."""
    task = task_of(
        make_span(
            "a",
            name="f",
            attributes={
                "openinference.span.kind": "TOOL",
                "tool.name": "f",
                "tool.id": "c1",
                "input.value": '{"a":1}',
                "output.value": "3",
            },
            status="error",
            events=(exception_event(),),
        )
    )
    (used,) = tools_of(task)
    assert (used.tool_name, used.input_summary, used.output_summary) == (
        "f",
        '{"a":1}',
        "3",
    )
    assert used.error.error_type == "ValueError"
    assert task.steps[0].metadata["gen_ai.tool.call.id"] == "c1"


def test_f9_older_traceloop():
    """The framework in the provider's place; the provider in a property."""
    task = task_of(
        make_span(
            "a",
            name="ChatOpenAI.chat",
            attributes={
                "llm.request.type": "chat",
                "gen_ai.system": "Langchain",
                "gen_ai.request.model": "gpt-4o",
                "traceloop.association.properties.ls_provider": "openai",
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "hi",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "yo",
                "gen_ai.usage.prompt_tokens": 10,
                "gen_ai.usage.completion_tokens": 5,
                "llm.usage.total_tokens": 15,
            },
        )
    )
    step = task.steps[0]
    assert step.llm_call.provider == "openai"
    assert (step.input_preview, step.output_preview) == ("hi", "yo")
    assert tokens_of(task) == (10, 5)


def test_f10_two_instrumentations_of_one_call():
    """A framework's span around the client's with one response id is one call."""
    task = task_of(
        make_span("root", end=5),
        chat(
            "outer",
            "root",
            name="ChatOpenAI.chat",
            attributes={"llm.request.type": "chat", "gen_ai.response.id": "r1"},
        ),
        make_span(
            "inner",
            "outer",
            name="ChatCompletion",
            attributes={
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o",
                "llm.token_count.prompt": 10,
                "llm.token_count.completion": 5,
                "output.value": '{"id":"r1","choices":[{"message":'
                '{"role":"assistant","content":"yo"}}]}',
                "output.mime_type": "application/json",
            },
        ),
    )
    assert len(calls_of(task)) == 1
    assert tokens_of(task) == (10, 5)


def test_f29_one_failure_on_every_ancestor():
    """An exception that propagates from a tool is one error, recovered if the run went on."""
    failed = {"status": "error", "events": (exception_event(),)}
    task = task_of(
        make_span("root", end=9, status="ok"),
        agent("agent", "root", end=4, **failed),
        tool("t1", "agent", end=2, **failed),
        agent("again", "root", start=5, end=9),
        tool("t2", "again", start=5),
    )
    (error,) = task.errors
    assert (error.error_type, error.recoverable) == ("ValueError", True)
    assert [s.error is not None for s in task.steps if s.tool_call] == [True, False]


def test_f30_a_stream_that_outlives_its_root():
    """A child that ends after the root belongs to the run."""
    task = task_of(
        make_span("root", end=2),
        chat("c", "root", start=1, end=4),
    )
    assert tokens_of(task) == (10, 5)


def test_f30_an_orphan_of_another_process():
    """A span whose parent is remote is a root here."""
    task = task_of(agent("a", "elsewhere", parent_is_remote=True), chat("c", "a"))
    assert tokens_of(task) == (10, 5)


def test_f30_evicted_attributes():
    """With the kind evicted, the remaining attributes still show a model call."""
    attributes = {
        f"llm.output_messages.{n}.message.content": f"line {n}" for n in range(100)
    }
    task = task_of(
        make_span("root", end=3),
        make_span(
            "c",
            "root",
            {
                **attributes,
                "llm.token_count.prompt": 10,
                "llm.token_count.completion": 5,
            },
            name="ChatCompletion",
            scope="openinference.instrumentation.openai",
            dropped_attributes=30,
        ),
        chat("other", "root", start=2),
    )
    assert tokens_of(task) == (20, 10)
    assert task.steps[0].metadata["attributes_dropped"] == 30


def test_content_in_log_records():
    """Semantic Kernel writes messages as JSON in log bodies, joined by their ids."""
    scope = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
    task = task_of(
        chat(
            "c",
            scope=scope,
            name="chat gpt-4o",
            attributes={"gen_ai.response.finish_reason": "FinishReason.STOP"},
        ),
        log_event(
            "",
            "c",
            {"event.name": "gen_ai.user.message"},
            '{"role": "user", "content": "hi"}',
        ),
        log_event(
            "",
            "c",
            {"event.name": "gen_ai.choice"},
            '{"message": {"role": "assistant", "content": "yo"}, "index": 0}',
        ),
    )
    step = task.steps[0]
    assert (step.input_preview, step.output_preview) == ("hi", "yo")
    assert step.metadata["gen_ai.response.finish_reasons"] == ["stop"]
