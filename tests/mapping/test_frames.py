"""Spans of unknown kind that are no steps, and those that are."""

from __future__ import annotations

import pytest

from support.records import agent, chat, exception_event, make_span, task_of, tool


def describe(*spans):
    """The descriptions of the plain steps of a run with these spans."""
    task = task_of(agent("root"), *spans, chat("c", "root", start=8, end=9))
    return [step.description for step in task.steps if step.action == "span"]


@pytest.mark.parametrize(
    ("name", "attributes", "scope"),
    [
        pytest.param(
            "middleware - cors", {"express.type": "middleware"}, "", id="express"
        ),
        pytest.param(
            "handler", {"fastify.type": "hook"}, "app", id="by-its-attributes"
        ),
        pytest.param(
            "middleware - auth", {}, "@opentelemetry/instrumentation-koa", id="koa"
        ),
        pytest.param(
            "anything", {}, "opentelemetry.instrumentation.starlette", id="by-its-scope"
        ),
        pytest.param("work", {}, "io.opentelemetry.tomcat-10.0", id="java"),
        pytest.param("fastapi.serialization", {}, "fastapi", id="fastapi"),
        pytest.param("GET http send", {}, "", id="asgi"),
        pytest.param("dns.lookup", {}, "", id="dns"),
        pytest.param("tls.connect", {"net.peer.port": 443}, "", id="tls"),
        pytest.param("fs readFile", {}, "", id="fs"),
        pytest.param("Cycle 5e0c0c4e-1b7a-4d4e-9c39-0a7d3f4c5b6a", {}, "", id="cycle"),
        pytest.param("on_enter", {}, "", id="a-hook"),
        pytest.param("run", {"next.route": "/api/chat"}, "next.js", id="next"),
        pytest.param("session_start", {"session.id": "s"}, "", id="a-session"),
    ],
)
def test_frames(name, attributes, scope):
    """What libraries write around work is no step, by name, attributes or scope."""
    assert describe(make_span("x", "root", attributes, name=name, scope=scope)) == []


@pytest.mark.parametrize(
    ("name", "attributes", "scope"),
    [
        pytest.param("prepare", {}, "app", id="no-attributes"),
        pytest.param("prepare", {"order": 7}, "app", id="an-attribute"),
        pytest.param("prepare", {"code.function": "f"}, "app", id="a-function"),
        pytest.param("on_enter", {"order": 7}, "app", id="a-name-with-an-attribute"),
        pytest.param(
            "work", {}, "opentelemetry.instrumentation.langchain", id="an-ai-library"
        ),
    ],
)
def test_a_users_own_span_is_a_step(name, attributes, scope):
    """An unknown span is a plain step."""
    assert (
        len(describe(make_span("x", "root", attributes, name=name, scope=scope))) == 1
    )


@pytest.mark.parametrize(
    ("attributes", "steps"),
    [
        pytest.param({"gen_ai.agent.name": "a"}, 0, id="an-agents-name"),
        pytest.param({"gen_ai.usage.input_tokens": 10, "turn": 1}, 0, id="sums"),
        pytest.param({"gen_ai.agent.name": "a", "order": 7}, 1, id="more"),
    ],
)
def test_what_only_names_or_sums_is_a_frame(attributes, steps):
    """Around other work, a span with a name or with sums only is no step."""
    spans = make_span("x", "root", attributes, end=5), tool("t", "x")
    assert len(describe(*spans)) == steps


def test_a_method_that_runs_what_is_inside():
    """`AsyncLLM.run` around work is no step; alone it may be the work."""
    outer = make_span("x", "root", name="AsyncLLM.run", end=5)
    assert describe(outer, tool("t", "x")) == []
    assert len(describe(outer)) == 1


@pytest.mark.parametrize("name", ["step 1", "Turn 2", "iteration_3", "round #4"])
def test_turns_that_are_only_counted(name):
    """A counted turn around work is no step; one with an attribute or alone is."""
    inner = chat("c", "x", start=8, end=9)
    for attributes, steps in ({}, 0), ({"order": 7}, 1):
        turn = make_span("x", "root", attributes, name=name)
        task = task_of(agent("root"), turn, inner)
        assert [s.action for s in task.steps].count("span") == steps
    assert describe(make_span("x", "root", name=name)) == [name]


def test_a_frame_with_an_error_of_its_own_is_a_step():
    """A failure that no other span reports stays where it happened."""
    failed = {"status": "error", "events": (exception_event(),)}
    assert len(describe(make_span("x", "root", name="dns.lookup", **failed))) == 1


def test_transport_that_fails_outside_any_call_is_a_step():
    """A failed request of the program itself is a step with its error."""
    request = {"http.request.method": "GET", "http.response.status_code": 503}
    failed = {"status": "error", "events": (exception_event("E", "down"),)}
    task = task_of(
        agent("root"),
        make_span("GET", "root", request, **failed),
        make_span("fine", "root", request, start=2),
        chat("c", "root", start=3, end=4),
    )
    assert [s.error and s.error.message for s in task.steps] == ["down", None]


STAMPED = {
    "langfuse.internal.as_root": True,
    "lmnr.span.path": ["run"],
    "openinference.span.kind": "None",
    "celery.task_name": "app.answer",
    "messaging.message_id": "7",
    "session.id": "s",
    "user.id": "",
    "service.name": "x",
}


@pytest.mark.parametrize("key", STAMPED)
def test_the_root_is_the_task_and_not_its_first_step(key):
    """What processors and queues put on every span is nothing that a root reports."""
    root = make_span("run", None, {key: STAMPED[key], "code.lineno": 7}, end=9)
    task = task_of(root, chat("c", "run"))
    assert [step.action for step in task.steps] == ["llm_inference"]


def test_a_root_of_another_kind_is_the_task():
    """A guard around a run is the task; alone it is the step."""
    guard = make_span("guard", None, {"openinference.span.kind": "GUARDRAIL"}, end=9)
    task = task_of(guard, chat("c", "guard"))
    assert [step.action for step in task.steps] == ["llm_inference"]
