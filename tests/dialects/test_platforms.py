"""Spans that were made for other backends: MLflow, Laminar, Braintrust, AgentOps."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.told import event, reading, tells


@pytest.mark.parametrize(
    ("said", "kind"),
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
def test_mlflows_kinds(said, kind):
    """A span type is JSON, so it has quotes."""
    assert reading({"mlflow.spanType": f'"{said}"'}).kind == kind


def test_mlflows_call():
    """Model, settings and response stand in inputs and outputs."""
    found = reading(
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
    tells(
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
    """What the summed usage leaves out stands in the provider's own."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    answer = {"choices": [{"finish_reason": "length"}], "usage": usage}
    found = reading(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": '{"model":"gpt-4o","stream":true}',
            "mlflow.spanOutputs": json.dumps(answer),
        }
    )
    tells(
        found,
        usage=Usage(10, 5, reasoning=2),
        finish_reasons=("length",),
        streaming=True,
    )


def test_mlflows_embedding():
    """Of the request only the texts were embedded."""
    found = reading(
        {
            "mlflow.spanType": '"EMBEDDING"',
            "mlflow.spanInputs": '{"model":"m","input":["a","b"]}',
            "mlflow.spanOutputs": '{"usage":{"prompt_tokens":3}}',
        }
    )
    tells(found, input=["a", "b"], usage=Usage(3))
    bare = reading({"mlflow.spanType": '"EMBEDDING"', "mlflow.spanInputs": '"a"'})
    assert bare.input == '"a"'


def test_mlflows_stream_of_tool_calls():
    """The sum of a stream leaves the tools out, which its chunks have."""

    def chunk(**piece):
        delta = {"delta": {"tool_calls": [{"index": 0, **piece}]}}
        value = json.dumps({"choices": [delta]})
        return event("mlflow.chunk.item.0", {"mlflow.chunk.value": value})

    said = {
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
    found = reading(said, events=pieces)
    assert found.output == [{"role": "assistant", "tool_calls": [call]}]
    assert reading(said, events=(event("other"),)).output == said["mlflow.spanOutputs"]


def test_mlflows_tool_and_agent():
    """A tool is named by its function, else by its span; an agent by its span."""
    tool = {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"a":1}'}
    function = {"mlflow.spanFunctionName": '"f"'}
    tells(reading(tool | function, name="x"), tool_name="f", arguments='{"a":1}')
    tells(reading(tool, name="g"), tool_name="g")
    tells(reading({"mlflow.spanType": '"AGENT"'}, name="helper"), agent_name="helper")
    tells(reading({"mlflow.spanType": '"PARSER"'} | function), tool_name=None)


@pytest.mark.parametrize(
    ("said", "kind"),
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
def test_laminars_kinds(said, kind):
    """Types by their words; a cached call is a call."""
    found = reading({"lmnr.span.type": said})
    tells(found, kind=kind, replayed=said == "CACHED")


def test_laminars_content():
    """Input and output are a tool's arguments and result."""
    said = {
        "lmnr.span.input": '{"a":1}',
        "lmnr.span.output": "3",
        "lmnr.association.properties.session_id": "s1",
        "lmnr.association.properties.user_id": "u1",
    }
    found = reading({"lmnr.span.type": "TOOL", **said}, name="f")
    tells(found, tool_name="f", arguments='{"a":1}', result="3", user_id="u1")
    found = reading({"lmnr.span.type": "EXECUTOR", **said}, name="run")
    tells(found, agent_name="run", input='{"a":1}', conversation_id="s1")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("llm", "llm"),
        ("tool", "tool"),
        ("score", "evaluator"),
        ("function", "step"),
        ("task", "workflow"),
        ("automation", ""),
    ],
)
def test_braintrusts_kinds(said, kind):
    """The type is a member of an object."""
    found = reading({"braintrust.span_attributes": f'{{"type":"{said}"}}'})
    assert found.kind == kind


def test_braintrusts_call():
    """Metrics and metadata are objects."""
    found = reading(
        {
            "braintrust.span_attributes": '{"type":"llm","name":"ask"}',
            "braintrust.metadata": '{"model":"gpt-4o","provider":"openai",'
            '"temperature":0.5}',
            "braintrust.metrics": '{"prompt_tokens":10,"completion_tokens":5,'
            '"tokens":15,"prompt_cached_tokens":4,"time_to_first_token":0.25}',
            "braintrust.input_json": '[{"role":"user","content":"hi"}]',
        }
    )
    tells(
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
    said = {"braintrust.span_attributes": named, "braintrust.output_json": "3"}
    tells(reading(said, name="f"), tool_name="f", result="3")


@pytest.mark.parametrize(
    ("said", "kind"),
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
def test_agentopss_kinds(said, kind):
    """Kinds by their words, the older ones too."""
    assert reading({"agentops.span.kind": said}).kind == kind


def test_agentopss_call():
    """Anthropic's input count leaves the cached tokens out here."""
    found = reading(
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
    tells(
        found,
        usage=Usage(180, 5, None, 80),
        ttft_ms=250,
        cost_usd=0.5,
        input=[{"role": "user", "content": "hi"}],
    )


@pytest.mark.parametrize(("status", "failed"), [("error", True), ("ok", False)])
def test_agentopss_tool(status, failed):
    """A tool's status may be the only sign of its failure."""
    found = reading(
        {
            "agentops.span.kind": "tool",
            "agentops.entity.name": "f",
            "tool.parameters": '{"a":1}',
            "tool.result": "3",
            "tool.status": status,
        }
    )
    tells(found, tool_name="f", arguments='{"a":1}', result="3")
    assert (found.failure is not None) is failed


@pytest.mark.parametrize(
    ("request_type", "kind"), [("chat", "llm"), ("embedding", "embedding")]
)
def test_agentopss_failed_call(request_type, kind):
    """A call without an answer is known by its request, under its client's scope."""
    said = {"gen_ai.request.type": request_type, "gen_ai.request.model": "m"}
    assert reading(said, scope="openai", status="error").kind == kind


def test_agentopss_decorated_functions():
    """A decorator writes input and output under the word for its kind."""
    said = {
        "operation.name": "f",
        "agentops.tool.input": '{"args":[],"kwargs":{"a":1}}',
        "agentops.tool.output": "3",
    }
    found = reading({"agentops.span.kind": "tool", **said})
    tells(found, tool_name="f", arguments=said["agentops.tool.input"], result="3")


def test_agentopss_requests_for_tools():
    """A tool that a model asked for has a span too, whether it ran or not."""
    said = {
        "agentops.span.kind": "AgentOpsSpanKindValues.TOOL",
        "tool.name": "f",
        "tool.call.type": "function",
    }
    tells(reading(said, name="tool_call.f"), dropped=True)


@pytest.mark.parametrize(
    ("state", "failed"), [("Error", True), ("EndState.FAIL", True), ("Success", False)]
)
def test_agentopss_session_that_failed(state, failed):
    """A session's end is a word, or a member of an enumeration."""
    said = {"agentops.span.kind": "session", "agentops.session.end_state": state}
    assert (reading(said).failure is not None) is failed


def test_agentopss_agent():
    """An agent is named by its entity where it has no name of its own."""
    said = {"agentops.span.kind": "agent", "agentops.entity.name": "helper"}
    tells(reading(said), agent_name="helper")
    tells(reading(said | {"agent.name": "other"}), agent_name="other")
