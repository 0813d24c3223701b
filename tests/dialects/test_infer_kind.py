"""Whole runs, in brief, of libraries whose spans are not shaped as one would expect.

Each was seen: @mastra/otel-exporter 1.4.0, genkit 1.42.0, crewai 1.15.30, agentops 0.4.21,
openinference-instrumentation-openlit on openlit 1.45.0, the same for google-adk 1.0.5.
"""

from __future__ import annotations

import json

from support.records import (
    calls_of,
    exception_event,
    make_span,
    task_of,
    tokens_of,
    tools_of,
)

WANTS = {"toolCallId": "c1", "toolName": "weather", "args": {"city": "Rome"}}
SHELL = '[{"role":"assistant","parts":[{"type":"text","content":""}]}]'


def _mastra(key, parent, kind, start, end, **attributes):
    all_attributes = {"mastra.span.type": kind, **attributes}
    return make_span(
        key, parent, all_attributes, start=start, end=end, scope="@mastra/otel-exporter"
    )


def test_mastras_step_has_the_words_and_its_inference_the_tokens():
    """Three spans around one answer: the loop, the step, the inference."""
    messages = '[{"role":"user","content":"Weather?"}]'
    task = task_of(
        _mastra("run", None, "agent_run", 0, 9, **{
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper",
            "mastra.agent_run.input": "Weather?"}),
        _mastra("loop", "run", "model_generation", 1, 8, **{
            "gen_ai.operation.name": "model_generation"}),
        _mastra("step", "loop", "model_step", 1, 5, **{
            "gen_ai.operation.name": "agent_step", "mastra.model_step.input": messages,
            "mastra.model_step.output": json.dumps({"text": "", "toolCalls": [WANTS]})}),
        _mastra("inference", "step", "model_inference", 1, 3, **{
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
            "gen_ai.output.messages": SHELL}),
        _mastra("chunk", "inference", "model_chunk", 2, 2, **{
            "gen_ai.operation.name": "model_chunk",
            "mastra.model_chunk.output": '{"text":"a piece"}'}),
        _mastra("tool", "step", "tool_call", 3, 4, **{
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.result": "Sunny."}),
    )  # fmt: skip
    call, used = task.steps
    assert tokens_of(task) == (10, 5)
    assert (call.input_preview, call.output_preview) == (
        "Weather?",
        'weather({"city":"Rome"})',
    )
    assert used.tool_call.output_summary == "Sunny."


def _genkit(kind, name, messages, output, **place):
    all_attributes = {
        "genkit:type": "util" if kind == "util" else "action",
        "genkit:metadata:subtype": kind,
        "genkit:name": name,
        "genkit:input": json.dumps(messages),
        "genkit:output": json.dumps(output),
    }
    return make_span(kind, attributes=all_attributes, scope="genkit-tracer", **place)


def test_genkits_helpers_repeat_the_models_output():
    """The flow, a helper of the framework's, the model, the tool."""
    request = {"name": "weather", "ref": "c1", "input": {"city": "Rome"}}
    inputs = {"messages": [{"role": "user", "content": [{"text": "Weather?"}]}]}
    wants = {
        "message": {"role": "model", "content": [{"toolRequest": request}]},
        "usage": {"inputTokens": 10, "outputTokens": 5},
    }
    used = _genkit(
        "tool", "weather", {"city": "Rome"}, "Sunny.", parent="util", start=4
    )
    task = task_of(
        _genkit("flow", "helper", "Weather?", "Sunny.", end=9),
        _genkit("util", "generate", inputs, wants, parent="flow", start=1, end=8),
        _genkit("model", "openai/gpt-4o", inputs, wants, parent="util", start=1),
        used,
    )
    assert (task.name, task.input_summary, task.output_summary) == (
        "helper",
        "Weather?",
        "Sunny.",
    )
    assert tokens_of(task) == (10, 5)
    assert [s.action for s in task.steps] == ["llm_inference", "tool_use"]
    assert task.steps[0].output_preview == 'weather({"city":"Rome"})'


def test_crewai_reports_a_failed_tool_twice():
    """The tool's span, and the report of its failure beside it."""
    failed = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.arguments": '{"city":"Atlantis"}',
    }
    reason = {"crewai.tool.failure.message": "no city"}
    task = task_of(
        make_span("crew", None, {"crewai.crew.inputs": "null"}, name="execute crew",
             scope="crewai", end=9),
        make_span("agent", "crew", {"crewai.agent.role": "forecaster",
             "gen_ai.agent.name": "c109e65432c6"}, name="execute agent",
             scope="crewai", end=8),
        make_span("tool", "agent", failed, name="call tool", scope="crewai", start=1, end=2,
             status="error", events=(exception_event("ValueError", "no city"),)),
        make_span("account", "agent", failed | reason, name="tool failure", scope="crewai",
             start=3, end=3, status="error", status_message="no city"),
    )  # fmt: skip
    assert [s.description for s in task.steps] == [
        "Ran agent forecaster",
        "Called weather: no city",
    ]
    assert [e.error_type for e in task.errors] == ["ValueError"]


def test_agentops_has_a_span_for_a_requested_tool_call():
    """The request for a tool below the call, and the run of it elsewhere."""
    task = task_of(
        make_span("run", None, {"agentops.span.kind": "session", "operation.name": "weather"},
             name="weather.session", scope="agentops", end=9),
        make_span("call", "run", {"gen_ai.request.type": "chat", "gen_ai.system": "OpenAI",
             "gen_ai.request.model": "gpt-4o", "gen_ai.usage.prompt_tokens": 10,
             "gen_ai.usage.completion_tokens": 5}, name="openai.chat.completion",
             scope="openai", start=1, end=2),
        make_span("requested", "call", {"agentops.span.kind": "AgentOpsSpanKindValues.TOOL",
             "tool.name": "weather", "tool.call.type": "function"},
             name="tool_call.weather", start=1.5, end=1.6),
        make_span("used", "run", {"agentops.span.kind": "tool", "operation.name": "weather",
             "agentops.tool.output": "Sunny."}, name="weather.tool", scope="agentops",
             start=3, end=4),
    )  # fmt: skip
    (used,) = tools_of(task)
    assert (used.tool_name, used.output_summary) == ("weather", "Sunny.")
    assert tokens_of(task) == (10, 5)


def test_a_processor_may_call_a_call_a_tool():
    """OpenInference's processor for OpenLIT, on a call with a tool call."""
    task = task_of(
        make_span("chat", None, {
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
            "gen_ai.tool.name": "weather", "openinference.span.kind": "TOOL",
            "tool.name": "weather"}, scope="openlit.instrumentation.openai"),
    )  # fmt: skip
    assert (len(calls_of(task)), tools_of(task)) == (1, [])


def test_a_call_may_be_on_its_agents_span():
    """OpenInference suppresses the call's own span in Google's ADK."""
    task = task_of(
        make_span("agent_run [helper]", None, {"openinference.span.kind": "AGENT",
             "agent.name": "helper"}, scope="openinference.instrumentation.google_adk",
             end=9),
        make_span("invoke_agent helper", "agent_run [helper]", {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.request.model": "gemini-2"}, scope="gcp.vertex.agent",
            status="error", status_message="RateLimitError: slow down"),
    )  # fmt: skip
    (call,) = calls_of(task)
    assert (call.model, call.purpose) == ("gemini-2", "helper")
