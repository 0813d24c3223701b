"""Whole traces of agent frameworks, from dialect to task."""

from __future__ import annotations

import json

from support.records import (
    agent,
    calls_of,
    chat,
    event,
    make_span,
    task_of,
    tokens_of,
    tool,
    tools_of,
)

USER_MESSAGE = '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'


def test_f13_pydantic_ai_version_2():
    """The agent's own keys: model_name, all_messages, final_result, tool_arguments."""
    task = task_of(
        make_span(
            "run",
            name="agent run",
            scope="pydantic-ai",
            end=9,
            attributes={
                "model_name": "gpt-4o",
                "agent_name": "helper",
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 10,
                "pydantic_ai.all_messages": USER_MESSAGE,
                "final_result": "yo",
            },
        ),
        chat("c", "run", (20, 10), scope="pydantic-ai"),
        make_span(
            "t",
            "run",
            name="running tool",
            scope="pydantic-ai",
            start=2,
            attributes={
                "gen_ai.tool.name": "f",
                "tool_arguments": '{"a":1}',
                "tool_response": "3",
            },
        ),
    )
    assert tokens_of(task) == (20, 10)
    assert len(calls_of(task)) == 1
    (used,) = tools_of(task)
    assert (used.input_summary, used.output_summary) == ('{"a":1}', "3")
    assert (task.input_summary, task.output_summary) == ("hi", "yo")


def test_f14_pydantic_ai_version_5():
    """Aggregates have names of their own; tool responses have `result`, reasoning `thinking`."""
    history = json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
            {
                "role": "assistant",
                "parts": [
                    {"type": "thinking", "content": "hm"},
                    {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}"},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "type": "tool_call_response",
                        "id": "c1",
                        "name": "f",
                        "result": "3",
                    }
                ],
            },
        ]
    )
    task = task_of(
        agent(
            "run",
            scope="pydantic-ai",
            attributes={
                "gen_ai.aggregated_usage.input_tokens": 99,
                "gen_ai.aggregated_usage.output_tokens": 99,
            },
        ),
        chat(
            "c",
            "run",
            scope="pydantic-ai",
            attributes={"gen_ai.input.messages": history},
        ),
        tool("t", "run", attributes={"gen_ai.tool.call.id": "c1"}),
    )
    assert tokens_of(task) == (10, 5)
    assert next(s for s in task.steps if s.llm_call).input_preview == "3"


def test_f16_google_adk_schema_1():
    """A call and the client's retelling of it; placeholders of parallel tools."""
    blob = json.dumps(
        {"model": "gemini-2", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    )
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    task = task_of(
        make_span("root", name="invocation", scope="gcp.vertex.agent", end=9),
        make_span(
            "run",
            "root",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"},
            name="invoke_agent helper",
            scope="gcp.vertex.agent",
            end=9,
        ),
        make_span(
            "call",
            "run",
            {
                "gen_ai.system": "gcp.vertex.agent",
                "gen_ai.request.model": "gemini-2",
                "gcp.vertex.agent.llm_request": blob,
                **usage,
            },
            name="call_llm",
            scope="gcp.vertex.agent",
            end=4,
        ),
        make_span(
            "client",
            "call",
            {
                "gen_ai.operation.name": "generate_content",
                "gen_ai.system": "gemini",
                "gen_ai.request.model": "gemini-2",
                **usage,
            },
            name="generate_content gemini-2",
            scope="opentelemetry.instrumentation.google_genai",
        ),
        tool(
            "f",
            "call",
            scope="gcp.vertex.agent",
            name="execute_tool f",
            start=2,
            attributes={"gcp.vertex.agent.tool_call_args": '{"a":1}'},
        ),
        tool(
            "m",
            "call",
            "(merged tools)",
            scope="gcp.vertex.agent",
            name="execute_tool (merged tools)",
            start=3,
            attributes={"gcp.vertex.agent.tool_call_args": "N/A"},
        ),
    )
    assert [t.tool_name for t in tools_of(task)] == ["f"]
    (call,) = calls_of(task)
    assert (call.provider, tokens_of(task)) == ("google", (10, 5))
    assert task.input_summary == "hi"


def test_f17_google_adk_schema_2():
    """Schema version 2 has the conventions' spans alone."""
    task = task_of(
        agent("run", scope="gcp.vertex.agent", name="helper"),
        make_span(
            "call",
            "run",
            {
                "gen_ai.operation.name": "generate_content",
                "gen_ai.provider.name": "gcp.gemini",
                "gen_ai.request.model": "gemini-2",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
            },
            name="generate_content gemini-2",
            scope="gcp.vertex.agent",
        ),
        tool("f", "run", scope="gcp.vertex.agent", name="execute_tool f", start=2),
    )
    assert (tokens_of(task), len(tools_of(task))) == ((10, 5), 1)


def test_f18_strands():
    """The agent's counts are sums over its life; a tool's status shows its failure."""
    scope = "strands.telemetry.tracer"
    task = task_of(
        agent(
            "run",
            scope=scope,
            attributes={
                "gen_ai.usage.input_tokens": 300,
                "gen_ai.usage.output_tokens": 200,
            },
        ),
        make_span("cycle", "run", name="execute_event_loop_cycle", scope=scope, end=9),
        chat(
            "c",
            "cycle",
            scope=scope,
            attributes={"gen_ai.provider.name": "strands-agents"},
            events=(
                event("gen_ai.user.message", {"content": '[{"text":"hi"}]'}),
                event(
                    "gen_ai.choice",
                    {"message": '[{"text":"yo"}]', "finish_reason": "end_turn"},
                ),
            ),
        ),
        tool(
            "t",
            "cycle",
            scope=scope,
            start=2,
            attributes={"gen_ai.tool.status": "error"},
            events=(
                event("gen_ai.tool.message", {"content": '{"a":1}', "id": "c1"}),
                event("gen_ai.choice", {"message": '[{"text":"no city"}]', "id": "c1"}),
            ),
        ),
    )
    assert tokens_of(task) == (10, 5)
    (used,) = tools_of(task)
    assert used.error.message == "no city"
    step = next(s for s in task.steps if s.llm_call)
    assert (step.input_preview, step.output_preview) == ("hi", "yo")


def test_f19_openai_agents_through_openinference():
    """An empty root takes its content from below; a handoff is a decision."""
    task = task_of(
        make_span("root", attributes={"openinference.span.kind": "AGENT"}, end=9),
        make_span(
            "a",
            "root",
            {"openinference.span.kind": "AGENT", "agent.name": "A"},
            name="A",
            end=9,
        ),
        make_span(
            "r",
            "a",
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "hi",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": "yo",
                "llm.token_count.prompt": 10,
                "llm.token_count.completion": 5,
            },
            name="response",
        ),
        make_span(
            "h",
            "a",
            {
                "openinference.span.kind": "TOOL",
                "input.value": "A",
                "output.value": "B",
            },
            name="handoff to B",
            start=2,
        ),
        make_span(
            "t",
            "a",
            {"openinference.span.kind": "TOOL", "tool.name": "f"},
            name="f",
            start=3,
            status="error",
            status_message="Error running tool: {'x': 1}",
        ),
    )
    assert (task.input_summary, task.output_summary) == ("hi", "yo")
    assert "decision" in [s.action for s in task.steps]
    (used,) = tools_of(task)
    assert "Error running tool" in used.error.message


def test_f20_anthropics_own_spans():
    """A failed call without an event has its code and retries; counting tokens is not a call."""
    scope = "com.anthropic.sdk.python"
    task = task_of(
        make_span("root", end=9),
        make_span(
            "create",
            "root",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": "claude-sonnet-4",
                "error.type": "rate_limit_error",
                "http.response.status_code": 429,
                "http.request.resend_count": 2,
            },
            name="anthropic.messages.create",
            scope=scope,
            status="error",
        ),
        make_span(
            "count",
            "root",
            {"gen_ai.request.model": "claude-sonnet-4", "anthropic.request.id": "q"},
            name="anthropic.messages.count_tokens",
            scope=scope,
            start=2,
        ),
    )
    assert len(calls_of(task)) == 1
    (error,) = task.errors
    assert (error.error_type, error.error_code, error.retry_count) == (
        "rate_limit_error",
        "429",
        2,
    )


def test_f23_microsoft_agent_framework():
    """The agent's provider is the framework; reasons are a JSON text."""
    usage = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 10}
    task = task_of(
        agent(
            "run",
            scope="agent_framework",
            attributes={"gen_ai.provider.name": "microsoft.agent_framework", **usage},
        ),
        chat(
            "c",
            "run",
            (20, 10),
            scope="agent_framework",
            attributes={"gen_ai.response.finish_reasons": '["stop"]'},
        ),
    )
    assert tokens_of(task) == (20, 10)
    assert calls_of(task)[0].provider == "openai"
    step = next(s for s in task.steps if s.llm_call)
    assert step.metadata["gen_ai.response.finish_reasons"] == ["stop"]


def test_f24_crewai():
    """A crew's task has the expected outcome of the run."""
    operation = "gen_ai.operation.name"
    task = task_of(
        make_span(
            "crew",
            attributes={
                operation: "invoke_workflow",
                "crewai.crew.name": "Weather crew",
                "crewai.crew.usage_metrics": '{"prompt_tokens":99}',
            },
            name="execute crew",
            scope="crewai",
            end=9,
        ),
        make_span(
            "task",
            "crew",
            {
                operation: "execute_task",
                "crewai.task.description": "Say the weather.",
                "crewai.task.expected_output": "One sentence, short",
            },
            name="execute task",
            scope="crewai",
            end=9,
        ),
        make_span(
            "agent",
            "task",
            {operation: "invoke_agent", "crewai.agent.role": "Forecaster"},
            name="execute agent",
            scope="crewai",
            end=9,
        ),
        chat("llm", "agent", name="call llm", scope="crewai"),
        tool("tool", "agent", name="call tool", scope="crewai", start=2),
    )
    assert task.name == "Weather crew"
    assert task.expected_outcome.task_objective == "Say the weather."
    assert task.expected_outcome.required_deliverables == ["One sentence, short"]
    assert tokens_of(task) == (10, 5)
    assert calls_of(task)[0].purpose == "Forecaster"
