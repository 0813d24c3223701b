"""Tool runs that only messages tell of."""

from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from support.told import agent, chat, task_of, told, tool, tools_of

ASK = {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}


def request(call_id="c1", name="get_weather"):
    call = {"type": "tool_call", "name": name, "arguments": {"city": "Paris"}}
    return {"role": "assistant", "parts": [call | ({"id": call_id} if call_id else {})]}


def reply(call_id="c1", result="18C", **more):
    part = {"type": "tool_call_response", "response": result, **more}
    return {"role": "tool", "parts": [part | ({"id": call_id} if call_id else {})]}


def call(key, asked, answered=(), **more):
    attributes = {
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(answered),
    }
    return chat(key, attributes=attributes, **more)


def loop(first, then, *spans):
    """Two calls under an agent, with whatever else ran there."""
    return task_of(
        agent("root"),
        call("one", [ASK], first, parent="root", start=1),
        call("two", then, parent="root", start=4),
        *spans,
    )


def test_a_run_is_told_by_request_and_answer():
    """A tool without a span is told by the call that asked and the one that knew."""
    task = loop([request()], [ASK, request(), reply()])
    (run,) = tools_of(task)
    assert (run.tool_name, run.input_summary, run.output_summary) == (
        "get_weather",
        '{"city":"Paris"}',
        "18C",
    )
    assert [s.action for s in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]
    assert task.steps[1].metadata["source"] == "messages"


def test_what_ran_before_the_only_call():
    """An answer that the first call carries was there before it."""
    task = task_of(call("one", [ASK, request(), reply()]))
    assert [s.action for s in task.steps] == ["tool_use", "llm_inference"]


@pytest.mark.parametrize("has_span", [True, False])
def test_a_handoff_is_told_once(has_span):
    """The tool by which a model hands over is no tool where a span tells the handoff."""
    asked = request(name="transfer_to_expert")
    span = told(
        "handoff",
        "root",
        {"gen_ai.operation.name": "handoff", "gen_ai.handoff.to_agent": "expert"},
        start=3,
    )
    spans = [span] if has_span else []
    task = loop([asked], [ASK, asked, reply(result="expert")], *spans)
    assert [s.description for s in task.steps if not s.llm_call] == [
        "Handed off: expert" if has_span else "Called transfer_to_expert"
    ]


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        pytest.param([request()], [ASK], 0, id="never-answered"),
        pytest.param([request(), request("c2")],
                     [ASK, request(), request("c2"), reply("c2"), reply()], 2,
                     id="two-in-any-order"),
        pytest.param([request()], [ASK, reply()], 1, id="answer-without-request"),
        pytest.param([], [ASK, request(), reply()], 1, id="request-only-repeated"),
        pytest.param([request(None)], [ASK, request(None), reply(None)], 1, id="no-ids"),
        pytest.param([request(None)], [ASK, request(None), reply(None, name="other")], 0,
                     id="another-tools-answer"),
        pytest.param([request()], [ASK, reply("c9")], 0, id="unknown-answer"),
    ],
)  # fmt: skip
def test_what_ran(first, then, told):
    """A run needs both its request and its answer, tied by id, else by name."""
    assert len(tools_of(loop(first, then))) == told


@pytest.mark.parametrize(
    ("span", "told"),
    [
        pytest.param(tool("t", "root", "get_weather", start=3), 1, id="by-name"),
        pytest.param(
            tool("t", "root", "weather", start=3,
                 attributes={"gen_ai.tool.call.id": "c1"}), 1, id="by-id"),
        pytest.param(tool("t", "root", "other", start=3), 2, id="another-tool"),
    ],
)  # fmt: skip
def test_a_run_with_a_span_is_not_told_again(span, told):
    """What has a span is told by the span alone."""
    task = loop([request()], [ASK, request(), reply()], span)
    assert len(tools_of(task)) == told


def test_a_request_without_id_is_matched_by_name():
    """Where messages have no ids, a span of the tool's name tells the run."""
    span = tool("t", "root", "get_weather", attributes={"gen_ai.tool.call.id": "x"})
    task = loop([request(None)], [ASK, request(None), reply(None)], span)
    assert len(tools_of(task)) == 1


def test_earlier_turns_are_not_this_run():
    """A tool that ran before the last question belongs to an earlier run."""
    history = [ASK, request(), reply(), {"role": "assistant", "content": "18C"}]
    asked = [*history, {"role": "user", "content": "And Rome?"}]
    task = task_of(agent("root"), call("one", asked, parent="root"))
    assert tools_of(task) == []


def test_a_history_may_spell_the_request_otherwise():
    """The model's own request counts, not how the next call repeats it."""
    garbled = request()
    garbled["parts"][0]["name"] = "'get_weather'"
    task = loop([request()], [ASK, garbled, reply()])
    assert [told.tool_name for told in tools_of(task)] == ["get_weather"]


def test_an_agent_that_takes_over_brings_no_new_runs():
    """A second agent's first call repeats what the first one did, once."""
    task = loop([request()], [ASK, request(), reply()])
    again = task_of(
        agent("root"),
        call("one", [ASK], [request()], parent="root", start=1),
        call("two", [ASK, request(), reply()], parent="root", start=4),
        call("three", [ASK, request(), reply()], parent="root", start=6),
    )
    assert len(tools_of(task)) == len(tools_of(again)) == 1


def test_another_conversations_history_is_not_this_run():
    """Answers before the last question count only in a conversation of this trace."""
    old = [{"role": "user", "content": "Else?"}, request("x"), reply("x")]
    asked = [*old, {"role": "user", "content": "Now this"}]
    task = loop([], asked)
    assert tools_of(task) == []


def test_a_call_alone_in_its_trace_tells_the_run_before_it():
    """Without a span around them, each call is a trace; the answer's one has the run."""
    tasks = spans_to_tasks(
        [
            call("one", [ASK], [request()], trace="1" * 32),
            call("two", [ASK, request(), reply()], trace="2" * 32, start=4),
        ]
    )
    assert [len(tools_of(task)) for task in tasks] == [0, 1]


def test_an_answer_that_failed_is_a_failed_run():
    """An answer marked as an error makes the run a failed one, that was recovered."""
    answer = {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "is_error": True,
                "content": "no such city",
            }
        ],
    }
    task = loop([request()], [ASK, request(), answer])
    (told,) = tools_of(task)
    assert told.error.message == "no such city"
    assert task.errors[0].recoverable


def test_a_failed_answer_without_words():
    """An answer marked as an error without a reason still fails the run."""
    answer = {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True}]}  # fmt: skip
    (told,) = tools_of(loop([request()], [ASK, request(), answer]))
    assert told.error.message == "the tool reported an error"


def test_arguments_come_from_the_model_where_the_span_has_none():
    """A tool's span without arguments has those that the model asked with."""
    span = tool("t", "root", "get_weather", start=3)
    (told,) = tools_of(loop([request()], [ASK], span))
    assert told.input_summary == '{"city":"Paris"}'


@pytest.mark.parametrize(
    ("call_id", "failed", "result"),
    [
        pytest.param("c1", False, "18C", id="by-id"),
        pytest.param("c2", False, None, id="another-call"),
        pytest.param("c1", True, None, id="a-failed-run-has-none"),
    ],
)
def test_results_come_from_the_next_request_where_the_span_has_none(
    call_id, failed, result
):
    """A tool's span may tell no content, while the model's calls do."""
    used = tool("t", "root", "get_weather", start=3,
                status="error" if failed else "unset",
                attributes={"gen_ai.tool.call.id": call_id})  # fmt: skip
    (told,) = tools_of(loop([request(call_id)], [ASK, request(), reply()], used))
    assert told.output_summary == result


def test_an_answer_that_failed_fails_the_span_without_a_result():
    """The model was told of a failure that the span does not know."""
    span = tool("t", "root", "get_weather", start=3,
                attributes={"gen_ai.tool.call.id": "c1"})  # fmt: skip
    answer = reply(result="no city", status="error")
    (told,) = tools_of(loop([request()], [ASK, request(), answer], span))
    assert told.error.message == "no city"


def test_the_request_with_the_spans_id_is_its_own():
    """Among several requests the one with the span's id counts."""
    other = request("c2")
    other["parts"][0]["arguments"] = {"city": "Rome"}
    span = tool(
        "t", "root", "get_weather", start=3, attributes={"gen_ai.tool.call.id": "c1"}
    )
    (told,) = tools_of(loop([request(), other], [ASK], span))
    assert told.input_summary == '{"city":"Paris"}'
