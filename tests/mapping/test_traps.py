"""What instrumentations do that misleads, each with what is made of it."""

from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.config import Config
from support.spans import sid, tid
from support.told import (
    agent,
    calls_of,
    chat,
    event,
    raised,
    task_of,
    tokens_of,
    told,
    tool,
    tools_of,
)

USAGE = {"gen_ai.usage.input_tokens": 99, "gen_ai.usage.output_tokens": 99}


def said_by(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({"gen_ai.operation.name": "invoke_agent"}, id="agent"),
        pytest.param({"gen_ai.operation.name": "invoke_workflow"}, id="workflow"),
        pytest.param({"gen_ai.operation.name": "agent_step"}, id="step"),
        pytest.param({"openinference.span.kind": "CHAIN"}, id="chain"),
        pytest.param({"traceloop.span.kind": "workflow"}, id="traceloop"),
    ],
)
def test_t1_aggregates_are_not_added(container):
    """Sums on a container count only where no call below it tells its own."""
    task = task_of(told("run", None, container | USAGE, end=9), chat("c", "run"))
    assert tokens_of(task) == (10, 5)


def test_t1_a_lone_aggregate_counts():
    """A run whose calls nobody saw has the agent's own sum, and no call."""
    task = task_of(agent("run", attributes=USAGE), tool("t", "run"))
    assert tokens_of(task) == (99, 99)
    assert calls_of(task) == []


def test_t1_aggregates_are_judged_for_each_subtree():
    """One agent may be opaque while its sibling tells its calls."""
    task = task_of(
        told("root", end=9),
        agent("seen", "root", attributes=USAGE, end=4),
        chat("c", "seen"),
        agent("opaque", "root", start=5, end=9, attributes=USAGE),
    )
    assert tokens_of(task) == (109, 104)


def test_t2_a_wrapper_and_its_call_are_one():
    """Of two nested tellings the inner one's tokens stand."""
    task = task_of(
        told("root", end=9), chat("outer", "root", (11, 6), end=3), chat("c", "outer")
    )
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)


def test_t2_two_calls_in_one_are_two():
    """A call around several calls is their container."""
    task = task_of(
        told("root", end=9),
        chat("outer", "root", (20, 10), end=5),
        chat("c1", "outer"),
        chat("c2", "outer", start=2),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((20, 10), 2)


def test_t2_an_agent_in_a_tool_makes_its_own_calls():
    """Below a tool a call is another one, however deep inside a call it stands."""
    task = task_of(
        told("root", end=9),
        chat("outer", "root", end=8),
        tool("t", "outer", start=1, end=7),
        chat("inner", "t", start=2),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((20, 10), 2)


def test_t3_each_attempt_is_a_call():
    """A span per attempt: the failed one counts a call, no tokens, and one retry."""
    failed = chat(
        "a1", "root", None, status="error", events=(raised("RateLimitError", "slow"),)
    )
    task = task_of(told("root", end=9), failed, chat("a2", "root", start=2))
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.api_calls_count == 2
    (error,) = task.errors
    assert error.recoverable is True


def test_t3_attempts_inside_one_span():
    """A client that retries by itself says how often."""
    attributes = {
        "http.request.resend_count": 2,
        "error.type": "APIConnectionError",
    }
    task = task_of(chat("a", status="error", attributes=attributes))
    assert task.errors[0].retry_count == 2


@pytest.mark.parametrize(
    "scope",
    [
        "opentelemetry.instrumentation.openai",
        "my.own.scope",
        "haystack",
        "",
        "langfuse",
    ],
)
def test_t4_the_scope_decides_nothing(scope):
    """A span is read by its attributes, under whatever scope it comes."""
    task = task_of(chat("c", scope=scope))
    assert (tokens_of(task), calls_of(task)[0].model) == ((10, 5), "gpt-4o")


def http(key, parent, status, start=0.0, spelling="http.response.status_code"):
    attributes = {"http.request.method": "POST", spelling: status}
    times = {"start": start, "end": start + 0.4}
    return told(key, parent, attributes, name="POST", kind="client", **times)


@pytest.mark.parametrize(
    "spelling", ["http.response.status_code", "http.status_code"], ids=["new", "old"]
)
def test_t5_http_folds_into_the_call_it_serves(spelling):
    """A request below a call is no step; its last status is the call's."""
    task = task_of(
        told("root", end=3),
        chat("c", "root"),
        http("h1", "c", 503, spelling=spelling),
        http("h2", "c", 200, 0.5, spelling),
    )
    (step,) = task.steps
    assert step.metadata["http.response.status_code"] == 200


def test_t5_database_spans_fold_into_the_tool():
    """A query made by a tool is part of the tool's run."""
    query = told("q", "t", {"db.system": "sqlite", "db.operation": "SELECT"})
    task = task_of(told("root", end=3), tool("t", "root", end=2), query)
    assert [s.action for s in task.steps] == ["tool_use"]


def test_t5_a_lone_request_is_no_run():
    """Spans without model, tool or agent make a task only if all are wanted."""
    request = http("h", None, 200)
    assert spans_to_tasks([request]) == []
    assert len(spans_to_tasks([request], config=Config(include="all"))) == 1


def test_t6_an_unended_root_leaves_its_children():
    """Children of a root that never ended still make runs; no token is lost."""
    tasks = spans_to_tasks([chat("c1", "gone"), chat("c2", "gone", start=2)])
    assert sum(tokens_of(task)[0] for task in tasks) == 20


@pytest.mark.parametrize(
    ("said", "provider"),
    [
        ("OpenAI", "openai"),
        ("az.ai.openai", "azure"),
        ("anthropic.messages", "anthropic"),
        ("gcp.gemini", "google"),
        ("AWS", "aws.bedrock"),
        ("langchain", "openai"),
        ("microsoft.agent_framework", "openai"),
        ("unknown", "openai"),
    ],
)
def test_t7_providers_have_one_spelling(said, provider):
    """Every spelling is one word; a framework's name gives way to the model's maker."""
    task = task_of(chat("c", attributes={"gen_ai.provider.name": said}))
    assert calls_of(task)[0].provider == provider


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("12", 12),
        ('"12"', 12),
        (12.0, 12),
        ("1,024", None),
        (True, None),
        (float("nan"), None),
        (-3, None),
        ([12], None),
    ],
    ids=str,
)
def test_t8_numbers_in_any_clothes(said, count):
    """A count may come as text or float; what is no count is absent."""
    attributes = {"gen_ai.usage.input_tokens": said}
    task = task_of(chat("c", tokens=None, attributes=attributes))
    assert calls_of(task)[0].prompt_tokens == count


@pytest.mark.parametrize("length", [68, 75, 85])
def test_t9_json_that_was_cut(length):
    """Messages that a length limit cut are read as far as they go."""
    messages = said_by("user", "How is the weather in Rome today?")[:length]
    task = task_of(chat("c", attributes={"gen_ai.input.messages": messages}))
    assert task.steps[0].input_preview.startswith("How")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(json.dumps({"a": 1}), id="json"),
        pytest.param(json.dumps(json.dumps({"a": 1})), id="json-in-json"),
        pytest.param(json.dumps(json.dumps(json.dumps({"a": 1}))), id="three-deep"),
        pytest.param({"a": 1}, id="mapping"),
        pytest.param("{'a': 1}", id="python-repr"),
    ],
)
def test_t10_structures_in_any_wrapping(value):
    """JSON in JSON, mappings and Python's repr are all the same arguments."""
    task = task_of(tool("t", attributes={"gen_ai.tool.call.arguments": value}))
    assert tools_of(task)[0].input_summary == '{"a":1}'


def test_t11_binary_content_is_named():
    """An image is named by type and size, never carried."""
    blob = {
        "type": "blob",
        "mime_type": "image/png",
        "modality": "image",
        "content": "iVBORw0KGgo" * 4000,
    }
    parts = [{"type": "text", "content": "What is this?"}, blob]
    messages = json.dumps([{"role": "user", "parts": parts}])
    task = task_of(chat("c", attributes={"gen_ai.input.messages": messages}))
    assert task.steps[0].input_preview == "What is this?\n[image image/png 33 kB]"
    assert "iVBORw0KGgo" not in str(task)


def _told_tool(*between):
    request = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    reply = {"type": "tool_call_response", "id": "c1", "response": "3"}
    asked = {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    wants = {"role": "assistant", "parts": [request]}
    answer = {"role": "tool", "parts": [reply]}
    first = {
        "gen_ai.input.messages": json.dumps([asked]),
        "gen_ai.output.messages": json.dumps([wants]),
    }
    second = {"gen_ai.input.messages": json.dumps([asked, wants, answer])}
    return task_of(
        told("root", end=9),
        chat("c1", "root", attributes=first),
        *between,
        chat("c2", "root", start=4, attributes=second),
    )


def test_t12_tools_that_only_messages_tell():
    """A tool that was asked for and answered ran, span or no span."""
    (used,) = tools_of(_told_tool())
    assert used.tool_name == "f"
    assert (used.input_summary, used.output_summary) == ('{"a":1}', "3")


def test_t12_a_span_beats_the_messages():
    """A tool with a span is told once, by the span."""
    span = tool("t", "root", start=2, attributes={"gen_ai.tool.call.id": "c1"})
    assert len(tools_of(_told_tool(span))) == 1


def test_t12_a_request_alone_is_no_run():
    """A tool that was asked for and never answered did not run."""
    wants = [{"role": "assistant", "tool_calls": [{"id": "c1", "name": "f"}]}]
    task = task_of(chat("c", attributes={"gen_ai.output.messages": json.dumps(wants)}))
    assert tools_of(task) == []


@pytest.mark.parametrize("method", ["tools/list", "initialize", "ping"])
def test_t13_mcp_housekeeping_is_no_step(method):
    """Only a call of a tool is something the agent did."""
    housekeeping = told("m", "run", {"mcp.method.name": method}, name=method)
    task = task_of(agent("run"), housekeeping, chat("c", "run"))
    assert [s.action for s in task.steps] == ["llm_inference"]


def test_t13_layers_of_a_tool_add_what_they_know():
    """The outermost span of a tool's chain keeps what the inner ones know."""
    inner = {"mcp.method.name": "tools/call", "gen_ai.tool.call.result": "3"}
    task = task_of(
        told("root", end=9),
        tool("t", "root", end=5),
        told("m", "t", inner, name="tools/call f", end=4),
    )
    (used,) = tools_of(task)
    assert used.output_summary == "3"


def test_t14_linked_work_of_another_trace_stays_its_own():
    """A root of another trace is a run of its own."""
    linked = agent("b", trace=tid(11), name="second")
    assert len(spans_to_tasks([agent("a"), linked])) == 2


def test_t15_one_failure_is_one_error():
    """An exception on every ancestor is the deepest span's."""
    failed = {"status": "error", "events": (raised(),)}
    task = task_of(
        told("root", end=9, **failed),
        agent("run", "root", **failed),
        tool("t", "run", **failed),
    )
    (error,) = task.errors
    assert (error.error_type, error.recoverable) == ("ValueError", False)
    assert tools_of(task)[0].error.message == "no city"


def test_t16_a_failure_without_an_event():
    """Status and error.type tell a failure where no exception was recorded."""
    attributes = {"error.type": "rate_limit_error"}
    task = task_of(
        chat("c", status="error", status_message="slow down", attributes=attributes)
    )
    (error,) = task.errors
    assert (error.error_type, error.message) == ("rate_limit_error", "slow down")


def test_t16_an_event_without_a_failure():
    """A recorded exception on a span that did not fail was handled."""
    task = task_of(told("root", end=3), tool("t", "root", events=(raised(),)))
    (error,) = task.errors
    assert error.recoverable is True


def test_t17_a_fallback_recovers():
    """A failed call before one that succeeds is recoverable; the last word is not."""
    first = chat("c1", "root", None, status="error", events=(raised(),))
    recovered = task_of(told("root", end=9), first, chat("c2", "root", start=3))
    fatal = task_of(told("root", end=9, status="error", events=(raised(),)), first)
    assert [e.recoverable for e in recovered.errors] == [True]
    assert [e.recoverable for e in fatal.errors] == [False]


@pytest.mark.parametrize(
    "kind",
    [
        "GraphInterrupt",
        "langgraph.errors.GraphInterrupt",
        "asyncio.CancelledError",
        "GeneratorExit",
        "CallDeferred",
        "pydantic_ai.exceptions.ApprovalRequired",
    ],
)
def test_t18_control_flow_is_no_error(kind):
    """Exceptions that steer a program are no failures, whatever the status says."""
    task = task_of(tool("t", status="error", events=(raised(kind, ""),)))
    assert not task.errors
    assert tools_of(task)[0].error is None


def test_t19_evicted_keys():
    """Where the oldest keys were evicted, the rest shows the kind; the step says so."""
    left = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "yo",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 5,
    }
    task = task_of(
        told("root", end=3),
        told("c", "root", left, dropped_attributes=7),
        chat("d", "root", start=2),
    )
    step = task.steps[0]
    assert (step.action, step.output_preview) == ("llm_inference", "yo")
    assert step.metadata["attributes_dropped"] == 7


def test_t20_content_that_is_not_there():
    """No content is None, not an empty text."""
    (step,) = task_of(chat("c")).steps
    assert (step.input_preview, step.output_preview) == (None, None)


def test_t20_an_answer_that_was_withheld():
    """The tools asked for before it are not what came of the run."""
    asked = [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]
    silent = [{"role": "assistant", "parts": [{"type": "text"}]}]
    task = task_of(
        agent("root", end=9),
        chat("a", "root", start=1, attributes={"gen_ai.output.messages": asked}),
        chat("b", "root", start=3, attributes={"gen_ai.output.messages": silent}),
    )
    assert task.output_summary is None


@pytest.mark.parametrize(
    "said",
    "{} N/A <REDACTED> [REDACTED] __REDACTED__ unknown None null <elided>".split(),
)
def test_t21_placeholders_are_absent(said):
    """What instrumentations write for nothing is nothing."""
    attributes = {"gen_ai.tool.call.arguments": said, "gen_ai.tool.call.result": said}
    (used,) = tools_of(task_of(tool("t", attributes=attributes)))
    assert (used.input_summary, used.output_summary) == (None, None)


def test_t21_merged_tools_are_dropped():
    """ADK's placeholder for parallel tools ran nothing."""
    merged = tool(
        "m",
        "run",
        "(merged tools)",
        name="execute_tool (merged tools)",
        scope="gcp.vertex.agent",
    )
    task = task_of(agent("run"), tool("t", "run"), merged)
    assert [t.tool_name for t in tools_of(task)] == ["f"]


def test_t22_a_parent_that_never_comes():
    """A span whose parent was sampled out is the root of what is there."""
    task = task_of(agent("run", "gone"), chat("c", "run"))
    assert task.name == "helper"


def test_t23_cumulative_counters_lose_to_leaves():
    """A lifetime's sum on the agent is not the run's."""
    spans = []
    for n in (1, 2, 3):
        lifetime = {
            "gen_ai.usage.input_tokens": 10 * n,
            "gen_ai.usage.output_tokens": 5 * n,
        }
        spans += [
            agent(f"r{n}", trace=tid(n), attributes=lifetime),
            chat(f"c{n}", f"r{n}", trace=tid(n)),
        ]
    assert [tokens_of(t) for t in spans_to_tasks(spans)] == [(10, 5)] * 3


@pytest.mark.parametrize(
    ("told_input", "prompt"),
    [pytest.param(100, 100, id="inside"), pytest.param(20, 100, id="beside")],
)
def test_t24_cached_tokens_once(told_input, prompt):
    """Cached tokens are part of the prompt exactly once, and told apart beside it."""
    attributes = {
        "gen_ai.usage.input_tokens": told_input,
        "gen_ai.usage.cache_read.input_tokens": 80,
    }
    task = task_of(chat("c", attributes=attributes))
    assert tokens_of(task)[0] == prompt
    metadata = task.steps[0].metadata
    assert metadata["gen_ai.usage.cache_read.input_tokens"] == 80


def test_t25_leaf_costs_only():
    """A cost on the agent and on its calls is counted once."""
    scope = {"scope": "pydantic-ai"}
    task = task_of(
        agent("run", attributes={"operation.cost": 0.5, **USAGE}, **scope),
        chat("c1", "run", attributes={"operation.cost": 0.2}, **scope),
        chat("c2", "run", attributes={"operation.cost": 0.3}, **scope),
    )
    assert task.llm_usage.estimated_cost_usd == pytest.approx(0.5)


UNPRICED = {"gen_ai.request.model": "a-model-of-nobody"}


def test_t25_a_cost_of_zero_for_tokens_is_unknown():
    """Nobody is given tokens for nothing: zero is a missing price."""
    attributes = {"gen_ai.usage.cost": 0.0, **UNPRICED}
    task = task_of(chat("c", scope="openlit", attributes=attributes))
    assert task.llm_usage.estimated_cost_usd is None


def test_t25_copilots_units_are_no_dollars():
    """Premium requests are not money."""
    attributes = {"github.copilot.cost": 1.0, **UNPRICED}
    task = task_of(chat("c", scope="github.copilot", attributes=attributes))
    assert task.llm_usage.estimated_cost_usd is None


@pytest.mark.parametrize(
    ("scope", "key", "said"),
    [
        ("", "gen_ai.response.time_to_first_chunk", 0.25),
        ("openlit", "gen_ai.server.time_to_first_token", 0.25),
        ("strands.telemetry.tracer", "gen_ai.server.time_to_first_token", 250),
        ("ai", "ai.response.msToFirstChunk", 250),
    ],
)
def test_t26_seconds_and_milliseconds(scope, key, said):
    """A first chunk's time is in milliseconds, whatever it was written in."""
    (step,) = task_of(chat("c", scope=scope, attributes={key: said})).steps
    assert step.metadata["time_to_first_chunk_ms"] == 250


def test_t26_latency_is_the_spans_own():
    """Latency is end less start, never negative."""
    assert calls_of(task_of(chat("c", end=1.5)))[0].latency_ms == 1500
    assert calls_of(task_of(chat("c", start=2, end=1)))[0].latency_ms == 0


@pytest.mark.parametrize(
    "key",
    ["langsmith.trace.session_id", "langsmith.trace.session_name", "mcp.session.id"],
)
def test_t27_a_session_that_is_none(key):
    """A project and a connection are no conversation."""
    task = task_of(agent("run"), chat("c", "run", attributes={key: "s1"}))
    assert "gen_ai.conversation.id" not in task.environment.custom_tags


def test_t28_a_chain_is_no_step():
    """A frame that is not a named agent does nothing of its own."""
    chain = {"openinference.span.kind": "CHAIN"}
    task = task_of(
        told("root", attributes=chain, end=9),
        told("router", "root", chain, end=5),
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
        told("root", end=3), told("r", "root", retriever), chat("c", "root", start=2)
    )
    assert task.steps[0].action == "retrieval"


def test_t29_embeddings_told_twice():
    """The outer span of an embedding repeats the inner one's tokens."""
    outer = {"ai.operationId": "ai.embed", "ai.usage.tokens": 7}
    inner = {
        "ai.operationId": "ai.embed.doEmbed",
        "ai.model.id": "text-embedding-3",
        "ai.usage.tokens": 7,
    }
    task = task_of(
        told("root", end=9),
        told("o", "root", outer, end=3),
        told("i", "o", inner),
        chat("c", "root", start=4),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((17, 5), 2)


def test_t30_placeholders_of_open_spans():
    """Logfire's pending spans are the real ones' shadows."""
    kind = {"logfire.span_type": "pending_span"}
    pending = told("p", "root", kind, scope="logfire", end=0)
    task = task_of(told("root", end=3, scope="logfire"), pending, chat("c", "root"))
    assert len(task.steps) == 1


def test_t31_side_calls_are_never_the_answer():
    """A title that is made after the answer counts its tokens and nothing more."""
    scope = "com.anthropic.claude_code.tracing"

    def request(key, start, output, source):
        attributes = {
            "span.type": "llm_request",
            "model": "claude",
            "input_tokens": 5,
            "output_tokens": 1,
            "response.model_output": output,
            "query_source": source,
        }
        return told(key, "i", attributes, scope=scope, start=start)

    task = task_of(
        told("i", None, {"span.type": "interaction"}, scope=scope, end=9),
        request("a", 1, "The answer.", "repl_main_thread"),
        request("t", 5, "A title", "generate_session_title"),
    )
    assert task.output_summary == "The answer."
    assert tokens_of(task) == (10, 2)


ANTHROPIC = "com.anthropic.sdk.python"


@pytest.mark.parametrize(
    ("name", "scope", "attributes"),
    [
        ("anthropic.messages.count_tokens", ANTHROPIC, UNPRICED | USAGE),
        ("anthropic.models.list", ANTHROPIC, {"anthropic.request.id": "q"}),
        ("fetch_response", "", {"gen_ai.operation.name": "fetch_response", **USAGE}),
    ],
    ids=["count_tokens", "models.list", "fetch_response"],
)
def test_t32_requests_that_are_no_calls(name, scope, attributes):
    """Counting, listing and fetching bill nothing."""
    other = told("o", "root", attributes, name=name, scope=scope, start=2)
    task = task_of(told("root", end=9), chat("c", "root"), other)
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)


def test_t33_a_root_without_content():
    """A web server's root takes question, answer and name from the agent below."""
    route = {"http.request.method": "POST", "http.route": "/ask"}
    first = {
        "gen_ai.input.messages": said_by("user", "Weather?"),
        "gen_ai.output.messages": said_by("assistant", "Let me see."),
    }
    second = {"gen_ai.output.messages": said_by("assistant", "Sunny.")}
    task = task_of(
        told("root", None, route, name="POST /ask", kind="server", end=9),
        agent("run", "root", name="weather"),
        chat("c1", "run", attributes=first),
        chat("c2", "run", start=3, attributes=second),
    )
    assert task.name == "weather"
    assert (task.input_summary, task.output_summary) == ("Weather?", "Sunny.")


@pytest.mark.parametrize(
    ("others", "output"),
    [
        pytest.param((), "18C", id="tools-alone"),
        pytest.param((agent("a", "root"),), None, id="an-agent-knows-better"),
    ],
)
def test_t33_a_run_of_tools_alone(others, output):
    """Without a model or an agent the last tool's answer is what came of it."""
    used = [
        tool(key, "root", start=at, attributes={"gen_ai.tool.call.result": result})
        for key, at, result in (("t1", 1, "Paris"), ("t2", 3, "18C"))
    ]
    assert task_of(told("root", end=9), *used, *others).output_summary == output


@pytest.mark.parametrize("root", ["invocation", "invocation [app]"])
def test_t33_a_root_that_is_called_as_every_other(root):
    """A framework's word for any run of its own says less than the agent's name."""
    assert task_of(told("root", end=9, name=root), agent("a", "root")).name == "helper"


def test_t34_parallel_calls():
    """Latencies add up though they overlap; duration is the root's."""
    task = task_of(
        told("root", end=2), chat("a", "root", end=2), chat("b", "root", end=2)
    )
    assert (task.llm_usage.total_latency_ms, task.duration) == (4000, 2)


def test_t35_the_history_is_not_repeated():
    """A call's preview is its newest message; the history stays out of the task."""
    turns = ("user", "OLD QUESTION"), ("assistant", "OLD ANSWER"), ("user", "new one")
    history = json.dumps([json.loads(said_by(*turn))[0] for turn in turns])
    attributes = {"gen_ai.input.messages": history}
    task = task_of(agent("run"), chat("c", "run", attributes=attributes))
    assert task.steps[0].input_preview == "new one"
    assert "OLD" not in str(task)


def test_t36_requests_below_a_call_are_no_steps():
    """A traced request to the service itself would make no step either."""
    ours = {"http.request.method": "POST", "server.address": "infinium.example"}
    task = task_of(told("root", end=3), chat("c", "root"), told("h", "c", ours))
    assert len(task.steps) == 1


def test_t37_a_span_that_comes_twice():
    """The same span twice is one span."""
    records = [told("root", end=3), chat("c", "root")]
    task = task_of(*records, *records)
    assert (tokens_of(task), len(task.steps)) == ((10, 5), 1)


def test_t38_names_that_are_templates():
    """A template's kind is its prefix's; a reader sees what it stands for."""
    attributes = {"logfire.msg": "Agent run: 'helper'", "gen_ai.agent.name": "helper"}
    task = task_of(
        told("run", None, attributes, name="Agent run: {name!r}", scope="logfire"),
        chat("c", "run"),
    )
    assert task.name == "helper"


def test_t39_steps_are_in_start_order():
    """Arrival means nothing: steps stand by their start."""
    records = [
        tool("late", "root", "late", start=5),
        chat("first", "root"),
        told("root", end=9),
        tool("middle", "root", "middle", start=3),
    ]
    forward, backward = task_of(*records), task_of(*reversed(records))
    ids = [s.metadata["otel.span_id"] for s in forward.steps]
    assert ids == [sid("first"), sid("middle"), sid("late")]
    assert [s.step_number for s in forward.steps] == [1, 2, 3]
    assert ids == [s.metadata["otel.span_id"] for s in backward.steps]


def test_t40_several_choices():
    """The first choice is shown, every reason to stop is kept."""
    choices = [json.loads(said_by("assistant", text))[0] for text in ("one", "two")]
    attributes = {
        "gen_ai.output.messages": json.dumps(choices),
        "gen_ai.response.finish_reasons": ("stop", "max_tokens"),
    }
    (step,) = task_of(chat("c", attributes=attributes)).steps
    assert step.metadata["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert step.output_preview == "one"


def test_chunks_of_a_stream_are_no_content():
    """A stream's chunk events are no answer."""
    chunk = event("gen_ai.content.completion.chunk", {"gen_ai.completion": "x"})
    (step,) = task_of(chat("c", events=(chunk,))).steps
    assert step.output_preview is None


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
    assert len(tools_of(_told_tool(span))) == 1
