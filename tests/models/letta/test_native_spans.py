"""The spans that a Letta server itself exports."""

from __future__ import annotations

from dataclasses import replace

from infinium_otel.models.letta import (
    Step,
)
from infinium_otel.records import SpanEvent
from support.letta_runs import TRACE, one
from support.spans import T0, S, span


def own(**options):
    """The spans a server exports for one step that ran a tool."""
    root = span(
        "POST /v1/agents/{agent_id}/messages",
        None,
        0,
        10,
        trace=TRACE,
        kind="server",
        attributes={"organization.id": "org-1", "agent.id": "agent-1", "source": "ui"},
    )
    first = span(
        "ttft",
        root.name,
        0,
        1,
        trace=TRACE,
        attributes={
            "llm_config.model": "gpt-4o",
            "llm_config.model_endpoint_type": "openai",
            "llm_config.handle": "openai/gpt-4o",
            "llm_config.context_window": 128000,
        },
    )
    events = (
        SpanEvent("request_start_to_provider_request_start_ns", T0 + S + 5),
        SpanEvent("llm_request_ms", T0 + 2 * S, {"duration_ms": 900}),
        SpanEvent("tool_execution_started", T0 + 2 * S),
        SpanEvent(
            "tool_execution_completed",
            T0 + 3 * S,
            {
                "tool_name": "search",
                "duration_ms": 100,
                "success": False,
                "tool_id": "tool-1",
            },
        ),
        SpanEvent("step_ms", T0 + 4 * S, {"duration_ms": 3000}),
    )
    step = span(
        "agent_step",
        root.name,
        1,
        4,
        trace=TRACE,
        attributes={"step_id": "step-7"},
        events=events,
        **options,
    )
    ran = span(
        "LettaAgentV2._execute_tool",
        root.name,
        2,
        3,
        trace=TRACE,
        events=(
            SpanEvent("start_search_execution", T0 + 2 * S, {"q": "x"}),
            SpanEvent(
                "finish_search_execution",
                T0 + 3 * S,
                {"status": "error", "func_return": "no", "stderr": "['KeyError: 1']"},
            ),
        ),
    )
    return [root, replace(first, name="time_to_first_token"), step, ran]


def test_the_servers_own_spans():
    """A server's spans give the step, its times and its tools."""
    log = one(*own())
    assert log.steps == (
        Step(
            "step-7",
            origin="ui",
            organization_id="org-1",
            agent_id="agent-1",
            provider_name="openai",
            model="gpt-4o",
            context_window_limit=128000,
            trace_id=TRACE,
            status="success",
        ),
    )
    (metrics,) = log.metrics
    assert metrics.llm_request_start_ns == T0 + S + 5
    assert (metrics.llm_request_ns, metrics.tool_execution_ns, metrics.step_ns) == (
        900_000_000,
        100_000_000,
        3 * S,
    )
    (message,) = log.messages
    assert message.name == "search"
    assert message.tool_returns[0].status == "error"
    assert message.tool_returns[0].func_response == "no"
    assert one(*own(), newer=True).steps[0].model_handle == "openai/gpt-4o"


def test_incomplete_native_spans():
    """A step without its other spans is read; missing values are None."""
    (step_span,) = [r for r in own() if r.name == "agent_step"]
    bare = replace(step_span, events=(SpanEvent("tool_execution_completed", T0),))
    log = one(bare)
    assert (log.steps[0].model, log.steps[0].status) == (None, "success")
    assert (log.metrics[0].step_ns, log.metrics[0].llm_request_start_ns) == (
        3 * S,
        None,
    )
    assert log.messages[0].name == "unknown"
    assert one(replace(bare, status="error")).steps[0].status == "failed"
    assert one(replace(bare, end_ns=0)).steps[0].status == "pending"
    early = span("X._execute_tool", None, 0, 1, trace=TRACE)
    assert one(early, bare).messages[0].tool_returns[0].func_response is None
    other = span("X._execute_tool", None, 2, 3, trace=TRACE)
    assert len(one(other, bare).messages) == 1


def test_output_lines_as_a_list():
    """Output lines in a list are kept as JSON."""
    records = [
        replace(r, events=(r.events[0], SpanEvent("finish_x", T0, {"stderr": ["a"]})))
        if r.name.endswith("_execute_tool")
        else r
        for r in own()
    ]
    assert one(*records).messages[0].tool_returns[0].stderr == ('["a"]',)
