"""Letta's records to spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
    ToolReturn,
)
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.records import Failure
from support.letta_runs import TRACE, from_steps
from support.spans import T0


def test_tags_and_feedback_reach_infinium():
    """Tags and feedback of a run's steps reach the task; its framework is Letta."""
    steps = (
        Step("a", trace_id=TRACE, model="m", tags=("vip", "operation:embeddings")),
        Step("b", trace_id=TRACE, model="m", tags=("vip",), feedback="negative"),
    )
    (task,) = spans_to_tasks(letta.from_letta_steps(steps))
    assert task.general.tags == ["vip", "feedback:negative"]
    assert task.environment.framework == "letta"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(Step("s", trace_id=TRACE.upper()), TRACE, id="its-own"),
        pytest.param(Step("s", run_id="run-" + TRACE), None, id="of-its-run"),
        pytest.param(Step("s"), None, id="made-up"),
    ],
)
def test_spans_are_in_the_steps_own_trace(step, expected):
    """A step's spans join the server's in the step's trace."""
    (trace,) = {record.trace_id for record in from_steps(step)}
    assert len(trace) == 32
    assert expected in (None, trace)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param("success", "ok", id="success"),
        pytest.param("pending", "unset", id="pending"),
        pytest.param("failed", "error", id="failed"),
        pytest.param("cancelled", "unset", id="cancelled"),
        pytest.param(None, "unset", id="unknown"),
    ],
)
def test_span_status(status, expected):
    """Only a successful step has a span with status ok."""
    _, call = from_steps(Step("s", status=status))
    assert call.status == expected
    assert (call.attributes.get("error.type") == "cancelled") == (status == "cancelled")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(
            {"type": "text", "text": "a"},
            {"type": "text", "content": "a"},
            id="text",
        ),
        pytest.param("a", {"type": "text", "content": "a"}, id="bare"),
        pytest.param(7, {"type": "text", "content": "7"}, id="number"),
        pytest.param(
            {"type": "reasoning", "reasoning": "a"},
            {"type": "reasoning", "content": "a"},
            id="reasoning",
        ),
        pytest.param(
            {"type": "tool_call", "id": "1", "name": "n", "input": {}},
            {"type": "tool_call", "id": "1", "name": "n", "arguments": {}},
            id="tool-call",
        ),
        pytest.param(
            {"type": "tool_return", "tool_call_id": "1", "content": "c"},
            {"type": "tool_call_response", "id": "1", "response": "c"},
            id="tool-return",
        ),
        pytest.param(
            {"type": "image", "source": {"url": "https://x/y"}},
            {"type": "uri", "modality": "image", "uri": "https://x/y"},
            id="image-elsewhere",
        ),
        pytest.param(
            {"type": "image", "source": {"data": "aa", "media_type": "image/png"}},
            {
                "type": "blob",
                "modality": "image",
                "mime_type": "image/png",
                "content": "aa",
            },
            id="image",
        ),
        pytest.param({"type": "image"}, {"type": "image"}, id="image-of-nothing"),
        pytest.param(
            {"type": "omitted_reasoning"}, {"type": "omitted_reasoning"}, id="other"
        ),
    ],
)
def test_content_by_the_conventions(item, expected):
    """Each part of a message has the conventions' shape."""
    messages_ = [Message("message-1", "assistant", step_id="s", content=(item,))]
    _, call = from_steps(Step("s"), messages=messages_)
    (message,) = json.loads(call.attributes["gen_ai.output.messages"])
    assert message["parts"] == [expected]


def test_a_failed_step():
    """An error is an exception event on the step, and fails the run too."""
    data = {"message": "too many", "traceback": "Traceback", "details": None}
    root, call = from_steps(
        Step("s", status="failed", error_type="RateLimit", error_data=data)
    )
    assert call.events[0].attributes == {
        "exception.type": "RateLimit",
        "exception.message": "too many",
        "exception.stacktrace": "Traceback",
    }
    assert (root.status, root.attributes["error.type"]) == ("error", "RateLimit")


def test_feedback_is_an_evaluation():
    """Feedback is an evaluation event of the conventions."""
    _, call = from_steps(Step("s", feedback="negative"))
    (event,) = call.events
    assert event.name == "gen_ai.evaluation.result"
    assert event.attributes == {
        "gen_ai.evaluation.name": "feedback",
        "gen_ai.evaluation.score.label": "negative",
        "gen_ai.evaluation.score.value": 0.0,
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            ToolReturn("error", stderr=("Traceback\nKeyError: 'a'",)),
            Failure("KeyError", "'a'", "Traceback\nKeyError: 'a'"),
            id="traceback",
        ),
        pytest.param(
            ToolReturn("error", stderr=("ValueError: no",)),
            Failure("ValueError", "no"),
            id="one-line",
        ),
        pytest.param(
            ToolReturn("error", stderr=("it broke",)),
            Failure("tool_error", "it broke"),
            id="no-type",
        ),
        pytest.param(
            ToolReturn("error", func_response="why"),
            Failure("tool_error", "why"),
            id="response",
        ),
        pytest.param(
            ToolReturn("error", func_response=[{"a": 1}]),
            Failure("tool_error", '[{"a": 1}]'),
            id="parts",
        ),
    ],
)
def test_a_failed_tool(answer, expected):
    """A tool's error is its last line of stderr, else its result."""
    messages_ = [
        Message("message-1", "tool", step_id="s", name="t", tool_returns=(answer,))
    ]
    ran = from_steps(Step("s"), messages=messages_)[-1]
    assert ran.attributes["error.type"] == expected.type
    assert ran.status_message == expected.message
    assert ran.events[-1].attributes.get("exception.stacktrace") == expected.stack_trace


def test_grouped():
    """Grouped, a step's spans are below an `agent_step`, and are read alike."""
    step = Step("step-1", trace_id=TRACE, status="success")
    metrics = StepMetrics("step-1", step_start_ns=T0, step_ns=40, llm_request_ns=10)
    messages_ = [Message("message-1", "tool", step_id="step-1", name="t")]
    records = from_steps(step, metrics=[metrics], messages=messages_, grouped=True)
    root, group, call, ran = records
    assert (group.name, group.attributes["step_id"]) == ("agent_step", "step-1")
    assert group.parent_id == root.span_id
    assert call.parent_id == ran.parent_id == group.span_id
    assert letta.from_spans(records) == [StepLog((step,), (metrics,), tuple(messages_))]


def test_under_a_span_of_the_trace():
    """With a given parent span, steps have no root of their own."""
    records = from_steps(Step("s", trace_id=TRACE), parent_id="b7ad6b7169203331")
    assert [r.parent_id for r in records] == ["b7ad6b7169203331"]


def test_provider_traces_describe_the_call():
    """The raw request and response give parameters, ids and texts."""
    openai = ProviderTrace(
        "provider_trace-1",
        {
            "temperature": 0.5,
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
        },
        {
            "id": "r-1",
            "model": "gpt-4o-2024",
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "yo"},
                },
                3,
            ],
        },
        step_id="s",
    )
    _, call = from_steps(Step("s", model="gpt-4o"), provider_traces=[openai])
    attributes = call.attributes
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.response.model"] == "gpt-4o-2024"
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert '"yo"' in attributes["gen_ai.output.messages"]
    anthropic = ProviderTrace(
        "provider_trace-2",
        {},
        {"stop_reason": "end_turn", "content": [{"type": "text", "text": "yo"}]},
        step_id="s",
    )
    _, call = from_steps(Step("s"), provider_traces=[anthropic])
    assert call.attributes["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert '"yo"' in call.attributes["gen_ai.output.messages"]


def test_content_without_text_is_empty():
    """A null text does not become the text "None"."""
    content = tuple({"type": kind} for kind in ("text", "reasoning", "tool_call"))
    message = Message("message-1", "assistant", content=content, step_id="s")
    _, call = from_steps(Step("s"), messages=[message])
    assert "None" not in call.attributes["gen_ai.output.messages"]
    assert json.loads(call.attributes["gen_ai.output.messages"])[0]["parts"] == [
        {"type": "text", "content": ""},
        {"type": "reasoning", "content": ""},
        {"type": "tool_call", "name": "unknown"},
    ]
