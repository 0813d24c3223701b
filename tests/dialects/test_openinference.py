"""OpenInference's spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.records import Usage
from support.records import assert_fields, read_span


def of(kind, attributes=None, **more):
    return read_span({"openinference.span.kind": kind, **(attributes or {})}, **more)


@pytest.mark.parametrize(
    ("value", "kind"),
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
def test_kinds(value, kind):
    """Kinds in any case; UNKNOWN is a step."""
    assert of(value).kind in (kind, "step" if value == "UNKNOWN" else kind)


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
        pytest.param(
            {"message.role": "assistant", "message.tool_calls.function.name": "f"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]},
            id="a-call-without-an-index",
        ),
    ],
)
def test_flattened_messages(flat, message):
    """A flattened message becomes a plain one."""
    attributes = {f"llm.input_messages.0.{key}": value for key, value in flat.items()}
    assert of("LLM", attributes).input == [message]


@pytest.mark.parametrize(
    ("attributes", "input_", "output"),
    [
        (
            {"llm.prompts": '["hi"]', "llm.choices.0.completion.text": "yo"},
            ["hi"],
            [{"content": "yo"}],
        ),
        ({"llm.prompts.0.prompt.text": "hi"}, "hi", None),
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
def test_older_and_poorer_messages(attributes, input_, output):
    """Content missing from the lists is in the raw request."""
    found = of("LLM", attributes)
    assert (found.input, found.output) == (input_, output)


@pytest.mark.parametrize(
    ("content", "raw", "is_raw"),
    [
        ("hi", '[{"role": "system", "content": "Be kind."}, "hi"]', True),
        ("hi", '{"messages": [{"role": "system", "content": "Be kind."}, "hi"]}', True),
        ("hi", '{"messages": ["hi"]}', False),
        ("hi", "hi", False),
        (None, '["Be kind.", "hi"]', True),
    ],
    ids="list request shorter text roles-only".split(),
)
def test_messages_that_lost_content(content, raw, is_raw):
    """A message left with only a role takes its content from the raw request."""
    attributes = {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.1.message.role": "user",
        "llm.output_messages.0.message.content": "yo",
        "input.value": raw,
    }
    if content:
        attributes["llm.input_messages.1.message.content"] = content
    found = of("LLM", attributes)
    assert ("kind" in str(found.input)) == is_raw
    assert found.output == [{"content": "yo"}]


def test_the_response_tells_its_id_and_model():
    """They are only in the raw response."""
    body = {"id": "r1", "model": "gpt-4o-2024", "choices": []}
    found = of("LLM", {"llm.model_name": "gpt-4o", "output.value": json.dumps(body)})
    assert_fields(
        found, response_id="r1", model="gpt-4o-2024", model_requested="gpt-4o"
    )


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
    """The provider's own error is inside the response."""
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
    """The client runs tools itself: only the response has the last request."""
    history = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"function_call": {"name": "f"}}]},
        {"role": "user", "parts": [{"function_response": {"name": "f"}}]},
    ]
    attributes = {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be kind.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "hi",
    }
    answer = {"automatic_function_calling_history": history}
    found = of("LLM", attributes | {"output.value": json.dumps(answer)})
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
    assert_fields(
        found, temperature=0.5, max_tokens=9, usage=Usage(10, 5), cost_usd=0.25
    )


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
    """A tool's parameters are its arguments if there are no others; a handoff is reported as a tool."""
    assert_fields(of("TOOL", attributes, name=name), **expected)


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
    """AGENT is also on spans that only have the word in their name."""
    assert_fields(of("AGENT", attributes, name=name), **expected)


def test_the_running_agent_of_a_workflow():
    """A step's output may name the agent at work."""
    attributes = {"output.value": "AgentOutput(current_agent_name='helper')"}
    assert of("CHAIN", attributes).agent_name == "helper"
    assert (
        of("CHAIN", {"output.value": "current_agent_name unknown"}).agent_name is None
    )


def test_lists_that_are_not_messages():
    """Documents and embedded texts are lists of their own."""
    found = of("RETRIEVER", {"retrieval.documents.0.document.content": "d"})
    assert found.extra["gen_ai.retrieval.documents"] == [{"document": {"content": "d"}}]
    found = of("EMBEDDING", {"embedding.embeddings.0.embedding.text": "hi"})
    assert found.input == [{"embedding": {"text": "hi"}}]


def test_the_response_model():
    """A processor that adds its keys to another's span may have only the requested model."""
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    with_output = {"gen_ai.response.model": "gpt-4o-2024"}
    assert_fields(read_span(attributes | with_output), model="gpt-4o-2024")
    assert_fields(read_span(attributes), model="gpt-4o")


def test_a_tools_messages_are_not_its_arguments():
    """The processor for Strands adds the message with the tool call to the tool."""
    attributes = {
        "input.value": '{"a":1}',
        "llm.input_messages.0.message.role": "assistant",
    }
    assert of("TOOL", attributes).arguments == '{"a":1}'


@pytest.mark.parametrize(
    ("value", "own", "scope", "kind"),
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
def test_the_emitters_own_kind(value, own, scope, kind):
    """A processor that adds a kind to another's span may be wrong about it."""
    assert of(value, own, scope=scope).kind == kind


def test_a_tool_that_was_refused():
    """Pydantic AI's own kind comes before the one that was added."""
    attributes = {
        "openinference.span.kind": "TOOL",
        "gen_ai.tool.name": "f",
        "pydantic_ai.tool.failure_stage": "validation",
    }
    assert read_span(attributes, scope="pydantic-ai").kind == "refused"


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
    attributes = {"openinference.span.kind": "TOOL", "output.value": output}
    assert read_span(attributes).result == result


def test_a_method_that_only_prepares():
    """A private method that prepares a request is not a call."""
    assert of("LLM", name="OpenAI._prepare_chat").dropped
    assert not of("LLM", name="OpenAI._prepare_chat", status="error").dropped
    called = {"llm.token_count.prompt": 1}
    assert not of("LLM", called, name="OpenAI._prepare_chat").dropped


def test_autogens_messages():
    """Its messages are reprs, each one text; source and content are read."""
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
    assert of("AGENT", {"input.value": other}, scope=scope).input == "text"


def test_the_agents_sdks_trace():
    """The processor writes AGENT on the trace too, which is the whole run."""
    scope = "openinference.instrumentation.openai_agents"
    assert of("AGENT", name="Agent workflow", scope=scope).kind == "workflow"
    assert of("AGENT", {"agent.name": "a"}, name="a", scope=scope).kind == "agent"


def test_a_tools_schema_is_no_argument():
    """`tool.parameters` may hold a tool's arguments or its schema."""
    schema = json.dumps({"type": "object", "properties": {"city": {}}})
    assert of("TOOL", {"tool.parameters": schema}).arguments is None
    given = of("TOOL", {"tool.parameters": '{"city": "Rome"}'})
    assert given.arguments == {"city": "Rome"}


@pytest.mark.parametrize(
    ("scope", "provider", "total"),
    [
        ("openinference.instrumentation.agno", "Anthropic", 130),
        ("openinference.instrumentation.agno", "OpenAI", 100),
        ("openinference.instrumentation.anthropic", "Anthropic", 100),
    ],
)
def test_agno_excludes_anthropics_cached_tokens(scope, provider, total):
    """Where the numbers are ambiguous, the emitter decides."""
    attributes = {
        "llm.provider": provider,
        "llm.model_name": "m",
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 5,
        "llm.token_count.prompt_details.cache_read": 30,
    }
    assert of("LLM", attributes, scope=scope).usage.input == total


LANGCHAIN = "openinference.instrumentation.langchain"
LANGCHAIN_JS = "@arizeai/openinference-instrumentation-langchain"
AGENTS = "openinference.instrumentation.openai_agents"
AGENTS_JS = "@arizeai/openinference-instrumentation-openai-agents"


@pytest.mark.parametrize("scope", [LANGCHAIN, LANGCHAIN_JS])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RunnableAssign<agent_scratchpad>", "step"),
        ("OpenAIToolsAgentOutputParser", "step"),
        ("ReActAgentPromptTemplate", "step"),
        ("AgentExecutor", "agent"),
        ("weather_agent", "agent"),
    ],
)
def test_langchains_classes(scope, name, kind):
    """Prompts, parsers and runnables are no agents for a word in their class."""
    assert of("AGENT", {}, scope=scope, name=name).kind == kind


@pytest.mark.parametrize("scope", [AGENTS, AGENTS_JS])
def test_the_agents_sdks_agents(scope):
    """An agent has its name as the node's id; the trace, without one, is the run."""
    agent = of("AGENT", {"graph.node.id": "Triage"}, scope=scope)
    assert_fields(agent, kind="agent", agent_name="Triage", weak=())
    assert of("AGENT", {}, scope=scope).kind == "workflow"


@pytest.mark.parametrize(
    ("name", "attributes", "agent"),
    [
        ("invoke_agent Geo", {"graph.node.id": "strands_agent"}, "Geo"),
        ("ai.generateText geo-agent", {}, "geo-agent"),
        ("run", {"graph.node.id": f"agent_{'0a' * 8}", "graph.node.name": "x"}, "x"),
        ("Geo.run", {"graph.node.id": f"agent_{'0a' * 8}"}, "Geo"),
        ("run", {"graph.node.id": "geo"}, "geo"),
    ],
)
def test_derived_agent_names(name, attributes, agent):
    """A derived name is weak: another dialect's explicit one wins."""
    found = of("AGENT", attributes, name=name)
    assert (found.agent_name, found.weak) == (agent, ("agent_name",))
    explicit = of("AGENT", {**attributes, "gen_ai.agent.name": "own"}, name=name)
    assert (explicit.agent_name, explicit.weak) == ("own", ())


def test_a_handoff_in_javascript():
    """The JavaScript SDK gives a handoff the name of a tool."""
    found = of("TOOL", {"tool.name": "handoff_to_Orders"}, name="handoff to Orders")
    assert_fields(found, kind="handoff", agent_name="Orders", tool_name=None)
    tool = of("TOOL", {"tool.name": "write_letter"}, name="handoff to Orders")
    assert_fields(tool, kind="tool", tool_name="write_letter")


def test_a_listed_response():
    """The JavaScript SDK lists its one raw response."""
    raw = json.dumps([{"model": "gpt-4o-2024", "id": "r1", "choices": []}])
    found = of("LLM", {"llm.model_name": "gpt-4o", "output.value": raw})
    assert_fields(found, model="gpt-4o-2024", response_id="r1")


def test_tool_results_that_flattening_lost():
    """Of several results in one message only the last is flattened: the request has all."""
    results = [
        {"type": "tool_result", "tool_use_id": i, "content": i} for i in ("a", "b")
    ]
    request = json.dumps({"messages": [{"role": "user", "content": results}]})
    flattened = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.tool_call_id": "b",
        "llm.input_messages.0.message.content": "b",
    }
    for key, kept in (("tool_use_id", 2), ("x", 1)):
        value = request.replace('"tool_use_id": "a"', f'"{key}": "a"')
        found = of("LLM", {**flattened, "input.value": value}).input
        messages = decode_messages(found)
        assert sum(len(m.responses) for m in messages) == kept


ANTHROPICS = {
    "input_tokens": 10,
    "cache_read_input_tokens": 2000,
    "cache_creation_input_tokens": 500,
    "output_tokens": 40,
}


@pytest.mark.parametrize(
    ("prompt", "usage", "counts"),
    [
        pytest.param(2510, ANTHROPICS, (2510, 2000, 500), id="inside"),
        pytest.param(10, ANTHROPICS, (2510, 2000, 500), id="the-providers-own-count"),
        pytest.param(900, {"prompt_tokens": 7}, (900, None, None), id="no-parts"),
        pytest.param(900, None, (900, None, None), id="no-usage"),
    ],
)
def test_parts_of_the_prompt_that_only_the_answer_counts(prompt, usage, counts):
    """The whole count is the span's, its parts are those of the serialised answer."""
    answer = {"content": [], "stop_reason": "end_turn", "usage": usage}
    found = read_span(
        {
            "openinference.span.kind": "LLM",
            "llm.token_count.prompt": prompt,
            "output.value": json.dumps(answer),
        }
    ).usage
    assert (found.input, found.cache_read, found.cache_write) == counts


@pytest.mark.parametrize(
    ("service", "kind"),
    [("stt", "step"), ("tts", "step"), ("llm", "llm"), (None, "llm")],
)
def test_pipecats_services_that_hear_and_speak(service, kind):
    """Its instrumentation writes the kind LLM on all three."""
    attributes = {"openinference.span.kind": "LLM", "service.type": service}
    assert read_span(attributes, name="pipecat.x").kind == kind
