"""Traps of model calls (docs/reference/traps.md)."""

from __future__ import annotations

import json

import pytest

from support.records import (
    agent,
    calls_of,
    chat,
    exception_event,
    make_span,
    task_of,
    tokens_of,
    tool,
)

USAGE = {"gen_ai.usage.input_tokens": 99, "gen_ai.usage.output_tokens": 99}


def message_by(role, text):
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
    """Sums on a container count only if no call below it reports its own."""
    task = task_of(make_span("run", None, container | USAGE, end=9), chat("c", "run"))
    assert tokens_of(task) == (10, 5)


def test_t1_a_lone_aggregate_counts():
    """A run with unreported calls has the agent's own sum, and no call."""
    task = task_of(agent("run", attributes=USAGE), tool("t", "run"))
    assert tokens_of(task) == (99, 99)
    assert calls_of(task) == []


def test_t1_aggregates_are_judged_for_each_subtree():
    """One agent may be opaque while its sibling reports its calls."""
    task = task_of(
        make_span("root", end=9),
        agent("seen", "root", attributes=USAGE, end=4),
        chat("c", "seen"),
        agent("opaque", "root", start=5, end=9, attributes=USAGE),
    )
    assert tokens_of(task) == (109, 104)


def test_t2_a_wrapper_and_its_call_are_one():
    """Of two nested reports the inner one's tokens count."""
    task = task_of(
        make_span("root", end=9),
        chat("outer", "root", (11, 6), end=3),
        chat("c", "outer"),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)


def test_t2_two_calls_in_one_are_two():
    """A call around several calls is their container."""
    task = task_of(
        make_span("root", end=9),
        chat("outer", "root", (20, 10), end=5),
        chat("c1", "outer"),
        chat("c2", "outer", start=2),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((20, 10), 2)


def test_t2_an_agent_in_a_tool_makes_its_own_calls():
    """Below a tool a call is another one, however deep inside a call it is."""
    task = task_of(
        make_span("root", end=9),
        chat("outer", "root", end=8),
        tool("t", "outer", start=1, end=7),
        chat("inner", "t", start=2),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((20, 10), 2)


def test_t3_each_attempt_is_a_call():
    """A span per attempt: the failed one counts a call, no tokens, and one retry."""
    failed = chat(
        "a1",
        "root",
        None,
        status="error",
        events=(exception_event("RateLimitError", "slow"),),
    )
    task = task_of(make_span("root", end=9), failed, chat("a2", "root", start=2))
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.api_calls_count == 2
    (error,) = task.errors
    assert error.recoverable is True


def test_t3_attempts_inside_one_span():
    """A client that retries by itself reports how often."""
    attributes = {
        "http.request.resend_count": 2,
        "error.type": "APIConnectionError",
    }
    task = task_of(chat("a", status="error", attributes=attributes))
    assert task.errors[0].retry_count == 2


UNPRICED = {"gen_ai.request.model": "a-model-of-nobody"}


def test_t29_embeddings_reported_twice():
    """The outer span of an embedding repeats the inner one's tokens."""
    outer = {"ai.operationId": "ai.embed", "ai.usage.tokens": 7}
    inner = {
        "ai.operationId": "ai.embed.doEmbed",
        "ai.model.id": "text-embedding-3",
        "ai.usage.tokens": 7,
    }
    task = task_of(
        make_span("root", end=9),
        make_span("o", "root", outer, end=3),
        make_span("i", "o", inner),
        chat("c", "root", start=4),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((17, 5), 2)


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
        return make_span(key, "i", attributes, scope=scope, start=start)

    task = task_of(
        make_span("i", None, {"span.type": "interaction"}, scope=scope, end=9),
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
    """Counting, listing and fetching cost nothing."""
    other = make_span("o", "root", attributes, name=name, scope=scope, start=2)
    task = task_of(make_span("root", end=9), chat("c", "root"), other)
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)


def test_t34_parallel_calls():
    """Latencies add up though they overlap; duration is the root's."""
    task = task_of(
        make_span("root", end=2), chat("a", "root", end=2), chat("b", "root", end=2)
    )
    assert (task.llm_usage.total_latency_ms, task.duration) == (4000, 2)


def test_t40_several_choices():
    """The first choice is shown, every reason to stop is kept."""
    choices = [json.loads(message_by("assistant", text))[0] for text in ("one", "two")]
    attributes = {
        "gen_ai.output.messages": json.dumps(choices),
        "gen_ai.response.finish_reasons": ("stop", "max_tokens"),
    }
    (step,) = task_of(chat("c", attributes=attributes)).steps
    assert step.metadata["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert step.output_preview == "one"
