"""Traps of tools and steps (docs/reference/traps.md)."""

from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.config import Config
from support.records import (
    agent,
    chat,
    event,
    make_span,
    task_of,
    tool,
    tools_of,
)


def http(key, parent, status, start=0.0, spelling="http.response.status_code"):
    attributes = {"http.request.method": "POST", spelling: status}
    times = {"start": start, "end": start + 0.4}
    return make_span(key, parent, attributes, name="POST", kind="client", **times)


@pytest.mark.parametrize(
    "spelling", ["http.response.status_code", "http.status_code"], ids=["new", "old"]
)
def test_t5_http_folds_into_the_call_it_serves(spelling):
    """A request below a call is no step; its last status is the call's."""
    task = task_of(
        make_span("root", end=3),
        chat("c", "root"),
        http("h1", "c", 503, spelling=spelling),
        http("h2", "c", 200, 0.5, spelling),
    )
    (step,) = task.steps
    assert step.metadata["http.response.status_code"] == 200


def test_t5_database_spans_fold_into_the_tool():
    """A query made by a tool is part of the tool's run."""
    query = make_span("q", "t", {"db.system": "sqlite", "db.operation": "SELECT"})
    task = task_of(make_span("root", end=3), tool("t", "root", end=2), query)
    assert [s.action for s in task.steps] == ["tool_use"]


def test_t5_a_lone_request_is_no_run():
    """Spans without model, tool or agent make a task only if all are wanted."""
    request = http("h", None, 200)
    assert spans_to_tasks([request]) == []
    assert len(spans_to_tasks([request], config=Config(include="all"))) == 1


def _run_with_tool(*between):
    request = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    reply = {"type": "tool_call_response", "id": "c1", "response": "3"}
    question = {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    wants = {"role": "assistant", "parts": [request]}
    answer = {"role": "tool", "parts": [reply]}
    first = {
        "gen_ai.input.messages": json.dumps([question]),
        "gen_ai.output.messages": json.dumps([wants]),
    }
    second = {"gen_ai.input.messages": json.dumps([question, wants, answer])}
    return task_of(
        make_span("root", end=9),
        chat("c1", "root", attributes=first),
        *between,
        chat("c2", "root", start=4, attributes=second),
    )


def test_t12_tools_that_only_messages_report():
    """A tool with a request and a response ran, with or without a span."""
    (used,) = tools_of(_run_with_tool())
    assert used.tool_name == "f"
    assert (used.input_summary, used.output_summary) == ('{"a":1}', "3")


def test_t12_a_span_beats_the_messages():
    """A tool with a span is one step, from the span."""
    span = tool("t", "root", start=2, attributes={"gen_ai.tool.call.id": "c1"})
    assert len(tools_of(_run_with_tool(span))) == 1


def test_t12_a_request_alone_is_no_run():
    """A requested tool without a response did not run."""
    wants = [{"role": "assistant", "tool_calls": [{"id": "c1", "name": "f"}]}]
    task = task_of(chat("c", attributes={"gen_ai.output.messages": json.dumps(wants)}))
    assert tools_of(task) == []


@pytest.mark.parametrize("method", ["tools/list", "initialize", "ping"])
def test_t13_mcp_housekeeping_is_no_step(method):
    """Only a call of a tool is something the agent did."""
    housekeeping = make_span("m", "run", {"mcp.method.name": method}, name=method)
    task = task_of(agent("run"), housekeeping, chat("c", "run"))
    assert [s.action for s in task.steps] == ["llm_inference"]


def test_t13_layers_of_a_tool_add_what_they_know():
    """The outermost span of a tool's chain keeps what the inner ones report."""
    inner = {"mcp.method.name": "tools/call", "gen_ai.tool.call.result": "3"}
    task = task_of(
        make_span("root", end=9),
        tool("t", "root", end=5),
        make_span("m", "t", inner, name="tools/call f", end=4),
    )
    (used,) = tools_of(task)
    assert used.output_summary == "3"


def test_t28_a_chain_is_no_step():
    """A frame that is not a named agent does nothing of its own."""
    chain = {"openinference.span.kind": "CHAIN"}
    task = task_of(
        make_span("root", attributes=chain, end=9),
        make_span("router", "root", chain, end=5),
        chat("c", "router"),
    )
    assert [s.action for s in task.steps] == ["llm_inference"]


def test_t28_langsmiths_retriever_is_no_embedding():
    """The run type beats the operation that was derived from it."""
    retriever = {
        "langsmith.span.kind": "retriever",
        "gen_ai.operation.name": "embeddings",
    }
    task = task_of(
        make_span("root", end=3),
        make_span("r", "root", retriever),
        chat("c", "root", start=2),
    )
    assert task.steps[0].action == "retrieval"


def test_t12_a_span_may_have_an_id_of_its_own():
    """A framework that renames a request still ran it once."""
    span = tool(
        "t",
        "root",
        start=2,
        attributes={
            "gen_ai.tool.call.id": "adk-1",
            "gen_ai.tool.call.arguments": '{"a": 1}',
        },
    )
    assert len(tools_of(_run_with_tool(span))) == 1


def test_what_a_guardrail_found():
    """A guardrail has no field of its own: its attributes and events are kept."""
    found = event("gen_ai.guard.stop", {"gen_ai.guard.message": "No medical advice"})
    other = (event("gen_ai.user.message", {"content": "Hi"}), event("", {"a": 1}))
    task = task_of(
        agent("a"),
        chat("c", "a"),
        make_span("guardrails.output", "a", {"blocked": 1}, events=(found, *other)),
    )
    (step,) = [step for step in task.steps if step.action == "guardrail"]
    assert step.metadata["attributes"] == {"blocked": 1}
    assert step.metadata["events"] == [
        {"name": "gen_ai.guard.stop", "gen_ai.guard.message": "No medical advice"}
    ]


def test_retries_of_a_call_that_succeeded():
    """They are no failure, and are counted."""
    retry = event("retry", {"retry.attempt": 1})
    task = task_of(chat("c", events=(retry, retry)))
    assert task.errors is None
    assert task.steps[0].metadata["retry_count"] == 2


def test_a_cost_that_only_the_root_reports():
    """It counts where no call has one, whatever the root is."""
    root = make_span("root", None, {"acme.trace.cost_usd": 0.42}, end=9)
    task = task_of(root, chat("c", "root", tokens=None))
    assert task.llm_usage.estimated_cost_usd == 0.42
