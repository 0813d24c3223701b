"""Inputs that contain the call's own answer."""

from __future__ import annotations

import json

import pytest

from support.records import agent, chat, task_of, tools_of

ASK = {"role": "user", "content": "Weather?"}
REQUEST = {"role": "assistant", "tool_calls": [
    {"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}]}  # fmt: skip
RESPONSE = {"role": "tool", "tool_call_id": "c1", "content": "18C"}
ANSWER = {"role": "assistant", "content": "Sunny."}


def _call(key, input_, output, **more):
    attributes = {
        "gen_ai.input.messages": json.dumps(input_),
        "gen_ai.output.messages": json.dumps(output),
    }
    return chat(key, "root", attributes=attributes, **more)


@pytest.mark.parametrize(
    ("input_", "output", "preview"),
    [
        pytest.param([ASK, REQUEST, RESPONSE, ANSWER], [REQUEST], "Weather?",
                     id="request"),
        pytest.param([ASK, REQUEST, RESPONSE, ANSWER], [ANSWER], "18C", id="answer"),
        pytest.param([ANSWER], [ANSWER], "Sunny.", id="nothing-else"),
        pytest.param([ASK, ANSWER, ASK], [ANSWER], "Weather?", id="an-equal-answer"),
    ],
)  # fmt: skip
def test_an_input_is_cut_where_the_answer_begins(input_, output, preview):
    """A list recorded after the call holds its answer and what came after."""
    task = task_of(agent("root"), _call("c", input_, output))
    (step,) = [s for s in task.steps if s.llm_call]
    assert step.input_preview == preview


def test_a_tool_runs_between_the_calls():
    """Both calls of a run recorded the whole conversation."""
    whole = [ASK, REQUEST, RESPONSE, ANSWER]
    task = task_of(
        agent("root"),
        _call("one", whole, [REQUEST], start=1),
        _call("two", whole, [ANSWER], start=4),
    )
    assert [s.action for s in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]
    assert [t.output_summary for t in tools_of(task)] == ["18C"]


def test_an_id_that_a_server_uses_again():
    """The request before is the history of the call that makes the same one again."""
    again = [ASK, REQUEST, RESPONSE]
    task = task_of(
        agent("root"),
        _call("one", [ASK], [REQUEST], start=1),
        _call("two", again, [REQUEST], start=4),
    )
    assert task.steps[-1].input_preview == "18C"
