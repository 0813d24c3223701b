"""Whole traces of Vercel's AI SDK and Claude Code, from dialect to task."""

from __future__ import annotations

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


def test_f11_vercel_up_to_version_6():
    """The outer call repeats the sum; the inner ones are billed."""
    outer = make_span(
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
        make_span(
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
    used = make_span(
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
        return make_span(key, "run", name | usage, name=f"step {n}", start=n * 2, end=9)

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


def test_f21_claude_code():
    """The prompt is the new tokens and those from the cache; waiting is not work."""
    scope = "com.anthropic.claude_code.tracing"
    task = task_of(
        make_span(
            "i",
            attributes={"span.type": "interaction", "user_prompt": "hi"},
            name="claude_code.interaction",
            scope=scope,
            end=10,
        ),
        make_span(
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
        make_span(
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
        make_span(
            "t",
            "i",
            {"span.type": "tool", "tool_name": "Bash", "full_command": "ls"},
            name="claude_code.tool",
            scope=scope,
            start=2,
            end=6,
            events=(event("tool.output", {"output": "a.txt"}),),
        ),
        make_span(
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
    """Framework, client, HTTP and server report the same tool call."""
    mcp = {"mcp.method.name": "tools/call"}
    task = task_of(
        agent("run"),
        tool("f", "run", end=4, name="execute_tool f"),
        make_span("m", "f", mcp, name="MCP send tools/call f", kind="client", end=4),
        make_span(
            "h",
            "m",
            {"http.request.method": "POST", "http.response.status_code": 200},
            name="POST",
            kind="client",
        ),
        make_span(
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
