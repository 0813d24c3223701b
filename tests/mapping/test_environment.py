"""Where a run took place, what it belongs to, and when it ended."""

from __future__ import annotations

import pytest

from infinium_otel import Config
from infinium_otel.mapping.environment import get_framework
from infinium_otel.records import SpanLink
from support.records import TRACE, agent, chat, make_span, task_of


@pytest.mark.parametrize(
    ("scope", "framework"),
    [
        ("opentelemetry.instrumentation.openai.v1", "openai"),
        ("openinference.instrumentation.llama_index", "llama_index"),
        ("@arizeai/openinference-instrumentation-openai-agents", "openai-agents"),
        ("@traceloop/instrumentation-langchain", "langchain"),
        ("OpenTelemetry::Instrumentation::RubyLLM", "RubyLLM"),
        ("Experimental.Microsoft.Extensions.AI", "Microsoft.Extensions.AI"),
        ("Microsoft.SemanticKernel.Diagnostics", "Microsoft.SemanticKernel"),
        ("io.opentelemetry.openai-java-1.1", "openai-java"),
        ("github.com/cloudwego/eino-ext/callbacks/apmplus", "eino-ext"),
        ("com.anthropic.sdk.python", "anthropic"),
        ("genkit-tracer", "genkit"),
        ("strands.telemetry.tracer", "strands"),
        ("@mastra/otel-exporter", "mastra"),
        ("pydantic-ai", "pydantic-ai"),
        ("logfire.openai_agents", "openai_agents"),
        ("langfuse-sdk", None),
        ("traceloop.tracer", None),
        ("@traceloop/node-server-sdk", None),
        ("", None),
    ],
)
def test_a_framework_by_its_scope(scope, framework):
    """The framework's name, without what names its instrumentation; no SDK for tracing."""
    assert get_framework(scope) == framework


@pytest.mark.parametrize(
    ("scope", "version"),
    [("opentelemetry.instrumentation.langchain", None), ("pydantic-ai", "1.2")],
)
def test_an_instrumentations_version(scope, version):
    """The version of an instrumentation is not that of the framework."""
    task = task_of(chat(scope=scope, scope_version="1.2"))
    assert task.environment.framework_version == version


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        pytest.param({"telemetry.sdk.language": "python"}, "3.12.1", id="python"),
        pytest.param({"process.runtime.name": "cpython"}, "3.12.1", id="by-runtime"),
        pytest.param({"telemetry.sdk.language": "nodejs"}, None, id="node"),
        pytest.param({"process.runtime.name": "go"}, None, id="go"),
        pytest.param({}, None, id="unknown"),
    ],
)
def test_a_runtimes_version(resource, version):
    """Only Python's version is one."""
    resource = {**resource, "process.runtime.version": "3.12.1"}
    assert task_of(chat(resource=resource)).environment.python_version == version


@pytest.mark.parametrize(
    ("end", "duration"), [(6, 6.0), (0.2, 1.0)], ids=["a-stream", "inside"]
)
def test_a_server_that_returned_before_its_stream_ended(end, duration):
    """A run ends with its last agentic span."""
    server = make_span("r", None, {"http.request.method": "POST"}, kind="server")
    task = task_of(server, agent("a", "r", start=0.1, end=end), chat("c", "a", end=0.2))
    assert task.duration == duration
    assert task.time_tracking.end_time == task.current_datetime


def test_what_the_application_says_of_a_run():
    """Tags and metadata of any vocabulary, the outermost span's first; bounded."""
    task = task_of(
        agent(
            "root", attributes={"acme.metadata.tenant": "acme", "tag.tags": ["a", "b"]}
        ),
        chat("c", "root", attributes={"langfuse.trace.metadata.tenant": "other"}),
    )
    tags = task.environment.custom_tags
    assert (tags["tenant"], tags["tags"]) == ("acme", "a, b")
    many = {f"acme.metadata.k{n}": "v" for n in range(100)}
    tags = task_of(chat(attributes=many)).environment.custom_tags
    assert len([key for key in tags if key.startswith("k")]) == 20


@pytest.mark.parametrize("key", ["session.id", "microsoft.session.id"])
def test_a_session_beside_its_conversation(key):
    """A session is more than a conversation: both ids are kept."""
    task = task_of(chat(attributes={"gen_ai.conversation.id": "c", key: "s"}))
    tags = task.environment.custom_tags
    assert (tags["gen_ai.conversation.id"], tags["session.id"]) == ("c", "s")


def test_token_counts_are_no_metadata_of_the_run():
    """A metadata object of one call may hold its usage."""
    counts = {"acme.metadata.prompt_tokens": 7, "acme.metadata.tier": "gold"}
    tags = task_of(chat(attributes=counts)).environment.custom_tags
    assert "prompt_tokens" not in tags
    assert tags["tier"] == "gold"


def test_metadata_without_content():
    """Without content, texts are left out, but not labels and numbers."""
    metadata = {
        "x.metadata.note": "secret",
        "x.metadata.tenant": "t",
        "x.metadata.n": 3,
    }
    task = task_of(chat(attributes=metadata), config=Config(capture_content=False))
    tags = task.environment.custom_tags
    assert (tags.get("note"), tags["tenant"], tags["n"]) == (None, "t", "3")


def test_the_trace_that_caused_this_one():
    """The traces that spans link to, each once; the own trace is not one."""
    links = (SpanLink("ab" * 16, "1" * 16), SpanLink(TRACE, "2" * 16))
    task = task_of(agent("root", links=links), chat("c", "root", links=links))
    assert task.environment.custom_tags["otel.linked_trace_ids"] == "ab" * 16


@pytest.mark.parametrize("key", ["riffer.interrupt.reason", "x.stop_reason"])
def test_why_a_run_ended_early(key):
    """The reason on the root is a tag, as a text of the application's: with content."""
    spans = agent("root", attributes={key: "needs approval"}), chat("c", "root")
    assert task_of(*spans).environment.custom_tags[key] == "needs approval"
    without = task_of(*spans, config=Config(capture_content=False))
    assert key not in without.environment.custom_tags
    usual = agent("root", attributes={key: "end_turn"}), chat("c", "root")
    assert key not in task_of(*usual).environment.custom_tags


def test_why_an_agent_ended():
    """The reason on the root is a tag of the run."""
    reason = {"gen_ai.agent.finish_reason": "time_budget"}
    tags = task_of(agent(attributes=reason)).environment.custom_tags
    assert tags["gen_ai.agent.finish_reason"] == "time_budget"
