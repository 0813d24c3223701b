"""Weave: its spans of the OpenAI Agents SDK, and its attributes on other spans."""

from __future__ import annotations

import pytest

from support.records import agent, assert_fields, chat, make_span, read_span, task_of

AGENTS = "weave.openai_agents."
CHAT = {"gen_ai.operation.name": "chat"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            {AGENTS + "task.workflow_name": "Agent workflow"},
            {"kind": "workflow", "task_name": "Agent workflow"},
            id="task",
        ),
        pytest.param(
            {AGENTS + "turn.agent_name": "a", AGENTS + "turn.number": 1},
            {"kind": "step", "agent_name": "a"},
            id="turn",
        ),
        pytest.param(
            {AGENTS + "handoff.from_agent": "a", AGENTS + "handoff.to_agent": "b"},
            {"kind": "handoff", "agent_name": "b"},
            id="handoff",
        ),
        pytest.param(
            {AGENTS + "guardrail.name": "topic", AGENTS + "guardrail.triggered": True},
            {"kind": "guardrail", "label": "topic"},
            id="guardrail",
        ),
        pytest.param(
            {AGENTS + "transcription.model": "whisper", AGENTS + "transcription.output": "Hi"},
            {"kind": "llm", "model": "whisper", "output": "Hi"},
            id="transcription",
        ),
        pytest.param(
            {AGENTS + "speech.model": "tts-1", AGENTS + "speech.input": "Hi"},
            {"kind": "llm", "model": "tts-1", "input": "Hi"},
            id="speech",
        ),
        pytest.param({AGENTS + "mcp.server": "docs"}, {"kind": "mcp"}, id="mcp"),
        pytest.param(
            {"weave.span.kind": "agent", "wandb.thread_id": "t", "wandb.display_name": "x"},
            {"kind": "agent", "conversation_id": "t", "label": "x"},
            id="words-of-the-server",
        ),
        pytest.param({"weave.span.kind": "chain"}, {"kind": "step"}, id="a-frame"),
    ],
)  # fmt: skip
def test_what_a_span_is(attributes, expected):
    """The kind of an Agents SDK span follows from its keys."""
    assert_fields(read_span(attributes, scope="weave.openai_agents"), **expected)


def test_the_reason_of_a_failure():
    """The status shows the failing place, the data beside it the reason."""
    data = {AGENTS + "error.data": "{'tool_name': 'f', 'error': 'no city'}"}
    failed = {"status": "error", "status_message": "Error running tool"}
    assert read_span(CHAT | data, **failed).failure.message == "no city"
    no_reason = {AGENTS + "error.data": "{'guardrail': 'topic'}"}
    failure = read_span(CHAT | no_reason, **failed).failure
    assert failure.message == "Error running tool"


def test_a_run():
    """Tasks and turns are frames; the run is named by its workflow."""
    workflow = {AGENTS + "task.workflow_name": "Trip"}
    turn = {AGENTS + "turn.agent_name": "helper"}
    task = task_of(
        make_span("task", None, workflow, end=10),
        agent("a", "task"),
        make_span("turn", "a", turn, end=9),
        chat("c", "turn"),
    )
    assert task.name == "Trip"
    assert [s.action for s in task.steps] == ["agent", "llm_inference"]
    assert task.steps[1].llm_call.purpose == "helper"
