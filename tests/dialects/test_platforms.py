"""Spans that were made for other backends: MLflow, Laminar, Braintrust, AgentOps."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("LLM", "llm"),
        ("CHAT_MODEL", "llm"),
        ("TOOL", "tool"),
        ("AGENT", "agent"),
        ("RETRIEVER", "retrieval"),
        ("EMBEDDING", "embedding"),
        ("RERANKER", "rerank"),
        ("MEMORY", "memory"),
        ("GUARDRAIL", "guardrail"),
        ("EVALUATOR", "evaluator"),
        ("CHAIN", "workflow"),
        ("TASK", "step"),
        ("UNKNOWN", "step"),
    ],
)
def test_mlflows_kinds(value, kind):
    """A span type is JSON, so it has quotes."""
    assert read_span({"mlflow.spanType": f'"{value}"'}).kind == kind


def test_mlflows_call():
    """Model, settings and response are in inputs and outputs."""
    found = read_span(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": '{"model":"gpt-4o","temperature":0.5,"top_p":1,'
            '"max_tokens":9,"messages":[]}',
            "mlflow.spanOutputs": '{"model":"gpt-4o-2024","id":"r1","choices":[]}',
            "mlflow.llm.provider": '"openai"',
            "mlflow.chat.tokenUsage": '{"input_tokens":10,"output_tokens":5,'
            '"total_tokens":15,"cache_read_input_tokens":4}',
            "mlflow.llm.cost": '{"total_cost":0.25}',
            "mlflow.trace.session": '"s1"',
        }
    )
    assert_fields(
        found,
        model="gpt-4o-2024",
        model_requested="gpt-4o",
        temperature=0.5,
        top_p=1.0,
        max_tokens=9,
        response_id="r1",
        provider="openai",
        cost_usd=0.25,
        conversation_id="s1",
        usage=Usage(10, 5, 15, 4),
    )


def test_mlflows_counts_in_the_answer():
    """Counts missing from the summed usage are in the provider's own."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    answer = {"choices": [{"finish_reason": "length"}], "usage": usage}
    found = read_span(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": '{"model":"gpt-4o","stream":true}',
            "mlflow.spanOutputs": json.dumps(answer),
        }
    )
    assert_fields(
        found,
        usage=Usage(10, 5, reasoning=2),
        finish_reasons=("length",),
        streaming=True,
    )


def test_mlflows_embedding():
    """Of the request only the texts were embedded."""
    found = read_span(
        {
            "mlflow.spanType": '"EMBEDDING"',
            "mlflow.spanInputs": '{"model":"m","input":["a","b"]}',
            "mlflow.spanOutputs": '{"usage":{"prompt_tokens":3}}',
        }
    )
    assert_fields(found, input=["a", "b"], usage=Usage(3))
    bare = read_span({"mlflow.spanType": '"EMBEDDING"', "mlflow.spanInputs": '"a"'})
    assert bare.input == '"a"'


def test_mlflows_stream_of_tool_calls():
    """A stream's output lacks the tool calls, which its chunks have."""

    def chunk(**piece):
        delta = {"delta": {"tool_calls": [{"index": 0, **piece}]}}
        value = json.dumps({"choices": [delta]})
        return event("mlflow.chunk.item.0", {"mlflow.chunk.value": value})

    attributes = {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.spanOutputs": '{"choices":[{"message":{"content":""}}]}',
    }
    pieces = (
        chunk(id="c1", function={"name": "f", "arguments": ""}),
        chunk(id=None, function={"name": None, "arguments": '{"a":'}),
        event("other"),
        chunk(function={"arguments": "1}"}),
    )
    call = {"id": "c1", "name": "f", "arguments": '{"a":1}'}
    found = read_span(attributes, events=pieces)
    assert found.output == [{"role": "assistant", "tool_calls": [call]}]
    assert (
        read_span(attributes, events=(event("other"),)).output
        == attributes["mlflow.spanOutputs"]
    )


def test_mlflows_tool_and_agent():
    """A tool is named by its function, else by its span; an agent by its span."""
    tool = {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"a":1}'}
    function = {"mlflow.spanFunctionName": '"f"'}
    assert_fields(
        read_span(tool | function, name="x"), tool_name="f", arguments='{"a":1}'
    )
    assert_fields(read_span(tool, name="g"), tool_name="g")
    assert_fields(
        read_span({"mlflow.spanType": '"AGENT"'}, name="helper"), agent_name="helper"
    )
    assert_fields(read_span({"mlflow.spanType": '"PARSER"'} | function), tool_name=None)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("LLM", "llm"),
        ("CACHED", "llm"),
        ("TOOL", "tool"),
        ("EXECUTOR", "agent"),
        ("EVALUATOR", "evaluator"),
        ("HUMAN_EVALUATOR", "evaluator"),
        ("DEFAULT", "step"),
        ("PIPELINE", "workflow"),
    ],
)
def test_laminars_kinds(value, kind):
    """Each span type has a kind; a cached call is a call."""
    found = read_span({"lmnr.span.type": value})
    assert_fields(found, kind=kind, replayed=value == "CACHED")


def test_laminars_content():
    """Input and output are a tool's arguments and result."""
    attributes = {
        "lmnr.span.input": '{"a":1}',
        "lmnr.span.output": "3",
        "lmnr.association.properties.session_id": "s1",
        "lmnr.association.properties.user_id": "u1",
    }
    found = read_span({"lmnr.span.type": "TOOL", **attributes}, name="f")
    assert_fields(found, tool_name="f", arguments='{"a":1}', result="3", user_id="u1")
    found = read_span({"lmnr.span.type": "EXECUTOR", **attributes}, name="run")
    assert_fields(found, agent_name="run", input='{"a":1}', conversation_id="s1")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("llm", "llm"),
        ("tool", "tool"),
        ("score", "evaluator"),
        ("function", "step"),
        ("task", "workflow"),
        ("automation", ""),
    ],
)
def test_braintrusts_kinds(value, kind):
    """The type is a member of an object."""
    found = read_span({"braintrust.span_attributes": f'{{"type":"{value}"}}'})
    assert found.kind == kind


def test_braintrusts_call():
    """Metrics and metadata are objects."""
    found = read_span(
        {
            "braintrust.span_attributes": '{"type":"llm","name":"ask"}',
            "braintrust.metadata": '{"model":"gpt-4o","provider":"openai",'
            '"temperature":0.5}',
            "braintrust.metrics": '{"prompt_tokens":10,"completion_tokens":5,'
            '"tokens":15,"prompt_cached_tokens":4,"time_to_first_token":0.25}',
            "braintrust.input_json": '[{"role":"user","content":"hi"}]',
        }
    )
    assert_fields(
        found,
        model_requested="gpt-4o",
        provider="openai",
        temperature=0.5,
        ttft_ms=250,
        usage=Usage(10, 5, 15, 4),
        input='[{"role":"user","content":"hi"}]',
    )


@pytest.mark.parametrize("named", ['{"type":"tool","name":"f"}', '{"type":"tool"}'])
def test_braintrusts_tool(named):
    """A tool is named by its object, else by its span."""
    attributes = {"braintrust.span_attributes": named, "braintrust.output_json": "3"}
    assert_fields(read_span(attributes, name="f"), tool_name="f", result="3")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("llm", "llm"),
        ("tool", "tool"),
        ("agent", "agent"),
        ("guardrail", "guardrail"),
        ("http", "http"),
        ("agent.thinking", "planning"),
        ("session", "workflow"),
        ("task", "step"),
    ],
)
def test_agentopss_kinds(value, kind):
    """Each kind, also in the older names."""
    assert read_span({"agentops.span.kind": value}).kind == kind


def test_agentopss_call():
    """Anthropic's input count excludes the cached tokens here."""
    found = read_span(
        {
            "agentops.span.kind": "llm",
            "gen_ai.system": "Anthropic",
            "gen_ai.request.model": "claude",
            "gen_ai.usage.prompt_tokens": 100,
            "gen_ai.usage.completion_tokens": 5,
            "gen_ai.usage.cache_read_input_tokens": 80,
            "gen_ai.streaming.time_to_first_token": 0.25,
            "gen_ai.usage.total_cost": 0.5,
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "hi",
        },
        scope="agentops.instrumentation.anthropic",
    )
    assert_fields(
        found,
        usage=Usage(180, 5, None, 80),
        ttft_ms=250,
        cost_usd=0.5,
        input=[{"role": "user", "content": "hi"}],
    )


@pytest.mark.parametrize(("status", "failed"), [("error", True), ("ok", False)])
def test_agentopss_tool(status, failed):
    """A tool's status may be the only sign of its failure."""
    found = read_span(
        {
            "agentops.span.kind": "tool",
            "agentops.entity.name": "f",
            "tool.parameters": '{"a":1}',
            "tool.result": "3",
            "tool.status": status,
        }
    )
    assert_fields(found, tool_name="f", arguments='{"a":1}', result="3")
    assert (found.failure is not None) is failed


@pytest.mark.parametrize(
    ("request_type", "kind"), [("chat", "llm"), ("embedding", "embedding")]
)
def test_agentopss_failed_call(request_type, kind):
    """A call without a response is found by its request, under its client's scope."""
    attributes = {"gen_ai.request.type": request_type, "gen_ai.request.model": "m"}
    assert read_span(attributes, scope="openai", status="error").kind == kind


def test_agentopss_decorated_functions():
    """A decorator writes input and output under the name of its kind."""
    attributes = {
        "operation.name": "f",
        "agentops.tool.input": '{"args":[],"kwargs":{"a":1}}',
        "agentops.tool.output": "3",
    }
    found = read_span({"agentops.span.kind": "tool", **attributes})
    assert_fields(
        found, tool_name="f", arguments=attributes["agentops.tool.input"], result="3"
    )


def test_agentopss_requests_for_tools():
    """A requested tool call has a span too, whether the tool ran or not."""
    attributes = {
        "agentops.span.kind": "AgentOpsSpanKindValues.TOOL",
        "tool.name": "f",
        "tool.call.type": "function",
    }
    assert_fields(read_span(attributes, name="tool_call.f"), dropped=True)


@pytest.mark.parametrize(
    ("state", "failed"), [("Error", True), ("EndState.FAIL", True), ("Success", False)]
)
def test_agentopss_session_that_failed(state, failed):
    """A session's end state is a word, or a member of an enumeration."""
    attributes = {"agentops.span.kind": "session", "agentops.session.end_state": state}
    assert (read_span(attributes).failure is not None) is failed


def test_agentopss_agent():
    """An agent without a name has its entity's."""
    attributes = {"agentops.span.kind": "agent", "agentops.entity.name": "helper"}
    assert_fields(read_span(attributes), agent_name="helper")
    assert_fields(read_span(attributes | {"agent.name": "other"}), agent_name="other")


def chunk(text, tokens):
    return {"text": text, "message": {"content": text, "usage_metadata": tokens}}


@pytest.mark.parametrize(
    ("recorded", "counts"),
    [
        pytest.param((40, 9), (20, 6), id="the-sum-of-the-chunks"),
        pytest.param((20, 6), (20, 6), id="the-calls-own"),
    ],
)
def test_mlflows_counts_of_a_stream(recorded, counts):
    """Up to 3.7 they are the sum over chunks that each have the whole prompt."""
    tokens = [{"input_tokens": 20, "output_tokens": o} for o in (3, 6)]
    usage = dict(zip(("input_tokens", "output_tokens"), recorded, strict=True))
    found = read_span(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.chat.tokenUsage": json.dumps(usage),
            "mlflow.spanOutputs": json.dumps(
                {"generations": [[chunk("a", tokens[0]), chunk("b", tokens[1])]]}
            ),
        }
    ).usage
    assert (found.input, found.output) == counts
