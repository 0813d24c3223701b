"""One model call told by several spans, and several calls that look like one."""

from __future__ import annotations

import pytest

from support.told import agent, calls_of, chat, raised, task_of, tokens_of, told


def answer(name):
    return {"gen_ai.response.id": name}


def failed(key, parent, message="down", **more):
    return chat(
        key, parent, tokens=None, status="error", events=(raised(message=message),),
        **more,
    )  # fmt: skip


def test_a_wrapper_around_one_call_is_that_call():
    """The leaf's tokens count; what only the wrapper knows is added."""
    task = task_of(
        chat("outer", attributes={"gen_ai.request.temperature": 0.5}, end=3),
        chat("inner", "outer", (11, 6)),
    )
    (call,) = calls_of(task)
    assert (call.prompt_tokens, call.temperature) == (11, 0.5)
    assert task.steps[0].metadata["otel.folded_span_ids"]


def test_a_wrapper_may_know_the_answer_of_which_the_call_has_the_shell():
    """An answer without words is none."""
    asked = '[{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]'
    shell = '[{"role":"assistant","parts":[{"type":"text","content":""}]}]'
    task = task_of(
        chat("outer", tokens=None, attributes={"gen_ai.output.messages": asked}),
        chat("inner", "outer", attributes={"gen_ai.output.messages": shell}),
    )
    (step,) = task.steps
    assert step.output_preview == "f(...)"


def test_a_wrapper_around_several_calls_holds_them():
    """Around two calls that both succeeded it is a container, and counts nothing."""
    task = task_of(
        chat("outer", None, (20, 10), end=9),
        chat("a", "outer", (10, 5), start=1),
        chat("b", "outer", (10, 5), start=3),
    )
    assert len(calls_of(task)) == 2
    assert tokens_of(task) == (20, 10)


def test_a_wrapper_around_retries_is_the_one_that_worked():
    """Failed attempts stay calls of their own, with an error and no tokens."""
    task = task_of(
        chat("outer", end=9),
        failed("first", "outer", start=1),
        chat("second", "outer", start=3),
    )
    assert [c.prompt_tokens for c in calls_of(task)] == [None, 10]
    assert task.errors[0].recoverable


def test_a_failed_attempt_inside_a_success_is_another_call():
    """Of a fallback's two spans neither is lost, and what failed comes first."""
    task = task_of(chat("outer", end=9), failed("attempt", "outer"))
    assert [c.prompt_tokens for c in calls_of(task)] == [None, 10]
    assert [s.step_number for s in task.steps] == [1, 2]


def test_a_call_inside_a_call_with_its_own_answer_is_another():
    """Different answers with different counts are two real calls."""
    task = task_of(
        chat("outer", attributes=answer("a"), end=9),
        chat("inner", "outer", (3, 2), attributes=answer("b")),
    )
    assert tokens_of(task) == (13, 7)


@pytest.mark.parametrize(
    ("second_start", "calls"),
    [pytest.param(0.5, 1, id="overlap"), pytest.param(5, 2, id="apart")],
)
def test_one_answer_told_side_by_side(second_start, calls):
    """One response id is one call if the spans overlap in time; mocks reuse ids."""
    first = chat("a", "root", attributes=answer("r"))
    second = chat("b", "root", attributes=answer("r"), start=second_start)
    task = task_of(agent("root"), first, second)
    assert len(calls_of(task)) == calls


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        pytest.param({}, 1, id="the-same-tokens"),
        pytest.param({"tokens": (10, 6)}, 2, id="other-tokens"),
        pytest.param({"scope": "framework"}, 2, id="the-same-scope"),
        pytest.param({"end": 4}, 2, id="beyond-its-time"),
        pytest.param({"parent": "other"}, 2, id="elsewhere"),
        pytest.param(
            {"attributes": {"gen_ai.response.id": "r2"}}, 2, id="another-answer"
        ),
    ],
)
def test_a_client_beside_its_framework(more, calls):
    """Within the framework's time, with the same account of it, it is one call."""
    answer = {"gen_ai.response.id": "r1"}
    inside = {"parent": "root", "start": 1.5, "end": 2, "scope": "client"} | more
    task = task_of(
        agent("root"),
        told("other", "root", end=9),
        chat("frame", "root", start=1, end=3, scope="framework", attributes=answer),
        chat("client", **inside),
    )
    assert len(calls_of(task)) == calls


@pytest.mark.parametrize(
    ("message", "calls"), [("429: slow down", 1), ("another matter", 2)]
)
def test_a_client_that_fails_beside_its_framework(message, calls):
    """One failure told by both is one failed call."""
    said = {"tokens": None, "status": "error"}
    task = task_of(
        agent("root"),
        chat("f", "root", start=1, end=3, scope="framework",
             status_message="RateLimitError: 429: slow down", **said),
        chat("c", "root", start=1.5, end=2, scope="client",
             status_message=message, **said),
    )  # fmt: skip
    assert len(calls_of(task)) == calls


def test_the_richer_telling_is_kept():
    """Of two tellings the one that knows more is kept, completed by the other."""
    poor = chat("a", "root", None, attributes=answer("r") | {"server.port": 1})
    rich = chat("b", "root", attributes=answer("r") | {"gen_ai.request.seed": 3})
    (call,) = calls_of(task_of(agent("root"), poor, rich))
    assert call.prompt_tokens == 10


def test_an_instant_telling_joins_the_call():
    """A log-like span of no length with the same answer is the same call."""
    late = chat("b", "root", (10, 5), attributes=answer("r"), start=8, end=8)
    task = task_of(agent("root"), chat("a", "root", None, attributes=answer("r")), late)
    (call,) = calls_of(task)
    assert (call.prompt_tokens, call.latency_ms) == (10, 1000)


def logfire(key, name, start, **attributes):
    """A request as Logfire tells it, or the account of its stream."""
    request = {"request_data": '{"model": "m", "messages": [0]}', **attributes}
    return told(key, "root", request, name=name, start=start, scope="logfire")


@pytest.mark.parametrize(
    ("data", "calls"),
    [
        pytest.param('{"model": "m", "messages": [0]}', 1, id="of-this-request"),
        pytest.param('{"model": "m", "messages": [1]}', 2, id="of-another"),
    ],
)
def test_a_streams_account_joins_its_request(data, calls):
    """What Logfire tells once a stream is drained belongs to the request beside it."""
    ask = logfire("ask", "Chat Completion with 'm'", 1)
    drained = logfire(
        "end",
        "streaming response from 'm' took 2.00s",
        4,
        request_data=data,
        duration=2.0,
        **{"gen_ai.usage.input_tokens": 7},
    )
    task = task_of(agent("root"), ask, drained)
    assert len(calls_of(task)) == calls
    if calls == 1:
        assert calls_of(task)[0].latency_ms == 3000
        assert calls_of(task)[0].prompt_tokens == 7


def test_a_call_that_stands_alone_is_uncounted():
    """A call without usage stays a call, of unknown tokens."""
    (call,) = calls_of(task_of(agent("root"), chat("c", "root", None)))
    assert call.prompt_tokens is None
