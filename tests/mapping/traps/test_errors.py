"""Traps of errors (docs/reference/traps.md)."""

from __future__ import annotations

import json

import pytest

from support.records import (
    agent,
    chat,
    exception_event,
    make_span,
    task_of,
    tool,
    tools_of,
)


def message_by(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def test_t15_one_failure_is_one_error():
    """An exception on every ancestor is the deepest span's."""
    failed = {"status": "error", "events": (exception_event(),)}
    task = task_of(
        make_span("root", end=9, **failed),
        agent("run", "root", **failed),
        tool("t", "run", **failed),
    )
    (error,) = task.errors
    assert (error.error_type, error.recoverable) == ("ValueError", False)
    assert tools_of(task)[0].error.message == "no city"


def test_t16_a_failure_without_an_event():
    """Status and error.type report a failure where no exception was recorded."""
    attributes = {"error.type": "rate_limit_error"}
    task = task_of(
        chat("c", status="error", status_message="slow down", attributes=attributes)
    )
    (error,) = task.errors
    assert (error.error_type, error.message) == ("rate_limit_error", "slow down")


def test_t16_an_event_without_a_failure():
    """A recorded exception on a span that did not fail was handled."""
    task = task_of(
        make_span("root", end=3), tool("t", "root", events=(exception_event(),))
    )
    (error,) = task.errors
    assert error.recoverable is True


def test_t17_a_fallback_recovers():
    """A failed call before one that succeeds is recoverable; the last one is not."""
    first = chat("c1", "root", None, status="error", events=(exception_event(),))
    recovered = task_of(make_span("root", end=9), first, chat("c2", "root", start=3))
    fatal = task_of(
        make_span("root", end=9, status="error", events=(exception_event(),)), first
    )
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
    """Exceptions for control flow are not failures, whatever the status."""
    task = task_of(tool("t", status="error", events=(exception_event(kind, ""),)))
    assert not task.errors
    assert tools_of(task)[0].error is None


def test_t41_a_code_in_the_place_of_the_type():
    """JavaScript's SDK writes a code as the type; the stack trace has the class."""
    stack = "APIError: 429 slow\n    at run (/app/x.mjs:3:14)"
    failed = exception_event("rate_limit", "Error: 429 slow", stack)
    (error,) = task_of(chat("c", status="error", events=(failed,))).errors
    assert (error.error_type, error.message, error.error_code) == (
        "APIError",
        "429 slow",
        "rate_limit",
    )


def test_t42_a_status_that_misleads():
    """A repeated status is not a failure, and an OK not a success."""
    error = {"status": "error", "status_message": "no city"}
    answer = {
        "gen_ai.output.messages": message_by("assistant", "It is warm."),
        "gen_ai.response.finish_reasons": ["stop"],
    }
    task = task_of(
        agent("root", status="ok"),
        tool("t", "root", events=(exception_event(),), **error),
        chat("c", "root", start=3, attributes=answer, **error),
    )
    assert [(e.message, e.recoverable) for e in task.errors] == [("no city", True)]
    raised = agent("root", status="ok", events=(exception_event(),))
    task = task_of(raised, chat("c", "root", status="ok", events=(exception_event(),)))
    assert [e.recoverable for e in task.errors] == [False]
