"""The times of a step and its parts."""

from __future__ import annotations

from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Message,
    Step,
    StepMetrics,
)
from support.letta_runs import from_steps
from support.spans import T0, S


def test_time_from_metrics():
    """Metrics determine the times of a step and its parts, to the ns."""
    metrics = StepMetrics(
        "s",
        step_start_ns=T0,
        llm_request_start_ns=T0 + 7,
        llm_request_ns=10,
        tool_execution_ns=9,
        step_ns=40,
    )
    messages_ = [
        Message("message-1", "tool", step_id="s", name="a", tool_call_id="1"),
        Message("message-2", "tool", step_id="s", name="b", tool_call_id="2"),
    ]
    root, call, one_, two = from_steps(Step("s"), metrics=[metrics], messages=messages_)
    assert (call.start_ns, call.end_ns) == (T0 + 7, T0 + 17)
    assert [(r.start_ns, r.end_ns) for r in (one_, two)] == [
        (T0 + 17, T0 + 21),
        (T0 + 21, T0 + 26),
    ]
    assert call.attributes["letta.step.time_source"] == "metrics"
    assert (root.start_ns, root.end_ns) == (T0 + 7, T0 + 26)


def test_time_from_incomplete_metrics():
    """Missing times are derived: the step's start, the request's length."""
    metrics = StepMetrics(
        "s", llm_request_start_ns=T0, step_ns=30, tool_execution_ns=10
    )
    _, call = from_steps(Step("s"), metrics=[metrics])
    assert (call.start_ns, call.end_ns) == (T0, T0 + 20)


def test_time_from_messages():
    """Without metrics the messages' times are those of a step and its tools."""
    at = "2026-01-02T03:04:{:02}Z".format
    calls = ({"id": "k", "function": {"name": "search", "arguments": "{}"}},)
    messages_ = [
        Message("message-1", "user", step_id="s", created_at=at(1)),
        Message(
            "message-2", "assistant", step_id="s", created_at=at(3), tool_calls=calls
        ),
        Message("message-3", "tool", step_id="s", created_at=at(6), tool_call_id="k"),
    ]
    _, call, ran = from_steps(Step("s"), messages=messages_)
    assert call.end_ns - call.start_ns == 2 * S
    assert (ran.name, ran.start_ns, ran.end_ns) == (
        "execute_tool search",
        call.end_ns,
        call.end_ns + 3 * S,
    )
    assert call.attributes["letta.step.time_source"] == "messages"


def test_time_from_messages_without_an_answer():
    """A step without an answer ends with the messages before it."""
    messages_ = [
        Message("message-1", "tool", step_id="s", created_at="2026-01-02T03:04:05Z")
    ]
    _, call, ran = from_steps(Step("s"), messages=messages_)
    assert call.start_ns == call.end_ns == ran.end_ns


def test_unknown_times():
    """Without metrics and messages a step has zero length, and is marked."""
    root, call = from_steps(Step("s"), start_ns=T0)
    assert root.start_ns == call.start_ns == call.end_ns == T0
    assert call.attributes["letta.step.time_source"] == "synthetic"


def test_a_step_without_a_time_begins_no_earlier_than_the_run():
    """A missing time does not make a run begin in 1970."""
    metrics = letta.StepMetrics("step-2", step_start_ns=7_000, llm_request_ns=5)
    spans_ = letta.from_letta_steps(
        [letta.Step("step-1"), letta.Step("step-2")], [metrics]
    )
    assert {each.start_ns for each in spans_} == {7_000}
