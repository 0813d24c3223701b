"""Failures that are repeated, that only seem handled, or that have a span of their own."""

from __future__ import annotations

import json

import pytest

from support.records import (
    agent,
    chat,
    event,
    exception_event,
    make_span,
    task_of,
    tool,
)
from support.spans import sid

ANSWER = json.dumps([{"role": "assistant", "content": "I could not find it."}])
SOME = {"gen_ai.output.messages": ANSWER, "gen_ai.response.finish_reasons": ["stop"]}
REQUEST = json.dumps(
    [
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c1", "function": {"name": "get_weather", "arguments": "{}"}}
            ],
        }
    ]
)


def shown(task):
    """The errors of *task*: message and whether the run went on."""
    return [(error.message, error.recoverable) for error in task.errors or ()]


def test_an_echo_on_spans_that_answered():
    """A status that repeats an earlier failure beside a whole answer is not a failure."""
    error = {"status": "error", "status_message": "no city"}
    task = task_of(
        agent("root", attributes=SOME, **error),
        tool("t", "root", events=(exception_event(),), **error),
        chat("c", "root", start=3, attributes=SOME, **error),
    )
    assert shown(task) == [("no city", True)]
    assert task.output_summary == "I could not find it."


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({}, id="no-answer"),
        pytest.param(
            {"attributes": SOME, "events": (exception_event(),)}, id="its-own"
        ),
        pytest.param(
            {"attributes": {**SOME, "error.type": "ValueError"}}, id="its-own-type"
        ),
    ],
)
def test_a_failure_that_happened_again(later):
    """Without an answer, or with an exception of its own, it is another failure."""
    error = {"status": "error", "status_message": "no city"}
    task = task_of(
        agent("root"),
        tool("t", "root", events=(exception_event(),), **error),
        chat("c", "root", start=3, **later, **error),
    )
    assert [message for message, _ in shown(task)] == ["no city", "no city"]


def test_an_exception_below_a_failure_was_not_handled():
    """An exception on a span that looks fine ended the run if a span above has it too."""
    failed = {"status": "error", "events": (exception_event(),)}
    task = task_of(
        make_span("root", end=10, **failed),
        agent("a", "root", **failed),
        tool("t", "a", status="ok", events=(exception_event(),)),
    )
    assert shown(task) == [("no city", False)]


@pytest.mark.parametrize(
    ("more", "later", "recovered"),
    [
        pytest.param({}, (), False, id="nothing-came-after"),
        pytest.param({"attributes": SOME}, (), True, id="an-output"),
        pytest.param({}, (chat("d", "root", start=5),), True, id="more-work"),
    ],
)
def test_a_root_that_ended_by_an_exception(more, later, recovered):
    """A root with an exception, no output and no later work failed."""
    raised = event("exception", exception_event().attributes, at=3)
    task = task_of(
        agent("root", status="ok", events=(raised,), **more),
        chat("c", "root", status="ok", events=(exception_event(),)),
        *later,
    )
    assert shown(task) == [("no city", recovered)]


def test_a_span_without_duration_that_records_a_failure():
    """A span `error` inside a failed tool is an event of it, not a tool."""
    failed = {"status": "error", "events": (exception_event(),)}
    task = task_of(
        agent("root"),
        tool("t", "root", tool="get_weather", **failed),
        tool("e", "t", tool="error", name="error", end=0, **failed),
    )
    assert [call.tool_name for call in (s.tool_call for s in task.steps) if call] == [
        "get_weather"
    ]
    assert shown(task) == [("no city", True)]


@pytest.mark.parametrize(
    ("name", "attributes", "tools"),
    [
        pytest.param("running tool get_weather", {}, ["get_weather"], id="by-name"),
        pytest.param("tool", {"tool": "get_weather"}, ["get_weather"], id="by-a-value"),
        pytest.param("lookup", {}, [], id="another"),
        pytest.param("get_weather_forecast", {}, [], id="a-longer-name"),
    ],
)
def test_a_plain_span_of_a_tool_that_failed(name, attributes, tools):
    """A failed span that names a requested tool is its run."""
    task = task_of(
        make_span("root", end=10),
        chat("c", "root", attributes={"gen_ai.output.messages": REQUEST}),
        make_span(
            "mine", "root", attributes, name=name, start=2, status="error",
            events=(exception_event(),),
        ),
        chat("d", "root", start=4),
    )  # fmt: skip
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == tools
    assert shown(task) == [("no city", True)]


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        pytest.param(None, True, id="no-result"),
        pytest.param("Encountered error: no city", True, id="the-failure"),
        pytest.param("18 degrees", False, id="a-result"),
    ],
)
def test_a_tool_whose_framework_caught_its_failure(result, failed):
    """The function inside a tool's span failed: so did the tool, unless it has a result."""
    attributes = {"gen_ai.tool.call.result": result} if result else {}
    task = task_of(
        agent("root"),
        tool("t", "root", end=2, attributes=attributes),
        tool("f", "t", status="error", events=(exception_event(),)),
    )
    assert [step.error is not None for step in task.steps] == [failed]


@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("app.get_weather", ["get_weather"]),
        ("get_weather", ["get_weather"]),
        ("app.get_weather_cache", []),
    ],
)
def test_a_traced_function_that_was_requested(name, tools):
    """A plain span with the name of a requested tool is the tool, once."""
    answer = [
        {
            "role": "assistant",
            "tool_calls": [{"name": "get_weather", "id": "c1", "arguments": {"a": 1}}],
        }
    ]
    call = chat("c", "root", attributes={"gen_ai.output.messages": json.dumps(answer)})
    function = make_span(name, "root", {"input": '{"a": 1}', "output": "18C"}, start=2)
    task = task_of(agent("root"), call, function)
    found = [step.tool_call for step in task.steps if step.tool_call]
    assert [call.tool_name for call in found] == tools
    assert [call.output_summary for call in found] == ["18C"] * len(tools)


def test_a_failed_call_with_its_error_as_a_call_below_it():
    """BeeAI's instrumentation makes a span of each event, with the kind of its call."""
    failed = {"status": "error", "status_message": "quota exceeded", "tokens": None}
    task = task_of(
        agent("root"),
        chat("call", "root", start=1, **failed),
        chat("error", "call", start=1.5, end=1.5, **failed),
    )
    (step,) = [step for step in task.steps if step.llm_call]
    assert step.metadata["otel.span_id"] == sid("call")
    assert [message for message, _ in shown(task)] == ["quota exceeded"]
