"""One trace for each shape that instrumentations are known to give."""

from __future__ import annotations

import json

from support.told import (
    agent,
    calls_of,
    chat,
    event,
    logged,
    raised,
    task_of,
    tokens_of,
    told,
    tool,
    tools_of,
)

ASKED = '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'
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
        told(
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
        told(
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


def _f3(asked, answered, events=()):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 80,
    }
    if asked is not None:
        attributes |= {
            "gen_ai.input.messages": asked,
            "gen_ai.output.messages": answered,
        }
    return task_of(told("a", name="chat", attributes=attributes, events=events))


def _is_f3(task):
    step = task.steps[0]
    assert tokens_of(task) == (100, 7)
    assert step.metadata["gen_ai.usage.cache_read.input_tokens"] == 80
    assert (step.input_preview, step.output_preview) == ("hi", 'x({"a":1})')


def test_f3_messages_as_json():
    """Semconv 1.37: messages with parts as JSON; input holds the cached tokens."""
    _is_f3(_f3(ASKED, json.dumps(WANTS_TOOL)))


def test_f4_messages_as_structures():
    """The same as attribute values of SDK 1.45: tuples of mappings."""
    _is_f3(_f3(tuple(json.loads(ASKED)), tuple(WANTS_TOOL)))


def test_f5_messages_in_the_details_event():
    """The same in the event of the inference's details."""
    details = event(
        "gen_ai.client.inference.operation.details",
        {
            "gen_ai.input.messages": ASKED,
            "gen_ai.output.messages": json.dumps(WANTS_TOOL),
        },
    )
    _is_f3(_f3(None, None, (details,)))


def test_f6_cached_tokens_beside_the_input():
    """OpenLIT counts Anthropic's cached tokens apart: the prompt is both."""
    task = task_of(
        told(
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
        told(
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
        told(
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
            events=(raised(),),
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
        told(
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
        told("root", end=5),
        chat(
            "outer",
            "root",
            name="ChatOpenAI.chat",
            attributes={"llm.request.type": "chat", "gen_ai.response.id": "r1"},
        ),
        told(
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


def _vercel(key, parent, operation, **attributes):
    return told(
        key,
        parent,
        {"ai.operationId": operation, "operation.name": operation, **attributes},
        name=operation,
        scope="ai",
        start=attributes.pop("start", 0),
    )


def test_f11_vercel_up_to_version_6():
    """The outer call repeats the sum; the inner ones are billed."""
    outer = told(
        "outer",
        attributes={
            "ai.operationId": "ai.generateText",
            "ai.telemetry.functionId": "weather",
            "ai.prompt": '{"system":"Be kind.","prompt":"Weather?"}',
            "ai.response.text": "Sunny.",
            "ai.usage.promptTokens": 20,
            "ai.usage.completionTokens": 10,
        },
        name="ai.generateText",
        scope="ai",
        end=10,
    )
    inner = [
        told(
            f"inner{n}",
            "outer",
            {
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.model.id": "gpt-4o",
                "ai.model.provider": "openai.chat",
                "gen_ai.system": "openai.chat",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": prompt,
                "gen_ai.usage.output_tokens": completion,
                "ai.prompt.messages": '[{"role":"user","content":'
                '[{"type":"text","text":"Weather?"}]}]',
                **answer,
            },
            name="ai.generateText.doGenerate",
            scope="ai",
            start=n * 4,
        )
        for n, prompt, completion, answer in (
            (
                0,
                8,
                2,
                {
                    "ai.response.toolCalls": '[{"toolCallType":"function","toolCallId":'
                    '"c1","toolName":"weather","args":"{\\"city\\":\\"Rome\\"}"}]'
                },
            ),
            (1, 12, 8, {"ai.response.text": "Sunny."}),
        )
    ]
    used = told(
        "used",
        "outer",
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.id": "c1",
            "ai.toolCall.args": '{"city":"Rome"}',
            "ai.toolCall.result": '"sunny"',
        },
        name="ai.toolCall",
        scope="ai",
        start=2,
    )
    task = task_of(outer, *inner, used)
    assert tokens_of(task) == (20, 10)
    assert [s.action for s in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]
    assert task.steps[0].output_preview == 'weather({"city":"Rome"})'
    assert tools_of(task)[0].output_summary == "sunny"
    assert (task.name, task.input_summary, task.output_summary) == (
        "weather",
        "Weather?",
        "Sunny.",
    )
    assert {c.provider for c in calls_of(task)} == {"openai"}


def test_f12_vercel_version_7():
    """The run and its steps repeat the usage of their calls."""
    usage = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 10}

    def step(key, n):
        name = {"gen_ai.operation.name": "agent_step"}
        return told(key, "run", name | usage, name=f"step {n}", start=n * 2, end=9)

    task = task_of(
        agent("run", attributes=usage),
        step("s1", 1),
        chat("c1", "s1", (8, 2), start=2),
        tool("t1", "s1", start=3),
        step("s2", 2),
        chat("c2", "s2", (12, 8), start=4),
    )
    assert tokens_of(task) == (20, 10)
    assert (len(calls_of(task)), len(tools_of(task))) == (2, 1)


def test_f13_pydantic_ai_version_2():
    """The agent's own words: model_name, all_messages, final_result, tool_arguments."""
    task = task_of(
        told(
            "run",
            name="agent run",
            scope="pydantic-ai",
            end=9,
            attributes={
                "model_name": "gpt-4o",
                "agent_name": "helper",
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 10,
                "pydantic_ai.all_messages": ASKED,
                "final_result": "yo",
            },
        ),
        chat("c", "run", (20, 10), scope="pydantic-ai"),
        told(
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
    """Aggregates have names of their own; replies say result, thoughts thinking."""
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


def test_f15_logfire():
    """Placeholders go; a template names a tool; a stream is told by its log."""
    request = '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
    task = task_of(
        told("root", scope="logfire", end=9),
        told(
            "pending",
            "root",
            {"logfire.span_type": "pending_span"},
            name="Function: {name}",
            scope="logfire",
            end=0,
        ),
        told(
            "f",
            "root",
            {"name": "f", "input": '{"a":1}', "output": "3", "logfire.msg": "Fn: f"},
            name="Function: {name}",
            scope="logfire",
        ),
        told(
            "call",
            "root",
            {
                "request_data": request,
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
            },
            name="Chat Completion with {request_data[model]!r}",
            scope="logfire.openai",
            start=2,
        ),
        told(
            "log",
            "root",
            {
                "logfire.span_type": "log",
                "request_data": request,
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "response_data": '{"combined_chunk_content":"yo"}',
                "duration": 2.5,
            },
            name="streaming response from {request_data[model]!r} took {duration:.2f}s",
            scope="logfire.openai",
            start=5,
            end=5,
        ),
    )
    assert [t.tool_name for t in tools_of(task)] == ["f"]
    assert tokens_of(task) == (10, 5)
    assert len(calls_of(task)) == 1


def test_f16_google_adk_schema_1():
    """A call and the client's retelling of it; placeholders of parallel tools."""
    blob = json.dumps(
        {"model": "gemini-2", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    )
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    task = task_of(
        told("root", name="invocation", scope="gcp.vertex.agent", end=9),
        told(
            "run",
            "root",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"},
            name="invoke_agent helper",
            scope="gcp.vertex.agent",
            end=9,
        ),
        told(
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
        told(
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
        told(
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
    """The agent's counts are of its lifetime; a tool's status tells its failure."""
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
        told("cycle", "run", name="execute_event_loop_cycle", scope=scope, end=9),
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
        told("root", attributes={"openinference.span.kind": "AGENT"}, end=9),
        told(
            "a",
            "root",
            {"openinference.span.kind": "AGENT", "agent.name": "A"},
            name="A",
            end=9,
        ),
        told(
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
        told(
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
        told(
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
    """A failed call without an event has its code and retries; counting is no call."""
    scope = "com.anthropic.sdk.python"
    task = task_of(
        told("root", end=9),
        told(
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
        told(
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


def test_f21_claude_code():
    """The prompt is what was read anew and from the cache; waiting is no work."""
    scope = "com.anthropic.claude_code.tracing"
    task = task_of(
        told(
            "i",
            attributes={"span.type": "interaction", "user_prompt": "hi"},
            name="claude_code.interaction",
            scope=scope,
            end=10,
        ),
        told(
            "l",
            "i",
            {
                "span.type": "llm_request",
                "model": "claude-sonnet-4",
                "input_tokens": 5,
                "output_tokens": 7,
                "cache_read_tokens": 95,
                "response.model_output": "yo",
                "query_source": "repl_main_thread",
            },
            name="claude_code.llm_request",
            scope=scope,
        ),
        told(
            "title",
            "i",
            {
                "span.type": "llm_request",
                "model": "claude-haiku",
                "input_tokens": 1,
                "output_tokens": 1,
                "response.model_output": "A greeting",
                "query_source": "generate_session_title",
            },
            name="claude_code.llm_request",
            scope=scope,
            start=8,
        ),
        told(
            "t",
            "i",
            {"span.type": "tool", "tool_name": "Bash", "full_command": "ls"},
            name="claude_code.tool",
            scope=scope,
            start=2,
            end=6,
            events=(event("tool.output", {"output": "a.txt"}),),
        ),
        told(
            "b",
            "t",
            {"span.type": "tool.blocked_on_user"},
            name="claude_code.tool.blocked_on_user",
            scope=scope,
            start=2,
            end=5,
        ),
    )
    assert tokens_of(task) == (101, 8)
    (used,) = tools_of(task)
    assert (used.tool_name, used.duration_ms) == ("Bash", 1000)
    assert (used.input_summary, used.output_summary) == ("ls", "a.txt")
    assert (task.input_summary, task.output_summary) == ("hi", "yo")


def test_f22_the_layers_of_an_mcp_call():
    """Framework, client, HTTP and server tell one tool call."""
    mcp = {"mcp.method.name": "tools/call"}
    task = task_of(
        agent("run"),
        tool("f", "run", end=4, name="execute_tool f"),
        told("m", "f", mcp, name="MCP send tools/call f", kind="client", end=4),
        told(
            "h",
            "m",
            {"http.request.method": "POST", "http.response.status_code": 200},
            name="POST",
            kind="client",
        ),
        told(
            "s",
            "h",
            mcp | {"gen_ai.tool.name": "f"},
            name="tools/call f",
            kind="server",
        ),
    )
    (used,) = tools_of(task)
    assert (used.tool_name, used.http_status) == ("f", 200)
    assert len(task.steps) == 1


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
    """A crew's task says what is expected of the run."""
    operation = "gen_ai.operation.name"
    task = task_of(
        told(
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
        told(
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
        told(
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


def test_f25_litellm_on_the_callers_span():
    """LiteLLM writes on the caller's span; its raw request is no second call."""
    task = task_of(
        told(
            "mine",
            name="answer a question",
            attributes={
                "gen_ai.operation.name": "acompletion",
                "llm.request.type": "acompletion",
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.cost.total_cost": 0.002,
                "hidden_params": "{}",
                "litellm.cache_hit": False,
            },
        ),
        told(
            "raw",
            "mine",
            {"llm.openai.messages": "[]", "llm.openai.model": "gpt-4o"},
            name="raw_gen_ai_request",
            scope="litellm",
        ),
    )
    assert len(calls_of(task)) == 1
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.estimated_cost_usd == 0.002


def test_f26_langsmith():
    """A retriever's operation says embeddings; token details are a Python repr."""
    task = task_of(
        told("root", attributes={"langsmith.span.kind": "chain"}, name="RAG", end=9),
        told(
            "r",
            "root",
            {
                "langsmith.span.kind": "retriever",
                "gen_ai.operation.name": "embeddings",
                "gen_ai.prompt": '{"query":"cities"}',
            },
            name="VectorStoreRetriever",
        ),
        told(
            "l",
            "root",
            {
                "langsmith.span.kind": "llm",
                "gen_ai.operation.name": "chat",
                "gen_ai.system": "langchain",
                "langsmith.metadata.ls_provider": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.usage.input_token_details": "{'cache_read': 3}",
            },
            name="ChatOpenAI",
            start=2,
        ),
    )
    assert [s.action for s in task.steps] == ["retrieval", "llm_inference"]
    assert calls_of(task)[0].provider == "openai"
    assert task.steps[1].metadata["gen_ai.usage.cache_read.input_tokens"] == 3


def test_f27_langfuse():
    """A generation's usage is JSON, its first token an instant."""
    task = task_of(
        told(
            "g",
            attributes={
                "langfuse.observation.type": "generation",
                "langfuse.observation.model.name": "gpt-4o",
                "langfuse.observation.usage_details": '{"input":10,"output":5}',
                "langfuse.observation.completion_start_time": (
                    '"2026-09-21T15:06:40.250000Z"'
                ),
            },
            scope="langfuse-sdk",
            start=0,
        )
    )
    assert tokens_of(task) == (10, 5)
    assert "time_to_first_chunk_ms" in task.steps[0].metadata


def test_f28_mlflow():
    """Every value is JSON, the kind too."""
    task = task_of(
        told(
            "c",
            attributes={
                "mlflow.spanType": '"CHAT_MODEL"',
                "mlflow.llm.model": '"gpt-4o"',
                "mlflow.spanInputs": (
                    '{"model":"gpt-4o","temperature":0.5,'
                    '"messages":[{"role":"user","content":"hi"}]}'
                ),
                "mlflow.spanOutputs": (
                    '{"id":"r1","choices":'
                    '[{"message":{"role":"assistant","content":"yo"}}]}'
                ),
                "mlflow.chat.tokenUsage": (
                    '{"input_tokens":10,"output_tokens":5,"total_tokens":15}'
                ),
            },
            name="Completions",
        )
    )
    (call,) = calls_of(task)
    assert (call.model, call.temperature, tokens_of(task)) == ("gpt-4o", 0.5, (10, 5))
    step = task.steps[0]
    assert (step.input_preview, step.output_preview) == ("hi", "yo")


def test_f29_one_failure_on_every_ancestor():
    """What ran up from a tool is one error, recovered where the run went on."""
    failed = {"status": "error", "events": (raised(),)}
    task = task_of(
        told("root", end=9, status="ok"),
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
        told("root", end=2),
        chat("c", "root", start=1, end=4),
    )
    assert tokens_of(task) == (10, 5)


def test_f30_an_orphan_of_another_process():
    """A span whose parent is remote is a root here."""
    task = task_of(agent("a", "elsewhere", parent_is_remote=True), chat("c", "a"))
    assert tokens_of(task) == (10, 5)


def test_f30_evicted_attributes():
    """With the kind evicted, what is left still shows a model call."""
    attributes = {
        f"llm.output_messages.{n}.message.content": f"line {n}" for n in range(100)
    }
    task = task_of(
        told("root", end=3),
        told(
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
        logged(
            "",
            "c",
            {"event.name": "gen_ai.user.message"},
            '{"role": "user", "content": "hi"}',
        ),
        logged(
            "",
            "c",
            {"event.name": "gen_ai.choice"},
            '{"message": {"role": "assistant", "content": "yo"}, "index": 0}',
        ),
    )
    step = task.steps[0]
    assert (step.input_preview, step.output_preview) == ("hi", "yo")
    assert step.metadata["gen_ai.response.finish_reasons"] == ["stop"]


def _raw(key, answer, tokens):
    """LiteLLM's account of one request, as Python's repr."""
    return told(
        key,
        "mine",
        {
            "llm.openai.id": answer,
            "llm.openai.model": "gpt-4o-2024",
            "llm.openai.messages": "[{'role': 'user', 'content': 'hi'}]",
            "llm.openai.choices": "[{'message': {'role': 'assistant', "
            "'content': 'yo'}}]",
            "llm.openai.usage": f"{{'prompt_tokens': {tokens[0]}, "
            f"'completion_tokens': {tokens[1]}}}",
        },
        name="raw_gen_ai_request",
        scope="litellm",
        start=tokens[0] / 10,
    )


def test_f25_several_calls_on_one_callers_span():
    """The caller's span keeps only the last call; the raw requests tell them all."""
    task = task_of(
        chat(
            "mine",
            None,
            (20, 8),
            end=9,
            attributes={"gen_ai.response.id": "r2", "litellm.cache_hit": False},
        ),
        _raw("raw1", "r1", (10, 5)),
        _raw("raw2", "r2", (20, 8)),
    )
    assert tokens_of(task) == (30, 13)
    assert len(calls_of(task)) == 2


def test_f25_one_call_and_its_raw_request():
    """One request told by both is one call."""
    task = task_of(
        chat("mine", None, attributes={"litellm.cache_hit": False}),
        _raw("raw1", "r1", (10, 5)),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)
