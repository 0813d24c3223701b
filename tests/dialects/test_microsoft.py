"""Semantic Kernel, Azure's agents, Agent Framework and Prompt flow."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, make_span, read_span, task_of

FUNCTION = "semantic_kernel.functions.kernel_function"


def test_semantic_kernels_functions():
    """A function that a model requested is a tool, without its plugin; any other is a step."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "p-f"}
    requested = attributes | {"gen_ai.tool.call.id": "c1"}
    tool = read_span(requested, scope=FUNCTION, name="execute_tool p-f")
    assert_fields(tool, kind="tool", tool_name="f")
    plain = read_span(attributes, scope=FUNCTION, name="execute_tool p-f")
    assert_fields(plain, kind="step", label="p-f")
    loop = read_span({"sk.available_functions": "f"}, name="AutoFunctionInvocationLoop")
    assert loop.kind == "step"


def test_semantic_kernels_errors():
    """A class's repr is its name."""
    scope = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
    attributes = {"error.type": "<class 'openai.RateLimitError'>"}
    found = read_span(attributes, scope=scope, status="error")
    assert found.failure.type == "openai.RateLimitError"
    assert read_span({"error.type": "X"}, scope=scope).failure.type == "X"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("responses", "llm"),
        ("create_agent", "lifecycle"),
        ("create_conversation", "lifecycle"),
        ("list_conversation_items", "http"),
        ("process_thread_run", "agent"),
    ],
)
def test_azures_operations(operation, kind):
    """Housekeeping requests are not model calls."""
    attributes = {
        "gen_ai.operation.name": operation,
        "az.namespace": "Microsoft.Foundry",
    }
    assert read_span(attributes).kind == kind


@pytest.mark.parametrize(
    ("status", "failed"), [("RunStatus.FAILED", True), ("completed", False)]
)
def test_azures_runs(status, failed):
    """A run that the service gave up is a failure."""
    attributes = {"az.namespace": "x", "gen_ai.thread.run.status": status}
    assert (read_span(attributes).failure is not None) is failed


def promptflow(span_type, **attributes):
    return read_span(
        {"framework": "promptflow", "span_type": span_type, **attributes},
        name="loop.<locals>.get_weather",
        scope="promptflow",
    )


def _message(role, content):
    body = json.dumps({"role": role, "content": content})
    return event(f"gen_ai.{role}.message", {"gen_ai.event.content": body})


@pytest.mark.parametrize("newest_first", [True, False])
def test_azures_messages(newest_first):
    """The thread's messages are the run's question and answer, in either order."""
    listed = [_message("user", "Weather?"), _message("assistant", "Sunny.")]
    if newest_first:
        listed.reverse()
    operations = {
        "create_message": (_message("user", "Weather?"),),
        "process_thread_run": (),
        "list_messages": tuple(listed),
        "get_thread_run": (),
    }
    task = task_of(
        make_span("root", end=9),
        *(
            make_span(
                name,
                "root",
                {
                    "gen_ai.operation.name": name,
                    "gen_ai.system": "az.ai.agents",
                    "az.x": 1,
                },
                start=n,
                events=events,
            )
            for n, (name, events) in enumerate(operations.items())
        ),
    )
    assert (task.input_summary, task.output_summary) == ("Weather?", "Sunny.")


def test_promptflows_call():
    """The request has the parameters, an attribute the message, the output the rest."""
    request = {"model": "gpt-4o-mini", "temperature": 0.2, "messages": []}
    response = {"id": "c1", "choices": [{"finish_reason": "stop"}]}
    found = promptflow(
        "LLM",
        inputs=json.dumps(request),
        output=json.dumps(response),
        **{
            "llm.response.model": "gpt-4o-mini-2024",
            "llm.generated_message": '{"role": "assistant", "content": "Hi"}',
            "llm.usage.prompt_tokens": 9,
            "llm.usage.completion_tokens": 2,
            "llm.usage.completion_tokens_details": {"reasoning_tokens": 1},
        },
    )
    assert_fields(
        found,
        kind="llm",
        model="gpt-4o-mini-2024",
        model_requested="gpt-4o-mini",
        temperature=0.2,
        response_id="c1",
        finish_reasons=("stop",),
        output=[{"role": "assistant", "content": "Hi"}],
        usage=Usage(input=9, output=2, reasoning=1),
    )


def test_promptflows_other_spans():
    """A function is a step with its own name; a tool's content is its arguments."""
    function = promptflow("Function", inputs="{}")
    assert_fields(function, kind="step", label="get_weather")
    tool = promptflow("Tool", inputs='{"city": "Paris"}', output='"18C"')
    assert_fields(tool, tool_name="get_weather", arguments='{"city": "Paris"}')
    embedding = promptflow("Embedding", inputs='{"model": "e", "input": ["a"]}')
    assert_fields(embedding, kind="embedding", input=["a"], model_requested="e")
    assert promptflow("Embedding").kind == "embedding"
    assert promptflow("LLM").output is None


def test_a_span_type_of_others():
    """Without its framework's mark the keys are not Prompt flow's."""
    assert read_span({"span_type": "LLM"}).dialects == ()


@pytest.mark.parametrize(
    "scope",
    ["Experimental.Microsoft.Agents.AI", "Microsoft.Agents.AI.Workflows"],
)
def test_agent_framework_in_dotnet(scope):
    """The .NET scopes are read like Python's."""
    found = read_span({"message.type": "x"}, name="message.send", scope=scope)
    assert_fields(found, kind="lifecycle", dialects=("agent_framework",))
    run = read_span({"workflow.name": "w"}, name="workflow_invoke", scope=scope)
    assert_fields(run, kind="workflow", task_name="w")
