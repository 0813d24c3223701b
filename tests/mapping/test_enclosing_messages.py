"""Calls without content, completed from the messages around them."""

from __future__ import annotations

import json

import pytest

from support.records import (
    agent,
    calls_of,
    chat,
    make_span,
    task_of,
    tokens_of,
    tools_of,
)

ASK = {"role": "user", "content": "Weather?"}
REQUEST = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "name": "f", "args": {"a": 1}}],
    "response_metadata": {"model_name": "gpt-4o-2026-01-01",
                          "token_usage": {"prompt_tokens": 7, "completion_tokens": 3}},
}  # fmt: skip
RESPONSE = {"role": "tool", "tool_call_id": "c1", "content": "18C"}
ANSWER = {
    "_role": "assistant",
    "_content": [{"text": "Sunny."}],
    "_meta": {"model": "gpt-4o-2026-01-01", "usage": {"prompt_tokens": 9}},
}


def _chain(messages, *spans, **more):
    attributes = {
        "traceloop.span.kind": "workflow",
        "traceloop.entity.output": json.dumps({"llm": {"messages": messages}}),
    }
    return task_of(make_span("root", None, attributes, end=9, **more), *spans)


def _silent(key, start, output=None, **more):
    attributes = (
        {} if output is None else {"gen_ai.output.messages": json.dumps(output)}
    )
    return chat(key, "root", None, start=start, attributes=attributes, **more)


def _previews(task):
    return [step.output_preview for step in task.steps if step.llm_call]


@pytest.mark.parametrize(
    "output",
    [None, [{"role": "assistant", "content": ""}], [{"role": "assistant", "content": "replies"}]],
    ids=["none", "empty", "haystack"],
)  # fmt: skip
def test_answers_of_the_frame_are_the_calls_in_order(output):
    """As many answers as calls: each call gets its own, with model and usage."""
    task = _chain(
        [ASK, REQUEST, RESPONSE, ANSWER],
        _silent("a", 1, output),
        _silent("b", 3, output),
    )
    assert _previews(task) == ['f({"a":1})', "Sunny."]
    assert tokens_of(task) == (16, 3)
    assert {call.model for call in calls_of(task)} == {"gpt-4o-2026-01-01"}
    (run,) = tools_of(task)
    assert (run.tool_name, run.input_summary, run.output_summary) == (
        "f",
        '{"a":1}',
        "18C",
    )
    assert [s.action for s in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([ASK, ANSWER], id="fewer"),
        pytest.param([ASK, ANSWER, ANSWER, ANSWER], id="more"),
        pytest.param([ANSWER, ANSWER, ASK], id="before-the-question"),
    ],
)
def test_another_number_of_answers(messages):
    """Nothing shows which answer is whose."""
    assert _previews(_chain(messages, _silent("a", 1), _silent("b", 3))) == [None, None]


def test_a_failed_call_gave_no_answer():
    """The answer is that of the call that succeeded."""
    task = _chain([ASK, ANSWER], _silent("a", 1, status="error"), _silent("b", 3))
    assert _previews(task) == [None, "Sunny."]


def test_calls_of_an_inner_agent_are_its_own():
    """The calls in a tool, or in an agent with content, are not the frame's."""
    inner = {
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": "x"}])
    }
    task = _chain(
        [ASK, ANSWER],
        agent("in", "root", start=1, end=2, attributes=inner),
        chat("a", "in", None, start=1, end=2),
        _silent("b", 3),
    )
    assert _previews(task) == ["x", "Sunny."]


def test_only_what_is_missing_is_added():
    """A call with the same answer gets the usage beside it; another answer stays."""
    own = [{"role": "assistant", "content": "Sunny."}]
    task = _chain([ASK, ANSWER], _silent("b", 3, own))
    assert (_previews(task), tokens_of(task)) == (["Sunny."], (9, None))
    other = [{"role": "assistant", "content": "Rain."}]
    task = _chain([ASK, ANSWER], _silent("b", 3, other))
    assert (_previews(task), tokens_of(task)) == (["Rain."], (None, None))


def test_a_message_without_metadata():
    """The text alone is completed."""
    task = _chain([ASK, {"role": "assistant", "content": "yo"}], _silent("b", 3))
    assert (_previews(task), tokens_of(task)) == (["yo"], (None, None))


def test_metadata_beside_a_complete_call():
    """The usage that the call itself reports stays; only the model is added."""
    own = json.dumps([{"role": "assistant", "content": "Sunny."}])
    call = chat("b", "root", start=3, attributes={"gen_ai.output.messages": own})
    task = _chain([ASK, ANSWER], call)
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.model == "gpt-4o-2026-01-01"


def test_answers_of_haystacks_generators():
    """Of a pipeline's components the one with replies has the answer."""
    output = {"embedder": {"meta": {"model": "e"}}, "llm": {"replies": [ANSWER]}}
    attributes = {
        "traceloop.span.kind": "workflow",
        "traceloop.entity.output": json.dumps(output),
    }
    root = make_span("root", None, attributes, end=9)
    task = task_of(root, _silent("b", 3))
    assert (_previews(task), task.output_summary) == (["Sunny."], "Sunny.")
