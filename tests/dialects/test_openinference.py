"""OpenInference's spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.told import reading, tells


def of(kind, attributes=None, **more):
    return reading({"openinference.span.kind": kind, **(attributes or {})}, **more)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("LLM", "llm"),
        ("llm", "llm"),
        ("EMBEDDING", "embedding"),
        ("RETRIEVER", "retrieval"),
        ("RERANKER", "rerank"),
        ("TOOL", "tool"),
        ("AGENT", "agent"),
        ("GUARDRAIL", "guardrail"),
        ("EVALUATOR", "evaluator"),
        ("DECISION", "planning"),
        ("CHAIN", "step"),
        ("PROMPT", "step"),
        ("UNKNOWN", ""),
        ("SOMETHING", ""),
    ],
)
def test_kinds(said, kind):
    """Kinds in any case; UNKNOWN says nothing."""
    assert of(said).kind in (kind, "step" if said == "UNKNOWN" else kind)


@pytest.mark.parametrize(
    ("flat", "message"),
    [
        pytest.param(
            {"message.role": "user", "message.content": "hi"},
            {"role": "user", "content": "hi"},
            id="content",
        ),
        pytest.param(
            {
                "message.role": "user",
                "message.contents.0.message_content.type": "text",
                "message.contents.0.message_content.text": "hi",
            },
            {"role": "user", "parts": [{"type": "text", "text": "hi"}]},
            id="contents",
        ),
        pytest.param(
            {"message.role": "user", "message.contents.0": "hi"},
            {"role": "user", "parts": ["hi"]},
            id="plain-contents",
        ),
        pytest.param(
            {
                "message.role": "user",
                "message.contents.0.tool_call.id": "c1",
            },
            {"role": "user", "parts": [{"type": "tool_call", "id": "c1"}]},
            id="call-in-contents",
        ),
        pytest.param(
            {
                "message.role": "assistant",
                "message.function_call_name": "f",
                "message.function_call_arguments_json": "{}",
            },
            {
                "role": "assistant",
                "function_call_name": "f",
                "function_call_arguments_json": "{}",
                "function_call": {"name": "f", "arguments": "{}"},
            },
            id="function-call",
        ),
    ],
)
def test_flattened_messages(flat, message):
    """A flattened message is put together in plain words."""
    attributes = {f"llm.input_messages.0.{key}": value for key, value in flat.items()}
    assert of("LLM", attributes).input == [message]


@pytest.mark.parametrize(
    ("attributes", "asked", "answered"),
    [
        (
            {"llm.prompts": '["hi"]', "llm.choices.0.completion.text": "yo"},
            ["hi"],
            [{"content": "yo"}],
        ),
        ({"llm.prompts.0.prompt.text": "hi"}, None, None),
        ({"llm.choices.0.other": "yo"}, None, [{"content": None}]),
        ({"llm.choices.0.completion": "yo"}, None, ["yo"]),
        ({"llm.input_messages.0.message.role": "user"}, [{"role": "user"}], None),
        (
            {"llm.input_messages.0.message.role": "user", "input.value": "hi"},
            "hi",
            None,
        ),
        (
            {
                "llm.input_messages.0.message.content": "x",
                "input.value": '{"is_error": true}',
            },
            '{"is_error": true}',
            None,
        ),
    ],
    ids="prompts flat-prompts odd-choice plain-choice role role-and-raw error".split(),
)
def test_older_and_poorer_messages(attributes, asked, answered):
    """What the lists leave out the raw request still has."""
    found = of("LLM", attributes)
    assert (found.input, found.output) == (asked, answered)


def test_the_response_tells_its_id_and_model():
    """They stand only in the raw response."""
    body = {"id": "r1", "model": "gpt-4o-2024", "choices": []}
    found = of("LLM", {"llm.model_name": "gpt-4o", "output.value": json.dumps(body)})
    tells(found, response_id="r1", model="gpt-4o-2024", model_requested="gpt-4o")


@pytest.mark.parametrize(
    "message",
    [
        {"kwargs": {"response_metadata": {"model_name": "gpt-4o", "id": "r1"}}},
        {"kwargs": None},
    ],
    ids=["dump", "nothing"],
)
def test_langchains_response(message):
    """LangChain wraps the provider's answer."""
    generation = {"message": message, "generation_info": {"model_name": "gpt-4o"}}
    body = {"generations": [[generation]]}
    assert of("LLM", {"output.value": json.dumps(body)}).model == "gpt-4o"
    empty = of("LLM", {"output.value": '{"generations": []}'})
    assert empty.model is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "quota", "type": "t"}, "quota"),
        ({"type": "rate_limit"}, "rate_limit"),
        ({}, "error"),
    ],
    ids=["code", "type", "neither"],
)
def test_langchains_answer_may_be_an_error(error, kind):
    """The provider's own word on a failure stands inside the answer."""
    info = {"body": {"error": error}, "status_code": 429}
    body = {"generations": [[{"generation_info": info}]]}
    found = of("LLM", {"output.value": json.dumps(body)}, status="error")
    assert (found.http_status, found.failure.type, found.failure.code) == (
        429,
        kind,
        "429",
    )


def test_an_error_without_a_status():
    """Not every error names its status."""
    body = {"generations": [[{"generation_info": {"body": {"error": {"code": "q"}}}}]]}
    found = of("LLM", {"output.value": json.dumps(body)}, status="error")
    assert (found.http_status, found.failure.type) == (None, "q")


def test_geminis_automatic_calls():
    """The client runs tools itself: its last request is told only by the answer."""
    history = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"function_call": {"name": "f"}}]},
        {"role": "user", "parts": [{"function_response": {"name": "f"}}]},
    ]
    asked = {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be kind.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "hi",
    }
    answer = {"automatic_function_calling_history": history}
    found = of("LLM", asked | {"output.value": json.dumps(answer)})
    assert [message["role"] for message in found.input] == [
        "system", "user", "model", "user"
    ]  # fmt: skip
    bare = of("LLM", {"output.value": json.dumps(answer)})
    assert bare.input is None


def test_parameters():
    """The request's parameters are one JSON text."""
    found = of(
        "LLM",
        {
            "llm.invocation_parameters": '{"model":"gpt-4o","temperature":0.5,'
            '"max_completion_tokens":9,"stream":true}',
            "llm.token_count.prompt": "10",
            "llm.token_count.completion": 5,
            "llm.cost.total": 0.25,
        },
    )
    tells(found, temperature=0.5, max_tokens=9, usage=Usage(10, 5), cost_usd=0.25)


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("f", {"tool.name": "f", "input.value": "{}"}, {"tool_name": "f"}),
        (
            "f",
            {"tool.parameters": '{"a":1}'},
            {"arguments": {"a": 1}},
        ),
        ("handoff to B", {}, {"kind": "handoff", "agent_name": "B"}),
        ("handoff to B", {"tool.name": "x"}, {"kind": "tool"}),
    ],
)
def test_tools(name, attributes, expected):
    """A tool's parameters are its arguments at worst; a handoff is told as a tool."""
    tells(of("TOOL", attributes, name=name), **expected)


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("helper.run", {}, {"agent_name": "helper"}),
        ("x", {"graph.node.id": "helper"}, {"agent_name": "helper"}),
        ("x", {"agent.name": "helper"}, {"kind": "agent", "agent_name": "helper"}),
        ("agent_tool", {"tool.name": "t"}, {"kind": "tool"}),
        (
            "call_agent",
            {"metadata": '{"lc_agent_name":"helper"}'},
            {"kind": "step", "agent_name": "helper"},
        ),
    ],
)
def test_agents(name, attributes, expected):
    """AGENT is also said of what only has the word in its name."""
    tells(of("AGENT", attributes, name=name), **expected)


def test_the_running_agent_of_a_workflow():
    """A step's output may name the agent at work."""
    said = {"output.value": "AgentOutput(current_agent_name='helper')"}
    assert of("CHAIN", said).agent_name == "helper"
    assert (
        of("CHAIN", {"output.value": "current_agent_name unknown"}).agent_name is None
    )


def test_lists_that_are_not_messages():
    """Documents and embedded texts are lists of their own."""
    found = of("RETRIEVER", {"retrieval.documents.0.document.content": "d"})
    assert found.extra["gen_ai.retrieval.documents"] == [{"document": {"content": "d"}}]
    found = of("EMBEDDING", {"embedding.embeddings.0.embedding.text": "hi"})
    assert found.input == [{"embedding": {"text": "hi"}}]


def test_the_model_that_answered():
    """A processor that adds its keys to another's span may know only the one asked for."""
    said = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    answered = {"gen_ai.response.model": "gpt-4o-2024"}
    tells(reading(said | answered), model="gpt-4o-2024")
    tells(reading(said), model="gpt-4o")


def test_a_tools_messages_are_not_its_arguments():
    """Its processor for Strands gives a tool the message that asked for it."""
    said = {"input.value": '{"a":1}', "llm.input_messages.0.message.role": "assistant"}
    assert of("TOOL", said).arguments == '{"a":1}'


@pytest.mark.parametrize(
    ("said", "own", "scope", "kind"),
    [
        ("TOOL", {"gen_ai.operation.name": "chat"}, "openlit", "llm"),
        ("LLM", {"llm.request.type": "embedding"}, "", "embedding"),
        ("LLM", {"gen_ai.operation.name": "never_heard_of"}, "", "llm"),
        ("LLM", {}, "", "llm"),
        (
            "LLM",
            {"gen_ai.operation.name": "embeddings"},
            "openinference.instrumentation.x",
            "llm",
        ),
    ],
)
def test_the_emitters_own_kind(said, own, scope, kind):
    """A processor that adds a kind to another's span may be wrong about it."""
    assert of(said, own, scope=scope).kind == kind


def test_a_tool_that_was_refused():
    """pydantic-ai's own word on its span counts more than the kind that was added."""
    said = {
        "openinference.span.kind": "TOOL",
        "gen_ai.tool.name": "f",
        "pydantic_ai.tool.failure_stage": "validation",
    }
    assert reading(said, scope="pydantic-ai").kind == "refused"


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ('{"id":"1","name":"f","response":{"r":3}}', {"r": 3}),
        ('{"name":"f","response":{"r":3}}', '{"name":"f","response":{"r":3}}'),
        ('{"response": broken', '{"response": broken'),
    ],
)
def test_geminis_function_response(output, result):
    """A tool's answer inside the message that takes it to the model."""
    said = {"openinference.span.kind": "TOOL", "output.value": output}
    assert reading(said).result == result


def test_a_method_that_only_prepares():
    """A private method that readies a request is no call."""
    assert of("LLM", name="OpenAI._prepare_chat").dropped
    assert not of("LLM", name="OpenAI._prepare_chat", status="error").dropped
    called = {"llm.token_count.prompt": 1}
    assert not of("LLM", called, name="OpenAI._prepare_chat").dropped


def test_autogens_messages():
    """Its messages are printed, each as one text; who spoke and what is read."""
    scope = "openinference.instrumentation.autogen_agentchat"
    printed = [
        "id='1' source='user' metadata={} content='What\\'s up?' type='TextMessage'",
        "id='2' source='writer' models_usage=None content=\"I'm fine\" type='Text'",
        "id='3' source='user' without words",
    ]
    found = of("AGENT", {"input.value": json.dumps({"messages": printed})}, scope=scope)
    assert found.input == [
        {"role": "user", "content": "What's up?"},
        {"role": "assistant", "content": "I'm fine"},
    ]
    other = json.dumps({"messages": "text"})
    assert of("AGENT", {"input.value": other}, scope=scope).input == other


def test_the_agents_sdks_trace():
    """Its processor says AGENT of the trace too, which is the run, and nobody's name."""
    scope = "openinference.instrumentation.openai_agents"
    assert of("AGENT", name="Agent workflow", scope=scope).kind == "workflow"
    assert of("AGENT", {"agent.name": "a"}, name="a", scope=scope).kind == "agent"


def test_a_tools_schema_is_no_argument():
    """`tool.parameters` may hold what a tool was called with, or could be called with."""
    schema = json.dumps({"type": "object", "properties": {"city": {}}})
    assert of("TOOL", {"tool.parameters": schema}).arguments is None
    given = of("TOOL", {"tool.parameters": '{"city": "Rome"}'})
    assert given.arguments == {"city": "Rome"}
