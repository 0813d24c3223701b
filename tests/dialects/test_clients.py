"""Clients and smaller frameworks: OpenLIT, Strands, MCP, ADK, Agent Framework, OTel."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span

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
    """On a call the tool keys are the requested calls, not tools that ran."""
    found = read_span(CHAT | more, scope="openlit.instrumentation.openai")
    assert_fields(found, kind="llm", output=output, arguments=None)


def test_openlits_tool():
    """On a tool they are its arguments and result."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.args": '{"a":1}',
    }
    found = read_span(attributes | {"gen_ai.tool.result": "3"}, scope="openlit")
    assert_fields(found, arguments='{"a":1}', result="3")


def test_openlits_runs_of_langchain():
    """A run has its input; a tool's message is a repr."""
    messages = '{"messages":[{"role":"user","content":"hi"}]}'
    found = read_span({"gen_ai.workflow.input": messages}, scope="openlit")
    assert_fields(found, input=messages)
    printed = "content='18C' name='f' tool_call_id='c1'"
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.result": printed,
    }
    assert_fields(read_span(attributes, scope="openlit"), result="18C")


# Strands


def test_strands_tool_that_failed():
    """The status shows the failure, the result its reason if it has one."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.status": "error",
    }
    answer = event("gen_ai.choice", {"message": '[{"text":"no city"}]'})
    scope = "strands.telemetry.tracer"
    events = (answer, event("other"))
    found = read_span(attributes, scope=scope, events=events).failure
    assert (found.type, found.message) == ("tool_error", "no city")
    bare = read_span(attributes, scope=scope).failure
    assert bare.message == "the tool reported an error"
    cycle = read_span({}, name="execute_event_loop_cycle", scope=scope)
    assert (cycle.kind, cycle.failure) == ("step", None)


# MCP


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("MCP send tools/call f", {}, {"kind": "tool", "tool_name": "f"}),
        ("tools/call", {}, {"kind": "tool"}),
        ("f.tool", {"gen_ai.tool.name": "f"}, {"kind": "tool", "tool_name": "f"}),
        (
            "tools/call f",
            {"mcp.request.argument.city": '"Rome"', "mcp.tool.result.content": "dry"},
            {"arguments": {"city": "Rome"}, "result": "dry"},
        ),
    ],
)
def test_mcp_calls(name, attributes, expected):
    """The client's span names the tool only in its name."""
    all_attributes = {"mcp.method.name": "tools/call"} | attributes
    assert_fields(read_span(all_attributes, name=name), **expected)


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
    """The method is in the name; each message of it has a span of its own."""
    scope = "opentelemetry.instrumentation.mcp.instrumentation"
    assert_fields(read_span(attributes, name=name, scope=scope), **expected)


def test_a_proxys_mcp_call():
    """Proxies name the method, the tool and its arguments in keys of their own."""
    attributes = {
        "mcp.method": "tools/call",
        "mcp.tool.name": "fetch",
        "mcp.tool.arguments": "url=https://example.org",
        "http.method": "POST",
    }
    expected = {"kind": "tool", "tool_name": "fetch"}
    found = read_span(attributes, name="mcp.tools/call")
    assert_fields(found, **expected, arguments="url=https://example.org")


def test_resources_are_named_by_address():
    """What was read is named by its address."""
    attributes = {
        "mcp.method.name": "resources/read",
        "mcp.resource.uri": "atlas://cities",
    }
    assert_fields(read_span(attributes), kind="mcp", input="atlas://cities")


def test_other_mcp_methods():
    """Every other method is a matter of the protocol."""
    listing = read_span({"mcp.method.name": "tools/list"}, name="MCP send tools/list")
    assert_fields(listing, kind="mcp", label="MCP send tools/list")
    assert read_span({"mcp.session.id": "x"}).kind == ""


# Google's Agent Development Kit


def test_adks_blobs():
    """Counts, settings and errors are in the request and the response."""
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
    found = read_span(
        {
            "gcp.vertex.agent.llm_request": json.dumps(request),
            "gcp.vertex.agent.llm_response": json.dumps(response),
            "gcp.vertex.agent.session_id": "s1",
        },
        name="call_llm",
        scope="gcp.vertex.agent",
    )
    assert_fields(
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
    """A blob may contain none of these."""
    attributes = {
        "gcp.vertex.agent.llm_request": '{"model":"gemini-2"}',
        "gcp.vertex.agent.llm_response": '{"content":null,"partial":true}',
    }
    found = read_span(attributes, name="call_llm", scope="gcp.vertex.agent")
    assert_fields(found, usage=None, temperature=None, model_requested="gemini-2")


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
    """A span's name is fixed here."""
    assert_fields(
        read_span(attributes, name=name, scope="gcp.vertex.agent"), **expected
    )


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
    """The engine's own bookkeeping is not an agent's work."""
    assert read_span({}, name=name, scope="agent_framework").kind == kind


# The conventions themselves


def test_events_of_every_generation():
    """Messages come as events in several shapes, and the details concatenate."""
    details = "gen_ai.client.inference.operation.details"
    found = read_span(
        CHAT,
        events=(
            event(details, {"gen_ai.input.messages": '[{"role":"user"}]'}),
            event(details, {"gen_ai.input.messages": {"role": "tool"}}),
            event("gen_ai.output.messages", {"gen_ai.event.content": '["yo"]'}),
        ),
    )
    assert_fields(found, input=[{"role": "user"}, {"role": "tool"}], output=["yo"])


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
    found = read_span(CHAT, events=(event("gen_ai.user.message", attributes),))
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
    text = {"message": message, "finish_reason": "stop", "index": 0}
    choice = event("gen_ai.choice", {"gen_ai.event.content": json.dumps(text)})
    found = read_span(CHAT, events=(choice,))
    assert found.output == [{"role": "assistant", **message}]


def test_a_tool_that_tells_by_events():
    """Arguments and result as events, as Strands writes them."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}
    found = read_span(
        attributes,
        events=(
            event("gen_ai.tool.message", {"content": '{"a":1}'}),
            event("gen_ai.choice", {"message": '{"r":3}'}),
            event("other"),
        ),
    )
    assert_fields(found, arguments={"a": 1}, result={"r": 3})


def test_fetching_bills_nothing():
    """A response that is only fetched was billed when it was made."""
    attributes = {
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.usage.input_tokens": 9,
    }
    assert_fields(read_span(attributes), usage=None)


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
    assert read_span({"gen_ai.operation.name": operation}).kind == kind


def test_a_live_session():
    """Live speech belongs to its session, unless a conversation is named."""
    attributes = {"gen_ai.operation.name": "user_speech", "gen_ai.live_session.id": "l"}
    assert_fields(read_span(attributes), conversation_id="l")
    assert_fields(
        read_span(attributes | {"gen_ai.conversation.id": "c"}), conversation_id="c"
    )


def test_the_rarer_keys():
    """Keys that few emitters write."""
    assert_fields(
        read_span(CHAT | {"microsoft.session.id": "s1"}), conversation_id="s1"
    )
    found = read_span(CHAT | {"gen_ai.agent.version": "2"})
    assert found.extra == {"gen_ai.agent.version": "2"}
    handoff = {
        "gen_ai.operation.name": "agent_handoff",
        "gen_ai.handoff.to_agent": "helper",
    }
    assert_fields(read_span(handoff), kind="handoff", agent_name="helper")
    guardrail = {
        "gen_ai.operation.name": "guardrail_check",
        "gen_ai.guardrail.name": "no secrets",
    }
    assert_fields(read_span(guardrail), kind="guardrail", label="no secrets")


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
    """The total if there is one, else the sum of the parts."""
    assert read_span(CHAT | attributes).cost_usd == cost


@pytest.mark.parametrize(("status", "failed"), [("failed", True), ("queued", False)])
def test_a_response_that_failed_in_the_background(status, failed):
    """A response's own status may be the only sign of its failure."""
    found = read_span(CHAT | {"gen_ai.response.status": status})
    assert (found.failure is not None) is failed


# Emitters whose input counts exclude cached tokens


@pytest.mark.parametrize(
    ("scope", "provider", "prompt"),
    [
        ("opentelemetry.instrumentation.bedrock", "aws.bedrock", 130),
        (
            "opentelemetry.instrumentation.botocore.bedrock-runtime",
            "aws.bedrock",
            130,
        ),
        ("openlit", "anthropic", 130),
        ("opentelemetry.instrumentation.anthropic", "anthropic", 100),
    ],
)
def test_emitters_that_count_cached_tokens_apart(scope, provider, prompt):
    """Where the numbers are ambiguous, the emitter decides."""
    attributes = {
        "gen_ai.provider.name": provider,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 30,
    }
    assert read_span(CHAT | attributes, scope=scope).usage.input == prompt


def test_content_that_was_withheld():
    """An event may contain only a placeholder for its content."""
    elided = event("gen_ai.user.message", {"content": "<elided>"})
    choice = event("gen_ai.choice", {"content": "<elided>", "finish_reason": "STOP"})
    assert_fields(read_span(CHAT, events=(elided, choice)), input=None, output=None)


def test_anthropics_keys_on_other_spans():
    """A span of another library with Anthropic's keys is not a plain request."""
    attributes = {
        "anthropic.model": "claude-haiku-4-5",
        "anthropic.input_tokens": 5,
        "anthropic.output_tokens": 3,
    }
    assert read_span(attributes, scope="my.app").kind == "llm"
