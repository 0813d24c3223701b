"""A step's status and stop reason, from its span."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.letta_runs import agent, chat, one


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            {"gen_ai__response__finish_reasons": ["stop"]}, "end_turn", id="stop"
        ),
        pytest.param(
            {"gen_ai__response__finish_reasons": ["LENGTH"]},
            "max_tokens_exceeded",
            id="length",
        ),
        pytest.param(
            {"gen_ai__response__finish_reasons": ["tool_calls"]},
            "tool_rule",
            id="tools-last",
        ),
        pytest.param(
            {"gen_ai__response__finish_reasons": ["content_filter"]},
            "invalid_llm_response",
            id="filter",
        ),
        pytest.param({"gen_ai__response__finish_reasons": ["odd"]}, None, id="unknown"),
        pytest.param({}, None, id="missing"),
        pytest.param(
            {"status": "error", "status_message": "x"}, "llm_api_error", id="failed"
        ),
        pytest.param(
            {"error__type": "asyncio.CancelledError", "status": "error"},
            "cancelled",
            id="cancelled",
        ),
        pytest.param({"error__type": "cancelled"}, "cancelled", id="cancelled-quietly"),
        pytest.param(
            {
                "gen_ai__tool__definitions": '[{"type": "function", "function": {"name": "a"}}, {"name": "b"}, 3]',
                "gen_ai__output__messages": '[{"role": "assistant", "parts": [{"type": "tool_call", "name": "c"}]}]',
            },
            "invalid_tool_call",
            id="unknown-tool",
        ),
    ],
)
def test_stop_reason(attributes, expected):
    """The stop reason is derived from the finish reason; None without one."""
    assert one(agent(), chat(**attributes)).steps[0].stop_reason == expected


def test_a_step_that_more_steps_follow_has_no_stop_reason():
    """A step that calls tools has no stop reason; the server stores none either."""
    reasons = {"gen_ai__response__finish_reasons": ["tool_calls"]}
    log = one(agent(), chat("c", **reasons), chat("d", start=3, **reasons))
    assert [step.stop_reason for step in log.steps] == [None, "tool_rule"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(chat(), "success", id="ended"),
        pytest.param(chat(status="ok"), "success", id="ok"),
        pytest.param(chat(status="error"), "failed", id="error"),
        pytest.param(
            chat(status="error", error__type="Cancelled"), "cancelled", id="cancelled"
        ),
        pytest.param(replace(chat(), end_ns=0), "pending", id="not-ended"),
    ],
)
def test_status(record, expected):
    """A span that has not ended is never a success."""
    step = one(agent(), record).steps[0]
    assert step.status == expected
    assert (step.stop_reason is None) == (expected in ("success", "pending"))
