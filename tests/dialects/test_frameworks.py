"""Frameworks with words of their own."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.told import event, reading, tells

# Claude Code and Codex


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("interaction", "agent"),
        ("llm_request", "llm"),
        ("tool", "tool"),
        ("tool.execution", "step"),
        ("tool.blocked_on_user", "waiting"),
        ("hook", "step"),
        ("something.new", "step"),
    ],
)
def test_claude_codes_kinds(said, kind):
    """Types with the prefix and without, or by the span's name."""
    scope = "com.anthropic.claude_code.tracing"
    assert reading({"span.type": said}, scope=scope).kind == kind
    assert reading({"span.type": f"claude_code.{said}"}, scope=scope).kind == kind
    assert reading({"span.type": ""}, name=f"claude_code.{said}").kind == kind


def test_claude_codes_words_are_its_own():
    """Bare words on other libraries' spans mean nothing."""
    found = reading({"span.type": "web", "model": "T", "input_tokens": 5}, scope="shop")
    tells(found, kind="", model=None, usage=None, dialects=())


def test_claude_codes_tool():
    """Arguments by whichever key has them; the result stands in an event."""
    found = reading(
        {"span.type": "tool", "tool_name": "Edit", "file_path": "a.py"},
        name="claude_code.tool",
        events=(event("other"), event("tool.output", {"diff": "+1"})),
    )
    tells(found, tool_name="Edit", arguments="a.py", result="+1")


@pytest.mark.parametrize(
    ("name", "kind"), [("session_task.turn", "agent"), ("handle_responses", "step")]
)
def test_codex(name, kind):
    """A turn holds the counts, the spans inside repeat them."""
    counts = {
        "codex.turn.token_usage.input_tokens": 10,
        "codex.turn.token_usage.output_tokens": 5,
        "codex.turn.token_usage.cached_input_tokens": 4,
    }
    found = reading(counts, name=name, scope="codex_cli_rs")
    tells(found, kind=kind, usage=Usage(10, 5, None, 4))
    assert reading({}, name="other", scope="codex_cli_rs").kind == ""


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("llm_call", "llm"), ("tool_call", "tool"), ("agent_call", "agent")],
)
def test_gemini_cli(operation, kind):
    """The Gemini command line has operations of its own."""
    assert reading({"gen_ai.operation.name": operation}).kind == kind


# CrewAI


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("execute crew", "workflow"),
        ("execute task", "step"),
        ("execute agent", "agent"),
        ("call llm", "llm"),
        ("call tool", "tool"),
        ("execute mcp tool", "tool"),
        ("agent reasoning", "planning"),
        ("evaluate guardrail", "guardrail"),
        ("query memory", "memory"),
        ("search knowledge", "retrieval"),
        ("connect mcp", "mcp"),
        ("a2a delegate", ""),
    ],
)
def test_crewais_kinds(name, kind):
    """A span's name is a fixed word."""
    assert reading({"crewai.event_name": "e"}, name=name, scope="crewai").kind == kind


def test_crewais_tool_that_reported_a_failure():
    """A tool that returned normally may still say that it failed."""
    found = reading(
        {
            "gen_ai.tool.name": "f",
            "crewai.tool.failure.message": "no city",
            "crewai.tool.failure.reason": "not_found",
            "crewai.tool.failure.code": "404",
            "crewai.tool.from_cache": False,
        },
        name="call tool",
    )
    failure = found.failure
    assert (failure.type, failure.message, failure.code) == (
        "not_found",
        "no city",
        "404",
    )


def test_crewais_account_of_a_failure():
    """A failed tool's own span tells of it; the account beside it would be a second."""
    said = {"crewai.tool.failure.message": "no city"}
    tells(reading(said, name="tool failure", scope="crewai"), dropped=True)


def test_crewais_agents_have_a_role():
    """What stands for the name is a checksum."""
    said = {"crewai.agent.role": "forecaster", "gen_ai.agent.name": "c109e65432c6"}
    tells(reading(said, name="execute agent"), agent_name="forecaster")


@pytest.mark.parametrize(
    ("inputs", "told"), [("null", None), ('{"city": "Paris"}', "a message")]
)
def test_crewais_run_without_inputs(inputs, told):
    """A run without inputs has the word null for a message."""
    said = {"crewai.crew.inputs": inputs, "gen_ai.input.messages": "a message"}
    tells(reading(said, name="execute crew"), input=told)


def test_crewais_mcp_tool():
    """Its arguments and result have keys of their own."""
    found = reading(
        {
            "crewai.mcp.tool_name": "f",
            "crewai.mcp.tool_args": '{"a":1}',
            "crewai.mcp.tool_result": "3",
        },
        name="execute mcp tool",
    )
    tells(found, tool_name="f", arguments='{"a":1}', result="3")


def test_crewais_task():
    """What is expected is one text, whatever commas it holds."""
    found = reading(
        {
            "crewai.task.description": "Say the weather.",
            "crewai.task.expected_output": "a, b",
        },
        name="execute task",
    )
    assert dict(found.expected) == {
        "task_objective": "Say the weather.",
        "required_deliverables": ("a, b",),
    }
    assert not reading({"crewai.task.expected_output": ""}).expected


def test_crewais_totals():
    """A crew's metrics sum over its calls."""
    metrics = json.dumps({"prompt_tokens": 30, "completion_tokens": 15})
    found = reading({"crewai.crew.usage_metrics": metrics}, name="execute crew")
    assert found.usage == Usage(30, 15)


# LiteLLM


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("completion", "llm"),
        ("acompletion", "llm"),
        ("aresponses", "llm"),
        ("anthropic_messages", "llm"),
        ("aembedding", "embedding"),
        ("arerank", "rerank"),
    ],
)
def test_litellms_operations(said, kind):
    """The function's name stands where an operation belongs."""
    said = {"gen_ai.operation.name": said, "litellm.call_id": "c"}
    assert reading(said).kind == kind


def test_litellms_frames():
    """The proxy's requests are transport, its services too."""
    root = reading({}, name="Received Proxy Server Request", scope="litellm")
    service = reading({"service": "redis", "call_type": "get"}, scope="litellm")
    raw = reading({}, name="raw_gen_ai_request", scope="litellm")
    assert (root.kind, service.kind, raw.dropped) == ("http", "db", True)


def test_litellms_second_generation():
    """Cost, cache, purpose and the provider's error have keys of their own."""
    found = reading(
        {
            "gen_ai.operation.name": "chat",
            "litellm.cost.total": 0.25,
            "litellm.cache_hit": True,
            "litellm.request.purpose": "title",
            "litellm.end_user.id": "u1",
            "litellm.provider.error.code": "overloaded",
        },
        status="error",
    )
    tells(found, cost_usd=0.25, replayed=True, purpose="title", user_id="u1")
    assert found.failure.code == "overloaded"


# Haystack


@pytest.mark.parametrize(
    ("name", "component", "kind"),
    [
        ("haystack.pipeline.run", None, "workflow"),
        ("haystack.agent.run", None, "agent"),
        ("Agent.run", None, "agent"),
        ("haystack.agent.step", None, "step"),
        ("haystack.agent.step.llm", None, "llm"),
        ("haystack.agent.step.tool", None, "tool"),
        ("haystack.component.run", "OpenAIChatGenerator", "llm"),
        ("haystack.component.run", "OpenAITextEmbedder", "embedding"),
        ("haystack.component.run", "InMemoryBM25Retriever", "retrieval"),
        ("haystack.component.run", "CohereRanker", "rerank"),
        ("haystack.component.run", "PromptBuilder", "step"),
    ],
)
def test_haystacks_kinds(name, component, kind):
    """A name tells, else the end of the component's class."""
    said = {"haystack.component.type": component, "haystack.component.name": "x"}
    assert reading(said, name=name).kind == kind


def test_a_haystack_pipelines_messages():
    """What a pipeline takes and gives stands under the names of its components."""
    asked = [{"role": "user", "content": "hi"}]
    said = {
        "haystack.pipeline.input_data": json.dumps({"llm": {"messages": asked}}),
        "haystack.pipeline.output_data": json.dumps({"llm": {"replies": ["yo"]}}),
    }
    found = reading(said, name="haystack.pipeline.run")
    assert (found.input, found.output) == (asked, ["yo"])


def test_haystacks_printed_messages():
    """An input with tools in it is printed, not written as JSON; its texts are read."""
    printed = (
        "{'messages': [ChatMessage(_role=<ChatRole.SYSTEM: 'system'>, _content="
        "[TextContent(text='Be \\'terse\\'.')], _name=None, _meta={}), "
        "ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text="
        '"What\'s up?")], _name=None, _meta={}), ChatMessage(_role=<ChatRole.TOOL: '
        "'tool'>, _content=[ToolCallResult(result='cut \\N', origin=None)])], "
        "'tools': [Tool(name='f')]}"
    )
    found = reading(
        {"haystack.agent.step.llm.input": printed}, name="haystack.agent.step.llm"
    )
    assert [(m["role"], m["content"][0]["text"]) for m in found.input] == [
        ("system", "Be 'terse'."),
        ("user", "What's up?"),
        ("tool", "cut \\N"),
    ]
    orphan = "TextContent(text='x'), ChatMessage(_role=..."
    said = {"haystack.agent.step.llm.input": orphan}
    assert reading(said, name="haystack.agent.step.llm").input == orphan


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(
            {
                "replies": [
                    {
                        "role": "assistant",
                        "content": [{"text": "yo"}],
                        "meta": {
                            "model": "gpt-4o",
                            "finish_reason": "stop",
                            "usage": {
                                "prompt_tokens": 10,
                                "completion_tokens": 5,
                                "prompt_tokens_details": {"cached_tokens": 4},
                                "completion_tokens_details": {"reasoning_tokens": 2},
                            },
                        },
                    }
                ]
            },
            id="chat",
        ),
        pytest.param(
            {
                "replies": ["yo"],
                "meta": [
                    {
                        "model": "gpt-4o",
                        "finish_reason": "stop",
                        "usage": {
                            "input_tokens": 10,
                            "output_tokens": 5,
                            "prompt_tokens_details": {"cached_tokens": 4},
                            "completion_tokens_details": {"reasoning_tokens": 2},
                        },
                    }
                ],
            },
            id="text",
        ),
    ],
)
def test_haystacks_call(output):
    """Model and counts stand only in the notes beside the replies."""
    asked = {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "generation_kwargs": {"temperature": 0.5},
    }
    found = reading(
        {
            "haystack.component.type": "OpenAIChatGenerator",
            "haystack.component.input": json.dumps(asked),
            "haystack.component.output": json.dumps(output),
        },
        name="haystack.component.run",
    )
    tells(
        found,
        model="gpt-4o",
        usage=Usage(10, 5, None, 4, None, 2),
        finish_reasons=("stop",),
        temperature=0.5,
        input=asked["messages"],
        output=output["replies"],
    )


def test_haystacks_embedder():
    """An embedder's notes are one object."""
    found = reading(
        {
            "haystack.component.type": "OpenAITextEmbedder",
            "haystack.component.output": '{"meta":{"model":"e3",'
            '"usage":{"prompt_tokens":7}}}',
        }
    )
    tells(found, model="e3", usage=Usage(7))


def test_haystacks_tool():
    """A tool that failed says so in a flag and its output."""
    found = reading(
        {
            "haystack.tool.name": "f",
            "haystack.tool.error": True,
            "haystack.agent.step.tool.input": '{"a":1}',
            "haystack.agent.step.tool.output": '{"error":"no city"}',
        },
        name="haystack.agent.step.tool",
    )
    tells(found, tool_name="f", arguments='{"a":1}')
    assert found.failure.message == "no city"


# OpenAI's Agents SDK


def test_the_agents_sdks_defaults_are_no_names():
    """Every span has the same words where its agent's should stand."""
    scope = "opentelemetry.instrumentation.openai_agents"
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "OpenAI Agent",
        "gen_ai.agent.id": "agent",
        "gen_ai.agent.description": "OpenAI Agents instrumentation",
    }
    found = reading(said, scope=scope)
    tells(found, kind="llm", agent_name=None, agent_id=None, agent_description=None)
    handoff = {"gen_ai.operation.name": "agent_handoff"}
    to = {"gen_ai.handoff.to_agent": "helper"}
    tells(reading(said | handoff | to, scope=scope), agent_name="helper")
    tells(reading({"gen_ai.agent.name": "a"}, scope=scope), agent_name="a")
    assert reading(said, scope=scope).kind == "llm"
    turn = {"gen_ai.operation.name": "unknown"}
    assert reading(turn, name="unknown", scope=scope).kind == "step"


# Semantic Kernel, Azure, LiveKit, Genkit, Mastra


FUNCTION = "semantic_kernel.functions.kernel_function"


def test_semantic_kernels_functions():
    """A function that a model asked for is a tool, without its plugin; else a frame."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "p-f"}
    asked = said | {"gen_ai.tool.call.id": "c1"}
    tool = reading(asked, scope=FUNCTION, name="execute_tool p-f")
    tells(tool, kind="tool", tool_name="f")
    plain = reading(said, scope=FUNCTION, name="execute_tool p-f")
    tells(plain, kind="step", label="p-f")
    loop = reading({"sk.available_functions": "f"}, name="AutoFunctionInvocationLoop")
    assert loop.kind == "step"


def test_semantic_kernels_errors():
    """A class's repr is its name."""
    scope = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
    said = {"error.type": "<class 'openai.RateLimitError'>"}
    found = reading(said, scope=scope, status="error")
    assert found.failure.type == "openai.RateLimitError"
    assert reading({"error.type": "X"}, scope=scope).failure.type == "X"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("responses", "llm"),
        ("create_agent", "lifecycle"),
        ("create_conversation", "lifecycle"),
        ("list_conversation_items", "http"),
        ("process_thread_run", "agent"),
    ],
)
def test_azures_operations(operation, kind):
    """Housekeeping is no work of the model."""
    said = {"gen_ai.operation.name": operation, "az.namespace": "Microsoft.Foundry"}
    assert reading(said).kind == kind


@pytest.mark.parametrize(
    ("status", "failed"), [("RunStatus.FAILED", True), ("completed", False)]
)
def test_azures_runs(status, failed):
    """A run that the service gave up is a failure."""
    said = {"az.namespace": "x", "gen_ai.thread.run.status": status}
    assert (reading(said).failure is not None) is failed


@pytest.mark.parametrize("pii", ["pii.", ""], ids=["now", "before"])
def test_livekits_tool(pii):
    """Keys with the mark for personal data, and before it."""
    found = reading(
        {
            "lk.function_tool.name": "f",
            "lk.function_tool.id": "c1",
            f"lk.{pii}function_tool.arguments": '{"a":1}',
            f"lk.{pii}function_tool.output": "no city",
            "lk.function_tool.is_error": True,
        },
        name="function_tool",
    )
    tells(found, kind="tool", tool_name="f", arguments='{"a":1}', result="no city")
    assert found.failure is not None


def test_livekits_call():
    """The node is a frame around the request; a context holds its messages."""
    context = '{"items":[{"role":"user","content":["hi"]}]}'
    node = reading(
        {"lk.pii.chat_ctx": context, "lk.response.ttft": 0.25}, name="llm_node"
    )
    tells(node, kind="step", ttft_ms=250, input=[{"role": "user", "content": ["hi"]}])
    request = reading({"lk.pii.user_input": "hi"}, name="llm_request")
    tells(request, kind="llm", input="hi")


def test_genkits_model():
    """Counts and settings stand in the recorded output and input."""
    found = reading(
        {
            "genkit:type": "action",
            "genkit:metadata:subtype": "model",
            "genkit:name": "googleai/gemini-2",
            "genkit:input": '{"messages":[],"config":{"temperature":0.5}}',
            "genkit:output": '{"message":{},"usage":{"inputTokens":10,'
            '"outputTokens":5}}',
        }
    )
    tells(
        found,
        kind="llm",
        model_requested="googleai/gemini-2",
        provider="google",
        temperature=0.5,
        usage=Usage(10, 5),
    )


def test_genkits_answer():
    """The provider's own answer stands inside the model's."""
    usage = {"prompt_tokens_details": {"cached_tokens": 4}}
    raw = {"id": "r1", "model": "gpt-4o-2024", "usage": usage}
    answer = {
        "finishReason": "length",
        "usage": {"inputTokens": 10, "outputTokens": 5, "thoughtsTokens": 2},
        "raw": raw,
    }
    found = reading(
        {
            "genkit:metadata:subtype": "model",
            "genkit:name": "openai/gpt-4o",
            "genkit:output": json.dumps(answer),
        }
    )
    tells(
        found,
        model="gpt-4o-2024",
        model_requested="openai/gpt-4o",
        response_id="r1",
        finish_reasons=("length",),
        usage=Usage(10, 5, None, 4, None, 2),
    )


def test_genkits_frames():
    """Embedders name their model, agents themselves; helpers are frames."""
    embedder = {"genkit:metadata:subtype": "embedder", "genkit:name": "m"}
    tells(reading(embedder), kind="embedding", model_requested="m")
    agent = {"genkit:metadata:subtype": "agent", "genkit:name": "helper"}
    tells(reading(agent), kind="agent", agent_name="helper")
    assert reading({"genkit:type": "util", "genkit:name": "generate"}).kind == "step"


def test_genkits_tool_and_flow():
    """A tool's content is its arguments and result; a flow is a workflow."""
    said = {"genkit:metadata:subtype": "tool", "genkit:input": '{"a":1}'}
    tells(reading(said, name="f"), kind="tool", tool_name="f", arguments='{"a":1}')
    assert reading({"genkit:metadata:subtype": "flow"}).kind == "workflow"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("agent_run", "agent"),
        ("model_inference", "llm"),
        ("model_step", "llm"),
        ("model_generation", "step"),
        ("model_chunk", "lifecycle"),
        ("tool_call", "tool"),
        ("workflow_run", "workflow"),
        ("rag_embedding", "embedding"),
    ],
)
def test_mastras_kinds(said, kind):
    """Span types by their words, with the content under them."""
    found = reading({"mastra.span.type": said, f"mastra.{said}.input": '{"a":1}'})
    assert found.kind == kind
    told = found.arguments if kind == "tool" else found.input
    assert told == '{"a":1}'


def test_mastras_generation_was_the_call():
    """Until inferences had spans of their own."""
    said = {"mastra.span.type": "model_generation", "gen_ai.operation.name": "chat"}
    assert reading(said).kind == "llm"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            "{'prompt_tokens': 10, 'completion_tokens': 5, "
            "'prompt_tokens_details': {'cached_tokens': 4}}",
            Usage(10, 5, None, 4),
        ),
        (
            "{'input_tokens': 10, 'output_tokens': 5, 'cache_read_input_tokens': 4}",
            Usage(14, 5, None, 4),
        ),
    ],
    ids=["openai", "anthropic"],
)
def test_litellms_raw_request(usage, counts):
    """The provider's own answer, in its own words."""
    said = {
        "llm.p.usage": usage,
        "llm.p.id": "r1",
        "llm.p.model": "m",
        "llm.p.content": "[{'type': 'text', 'text': 'yo'}]",
        "llm.other": "x",
        "other": "x",
    }
    found = reading(said, name="raw_gen_ai_request", scope="litellm")
    tells(found, kind="llm", usage=counts, response_id="r1", model="m", dropped=False)
    embedding = {"llm.p.usage": "{'prompt_tokens': 7}"}
    found = reading(embedding, name="raw_gen_ai_request", scope="litellm")
    tells(found, kind="embedding", usage=Usage(7))


def test_litellms_tools():
    """Tools asked for stand beside the messages."""
    found = reading(
        {
            "gen_ai.operation.name": "chat",
            "litellm.cache_hit": False,
            "gen_ai.output.messages": '[{"role":"assistant","parts":[]}]',
            "gen_ai.completion.0.function_call.name": "f",
            "gen_ai.completion.0.function_call.arguments": "{}",
        }
    )
    function = {"name": "f", "arguments": "{}"}
    call = {"role": "assistant", "tool_calls": [{"function": function}]}
    assert found.output == [call]


def test_crewai_through_openinference():
    """An agent's task stands only in its output."""
    output = {"description": "Weather?", "expected_output": "A line.", "raw": "Sunny."}
    scope = "openinference.instrumentation.crewai"
    said = {
        "openinference.span.kind": "AGENT",
        "input.value": '{"agent":{"role":"forecaster"}}',
        "output.value": json.dumps(output),
    }
    found = reading(said, scope=scope)
    tells(found, kind="agent", input="Weather?", output="Sunny.")
    assert found.expected["task_objective"] == "Weather?"
    plain = reading(said | {"output.value": "Sunny."}, scope=scope)
    tells(plain, output="Sunny.", input='{"agent":{"role":"forecaster"}}')
