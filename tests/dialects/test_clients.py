"""Clients and smaller frameworks: OpenLIT, Strands, MCP, ADK, Agent Framework, OTel."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.told import event, reading, tells

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


# OpenLIT


@pytest.mark.parametrize(
    ("more", "output"),
    [
        (
            {
                "gen_ai.tool.name": "f, g",
                "gen_ai.tool.call.id": "c1, c2",
                "gen_ai.tool.args": ['{"a":1}', "{}"],
            },
            [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"name": "f", "id": "c1", "arguments": '{"a":1}'},
                        {"name": "g", "id": "c2", "arguments": "{}"},
                    ],
                }
            ],
        ),
        (
            {
                "gen_ai.tool.name": "f",
                "gen_ai.tool.call.id": "c1",
                "gen_ai.tool.args": '{"a":1}',
            },
            [
                {
                    "role": "assistant",
                    "tool_calls": [{"name": "f", "id": "c1", "arguments": {"a": 1}}],
                }
            ],
        ),
        (
            {"gen_ai.tool.args": "{'a':1}", "gen_ai.output.messages": '["x"]'},
            '["x"]',
        ),
    ],
    ids=["several", "one", "messages-too"],
)
def test_openlits_tool_keys_on_a_call(more, output):
    """On a call the tool keys name what was asked for, not what ran."""
    found = reading(CHAT | more, scope="openlit.instrumentation.openai")
    tells(found, kind="llm", output=output, arguments=None)


def test_openlits_tool():
    """On a tool they are its arguments and result."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.args": '{"a":1}'}
    found = reading(said | {"gen_ai.tool.result": "3"}, scope="openlit")
    tells(found, arguments='{"a":1}', result="3")


def test_openlits_runs_of_langchain():
    """A run's input is told; a tool's message comes printed."""
    asked = '{"messages":[{"role":"user","content":"hi"}]}'
    found = reading({"gen_ai.workflow.input": asked}, scope="openlit")
    tells(found, input=asked)
    printed = "content='18C' name='f' tool_call_id='c1'"
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": printed}
    tells(reading(said, scope="openlit"), result="18C")


# Strands


def test_strands_tool_that_failed():
    """The status tells that, the answer why, where there is one."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.status": "error"}
    answer = event("gen_ai.choice", {"message": '[{"text":"no city"}]'})
    scope = "strands.telemetry.tracer"
    events = (answer, event("other"))
    found = reading(said, scope=scope, events=events).failure
    assert (found.type, found.message) == ("tool_error", "no city")
    bare = reading(said, scope=scope).failure
    assert bare.message == "the tool reported an error"
    cycle = reading({}, name="execute_event_loop_cycle", scope=scope)
    assert (cycle.kind, cycle.failure) == ("step", None)


# MCP


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("MCP send tools/call f", {}, {"kind": "tool", "tool_name": "f"}),
        ("tools/call", {}, {"kind": "tool"}),
        ("f.tool", {"gen_ai.tool.name": "f"}, {"kind": "tool", "tool_name": "f"}),
    ],
)
def test_mcp_calls(name, attributes, expected):
    """The client's span names the tool only in its name."""
    said = {"mcp.method.name": "tools/call"} | attributes
    tells(reading(said, name=name), **expected)


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("initialize.mcp", {}, {"kind": "mcp", "operation": "initialize"}),
        ("resources/read.mcp", {}, {"kind": "mcp", "operation": "resources/read"}),
        ("ResponseStreamWriter", {"mcp.request.id": 1}, {"kind": "mcp"}),
        ("ResponseStreamWriter", {"mcp.response.value": "{}"}, {"kind": "mcp"}),
        (
            "f.tool",
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "f",
                "traceloop.entity.input": '{"tool_name":"f","arguments":{"a":1}}',
                "mcp.request.id": 1,
            },
            {"kind": "tool", "tool_name": "f", "arguments": {"a": 1}},
        ),
    ],
)
def test_openllmetrys_mcp(name, attributes, expected):
    """The method stands in the name; each message of it has a span of its own."""
    scope = "opentelemetry.instrumentation.mcp.instrumentation"
    tells(reading(attributes, name=name, scope=scope), **expected)


def test_resources_are_asked_for_by_address():
    """What was read is named by its address."""
    said = {"mcp.method.name": "resources/read", "mcp.resource.uri": "atlas://cities"}
    tells(reading(said), kind="mcp", input="atlas://cities")


def test_other_mcp_methods():
    """Everything else is the protocol's own business."""
    listing = reading({"mcp.method.name": "tools/list"}, name="MCP send tools/list")
    tells(listing, kind="mcp", label="MCP send tools/list")
    assert reading({"mcp.session.id": "x"}).kind == ""


# Google's Agent Development Kit


def test_adks_blobs():
    """Counts, settings and errors stand in request and response."""
    request = {
        "model": "gemini-2",
        "config": {
            "temperature": 0.5,
            "top_p": 1,
            "max_output_tokens": 9,
            "system_instruction": "Be kind.",
        },
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }
    response = {
        "content": {"role": "model", "parts": [{"text": "yo"}]},
        "model_version": "gemini-2.1",
        "usage_metadata": {
            "prompt_token_count": 10,
            "candidates_token_count": 5,
            "thoughts_token_count": 2,
            "total_token_count": 17,
        },
        "error_code": "QUOTA",
        "error_message": "too much",
    }
    found = reading(
        {
            "gcp.vertex.agent.llm_request": json.dumps(request),
            "gcp.vertex.agent.llm_response": json.dumps(response),
            "gcp.vertex.agent.session_id": "s1",
        },
        name="call_llm",
        scope="gcp.vertex.agent",
    )
    tells(
        found,
        kind="llm",
        model="gemini-2.1",
        model_requested="gemini-2",
        temperature=0.5,
        top_p=1.0,
        max_tokens=9,
        system="Be kind.",
        conversation_id="s1",
        usage=Usage(10, 7, 17, reasoning=2),
    )
    assert (found.failure.message, found.failure.code) == ("too much", "QUOTA")


def test_adks_blobs_without_the_parts():
    """A blob may hold none of it."""
    said = {
        "gcp.vertex.agent.llm_request": '{"model":"gemini-2"}',
        "gcp.vertex.agent.llm_response": '{"content":null,"partial":true}',
    }
    found = reading(said, name="call_llm", scope="gcp.vertex.agent")
    tells(found, usage=None, temperature=None, model_requested="gemini-2")


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("invocation", {}, {"kind": "workflow"}),
        ("agent_run [helper]", {}, {"kind": "agent", "agent_name": "helper"}),
        ("invoke_agent helper", {}, {"kind": "agent", "agent_name": "helper"}),
        (
            "invoke_agent helper",  # OpenInference writes the call on it
            {"gen_ai.operation.name": "generate_content"},
            {"kind": "llm", "agent_name": "helper"},
        ),
        ("execute_tool f", {}, {"kind": "tool", "dropped": False}),
        (
            "execute_tool (merged tools)",
            {"gen_ai.tool.name": "(merged tools)"},
            {"dropped": True},
        ),
    ],
)
def test_adks_names(name, attributes, expected):
    """A span's name is a fixed word here."""
    tells(reading(attributes, name=name, scope="gcp.vertex.agent"), **expected)


# Microsoft's Agent Framework


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("workflow.build", "lifecycle"),
        ("message.send", "lifecycle"),
        ("workflow.run", "workflow"),
        ("executor.process writer", "step"),
        ("something.new", ""),
    ],
)
def test_agent_frameworks_engine(name, kind):
    """The engine's own bookkeeping is no work of an agent."""
    assert reading({}, name=name, scope="agent_framework").kind == kind


# The conventions themselves


def test_events_of_every_generation():
    """Messages come as events in several shapes, and the details concatenate."""
    details = "gen_ai.client.inference.operation.details"
    found = reading(
        CHAT,
        events=(
            event(details, {"gen_ai.input.messages": '[{"role":"user"}]'}),
            event(details, {"gen_ai.input.messages": {"role": "tool"}}),
            event("gen_ai.output.messages", {"gen_ai.event.content": '["yo"]'}),
        ),
    )
    tells(found, input=[{"role": "user"}, {"role": "tool"}], output=["yo"])


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"content": "hi"}, {"role": "user", "content": "hi"}),
        (
            {"gen_ai.event.content": '{"content":"hi","role":"user"}'},
            {"role": "user", "content": "hi"},
        ),
        ({"message": "hi"}, {"role": "user", "content": "hi"}),
    ],
    ids=["content", "azure", "message"],
)
def test_message_events(attributes, message):
    """Whichever attribute holds the message."""
    found = reading(CHAT, events=(event("gen_ai.user.message", attributes),))
    assert found.input == [message]


@pytest.mark.parametrize(
    "message",
    [
        {"content": "yo"},
        {"content": None, "tool_calls": [{"id": "c1"}]},
        {"tool_calls": [{"id": "c1"}]},
    ],
    ids=["text", "tools", "tools-alone"],
)
def test_azures_choice(message):
    """Azure's inference client puts the message inside the choice."""
    told = {"message": message, "finish_reason": "stop", "index": 0}
    choice = event("gen_ai.choice", {"gen_ai.event.content": json.dumps(told)})
    found = reading(CHAT, events=(choice,))
    assert found.output == [{"role": "assistant", **message}]


def test_a_tool_that_tells_by_events():
    """Arguments and result as events, as Strands writes them."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}
    found = reading(
        said,
        events=(
            event("gen_ai.tool.message", {"content": '{"a":1}'}),
            event("gen_ai.choice", {"message": '{"r":3}'}),
            event("other"),
        ),
    )
    tells(found, arguments={"a": 1}, result={"r": 3})


def test_fetching_bills_nothing():
    """A response that is only fetched was billed when it was made."""
    said = {"gen_ai.operation.name": "fetch_response", "gen_ai.usage.input_tokens": 9}
    tells(reading(said), usage=None)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("text_completion", "llm"),
        ("generate_content", "llm"),
        ("embeddings", "embedding"),
        ("rerank", "rerank"),
        ("retrieval", "retrieval"),
        ("create_agent", "lifecycle"),
        ("invoke_workflow", "workflow"),
        ("plan", "planning"),
        ("agent_handoff", "handoff"),
        ("apply_guardrail", "guardrail"),
        ("search_memory", "memory"),
        ("agent_step", "step"),
        ("never_heard_of", ""),
    ],
)
def test_operations(operation, kind):
    """Every operation in the wild has its kind."""
    assert reading({"gen_ai.operation.name": operation}).kind == kind


def test_a_live_session():
    """What is spoken live belongs to its session, unless a conversation is named."""
    said = {"gen_ai.operation.name": "user_speech", "gen_ai.live_session.id": "l"}
    tells(reading(said), conversation_id="l")
    tells(reading(said | {"gen_ai.conversation.id": "c"}), conversation_id="c")


def test_the_rarer_keys():
    """What few emitters write."""
    tells(reading(CHAT | {"microsoft.session.id": "s1"}), conversation_id="s1")
    found = reading(CHAT | {"gen_ai.agent.version": "2"})
    assert found.extra == {"gen_ai.agent.version": "2"}
    handoff = {
        "gen_ai.operation.name": "agent_handoff",
        "gen_ai.handoff.to_agent": "helper",
    }
    tells(reading(handoff), kind="handoff", agent_name="helper")
    guardrail = {
        "gen_ai.operation.name": "guardrail_check",
        "gen_ai.guardrail.name": "no secrets",
    }
    tells(reading(guardrail), kind="guardrail", label="no secrets")


@pytest.mark.parametrize(
    ("attributes", "cost"),
    [
        ({"gen_ai.usage.input_cost": 0.25, "gen_ai.usage.output_cost": 0.5}, 0.75),
        ({"gen_ai.usage.input_cost": 0.25}, 0.25),
        ({"gen_ai.usage.cost": 1, "gen_ai.usage.input_cost": 0.25}, 1),
        ({}, None),
    ],
)
def test_the_cost_in_parts(attributes, cost):
    """The whole where it is told, else the sum of its parts."""
    assert reading(CHAT | attributes).cost_usd == cost


@pytest.mark.parametrize(("status", "failed"), [("failed", True), ("queued", False)])
def test_a_response_that_failed_in_the_background(status, failed):
    """A response's own status may be the only sign of its failure."""
    found = reading(CHAT | {"gen_ai.response.status": status})
    assert (found.failure is not None) is failed


# Whose counts leave the cached tokens out


@pytest.mark.parametrize(
    ("scope", "provider", "prompt"),
    [
        ("opentelemetry.instrumentation.bedrock", "aws.bedrock", 130),
        (
            "opentelemetry.instrumentation.botocore.bedrock-runtime",
            "aws.bedrock",
            130,
        ),
        ("openinference.instrumentation.agno", "anthropic", 130),
        ("openinference.instrumentation.agno", "openai", 100),
        ("openlit", "anthropic", 130),
        ("opentelemetry.instrumentation.anthropic", "anthropic", 100),
    ],
)
def test_emitters_that_count_cached_tokens_apart(scope, provider, prompt):
    """Where the numbers do not tell, the emitter decides."""
    said = {
        "gen_ai.provider.name": provider,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 30,
    }
    assert reading(CHAT | said, scope=scope).usage.input == prompt


def test_content_that_was_withheld():
    """An event may say no more than that there was content."""
    elided = event("gen_ai.user.message", {"content": "<elided>"})
    choice = event("gen_ai.choice", {"content": "<elided>", "finish_reason": "STOP"})
    tells(reading(CHAT, events=(elided, choice)), input=None, output=None)
