"""Traps of reading attributes and content (docs/reference/traps.md)."""

from __future__ import annotations

import json

import pytest

from support.records import (
    agent,
    calls_of,
    chat,
    event,
    make_span,
    task_of,
    tokens_of,
    tool,
    tools_of,
)


def message_by(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


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


@pytest.mark.parametrize(
    ("written", "provider"),
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
def test_t7_providers_have_one_spelling(written, provider):
    """Every spelling is one word; a framework's name gives way to the model's maker."""
    task = task_of(chat("c", attributes={"gen_ai.provider.name": written}))
    assert calls_of(task)[0].provider == provider


@pytest.mark.parametrize(
    ("written", "count"),
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
def test_t8_numbers_in_any_clothes(written, count):
    """A count may come as text or float; what is no count is absent."""
    attributes = {"gen_ai.usage.input_tokens": written}
    task = task_of(chat("c", tokens=None, attributes=attributes))
    assert calls_of(task)[0].prompt_tokens == count


@pytest.mark.parametrize("length", [68, 75, 85])
def test_t9_json_that_was_cut(length):
    """Messages that a length limit cut are read as far as they go."""
    messages = message_by("user", "How is the weather in Rome today?")[:length]
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
    """An image is named by type and size, never sent."""
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


def test_t19_evicted_keys():
    """If the oldest keys were evicted, the rest shows the kind; the step has the count."""
    left = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "yo",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 5,
    }
    task = task_of(
        make_span("root", end=3),
        make_span("c", "root", left, dropped_attributes=7),
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
    """The tools requested before it are not the result of the run."""
    requests = [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]
    silent = [{"role": "assistant", "parts": [{"type": "text"}]}]
    task = task_of(
        agent("root", end=9),
        chat("a", "root", start=1, attributes={"gen_ai.output.messages": requests}),
        chat("b", "root", start=3, attributes={"gen_ai.output.messages": silent}),
    )
    assert task.output_summary is None


@pytest.mark.parametrize(
    "written",
    "{} N/A <REDACTED> [REDACTED] __REDACTED__ unknown None null <elided>".split(),
)
def test_t21_placeholders_are_absent(written):
    """Placeholders that instrumentations write for missing values are missing values."""
    attributes = {
        "gen_ai.tool.call.arguments": written,
        "gen_ai.tool.call.result": written,
    }
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


@pytest.mark.parametrize(
    ("scope", "key", "written"),
    [
        ("", "gen_ai.response.time_to_first_chunk", 0.25),
        ("openlit", "gen_ai.server.time_to_first_token", 0.25),
        ("strands.telemetry.tracer", "gen_ai.server.time_to_first_token", 250),
        ("ai", "ai.response.msToFirstChunk", 250),
    ],
)
def test_t26_seconds_and_milliseconds(scope, key, written):
    """A first chunk's time is in milliseconds, whatever it was written in."""
    (step,) = task_of(chat("c", scope=scope, attributes={key: written})).steps
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


def test_t30_placeholders_of_open_spans():
    """Logfire's pending spans are the real ones' shadows."""
    kind = {"logfire.span_type": "pending_span"}
    pending = make_span("p", "root", kind, scope="logfire", end=0)
    task = task_of(
        make_span("root", end=3, scope="logfire"), pending, chat("c", "root")
    )
    assert len(task.steps) == 1


def test_t33_a_root_without_content():
    """A web server's root takes question, answer and name from the agent below."""
    route = {"http.request.method": "POST", "http.route": "/ask"}
    first = {
        "gen_ai.input.messages": message_by("user", "Weather?"),
        "gen_ai.output.messages": message_by("assistant", "Let me see."),
    }
    second = {"gen_ai.output.messages": message_by("assistant", "Sunny.")}
    task = task_of(
        make_span("root", None, route, name="POST /ask", kind="server", end=9),
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
    """Without a model or an agent the last tool's result is the output."""
    used = [
        tool(key, "root", start=at, attributes={"gen_ai.tool.call.result": result})
        for key, at, result in (("t1", 1, "Paris"), ("t2", 3, "18C"))
    ]
    assert task_of(make_span("root", end=9), *used, *others).output_summary == output


@pytest.mark.parametrize("root", ["invocation", "invocation [app]"])
def test_t33_a_root_that_is_called_as_every_other(root):
    """A framework's generic run name is less useful than the agent's name."""
    assert (
        task_of(make_span("root", end=9, name=root), agent("a", "root")).name
        == "helper"
    )


def test_t35_the_history_is_not_repeated():
    """A call's preview is its newest message; the history stays out of the task."""
    turns = ("user", "OLD QUESTION"), ("assistant", "OLD ANSWER"), ("user", "new one")
    history = json.dumps([json.loads(message_by(*turn))[0] for turn in turns])
    attributes = {"gen_ai.input.messages": history}
    task = task_of(agent("run"), chat("c", "run", attributes=attributes))
    assert task.steps[0].input_preview == "new one"
    assert "OLD" not in str(task)


def test_t38_names_that_are_templates():
    """A template's kind is its prefix's; a reader sees the values it was filled with."""
    attributes = {"logfire.msg": "Agent run: 'helper'", "gen_ai.agent.name": "helper"}
    task = task_of(
        make_span("run", None, attributes, name="Agent run: {name!r}", scope="logfire"),
        chat("c", "run"),
    )
    assert task.name == "helper"


def test_chunks_of_a_stream_are_no_content():
    """A stream's chunk events are not an answer."""
    chunk = event("gen_ai.content.completion.chunk", {"gen_ai.completion": "x"})
    (step,) = task_of(chat("c", events=(chunk,))).steps
    assert step.output_preview is None


def test_t43_a_name_that_was_made_up():
    """A derived name gives way to one that any dialect states."""
    attributes = {
        "openinference.span.kind": "AGENT",
        "graph.node.id": "strands_agent",
        "gen_ai.agent.name": "geo",
    }
    task = task_of(
        make_span("invoke_agent x", None, attributes), chat("c", "invoke_agent x")
    )
    assert task.environment.custom_tags["gen_ai.agent.name"] == "geo"


def test_t44_words_that_mean_other_things():
    """A thread of the operating system, a connection and a table are no facts of a run."""
    attributes = {
        "thread.id": "77",
        "mcp.session.id": "s1",
        "langsmith.trace.session_id": "project",
        "span.kind": "server",
        "model": "Invoice",
    }
    odd = make_span("save", "root", attributes)
    task = task_of(agent("root"), odd, chat("c", "root", start=2))
    assert "gen_ai.conversation.id" not in task.environment.custom_tags
    assert task.steps[0].action == "span"
