"""One model call reported by several spans, and several calls that look like one."""

from __future__ import annotations

import pytest

from support.records import (
    agent,
    calls_of,
    chat,
    exception_event,
    make_span,
    task_of,
    tokens_of,
    tool,
    tools_of,
)


def answer(name):
    return {"gen_ai.response.id": name}


def failed(key, parent, message="down", **more):
    return chat(
        key, parent, tokens=None, status="error", events=(exception_event(message=message),),
        **more,
    )  # fmt: skip


def test_a_wrapper_around_one_call_is_that_call():
    """The leaf's tokens count; what only the wrapper reports is added."""
    task = task_of(
        chat("outer", attributes={"gen_ai.request.temperature": 0.5}, end=3),
        chat("inner", "outer", (11, 6)),
    )
    (call,) = calls_of(task)
    assert (call.prompt_tokens, call.temperature) == (11, 0.5)
    assert task.steps[0].metadata["otel.folded_span_ids"]


def test_a_wrapper_may_know_the_answer_of_which_the_call_has_the_shell():
    """An answer without text is not an answer."""
    requests = '[{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]'
    shell = '[{"role":"assistant","parts":[{"type":"text","content":""}]}]'
    task = task_of(
        chat("outer", tokens=None, attributes={"gen_ai.output.messages": requests}),
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


def test_calls_below_one_that_had_ended_are_no_part_of_it():
    """A tracer that leaves a call's context open puts the calls after it below it."""
    task = task_of(
        chat("one", attributes={"gen_ai.completion": "same"}, end=1),
        chat("two", "one", attributes={"gen_ai.completion": "same"}, start=2, end=3),
        chat("three", "two", attributes={"gen_ai.completion": "last"}, start=4, end=5),
    )
    assert tokens_of(task) == (30, 15)
    assert task.output_summary == "last"


@pytest.mark.parametrize(
    ("second_start", "calls"),
    [pytest.param(0.5, 1, id="overlap"), pytest.param(5, 2, id="apart")],
)
def test_one_response_reported_side_by_side(second_start, calls):
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
        pytest.param({"parent": "other"}, 1, id="in-another-branch"),
        pytest.param({"parent": "tool"}, 2, id="below-a-tool"),
        pytest.param({"parent": "sub"}, 2, id="below-another-agent"),
        pytest.param(
            {"attributes": {"gen_ai.response.id": "r2"}}, 2, id="another-answer"
        ),
        pytest.param(
            {"attributes": {"gen_ai.response.id": "r1"}}, 1, id="the-same-answer"
        ),
        pytest.param(
            {"attributes": {"gen_ai.response.id": "msg_7"}},
            1,
            id="the-providers-own-id",
        ),
        pytest.param({"start": 0.9995, "end": 2.9}, 1, id="nearly-the-same-time"),
        pytest.param({"start": 2, "end": 5}, 2, id="half-the-time"),
    ],
)
def test_a_client_beside_its_framework(more, calls):
    """Within the framework's time, with the same tokens or failure, it is one call."""
    answer = {"gen_ai.response.id": "r1"}
    inside = {"parent": "root", "start": 1.5, "end": 2, "scope": "client"} | more
    task = task_of(
        agent("root"),
        make_span("other", "root", end=9),
        tool("tool", "root", end=9),
        agent("sub", "root", name="sub", end=9),
        chat("frame", "root", start=1, end=3, scope="framework", attributes=answer),
        chat("client", **inside),
    )
    assert len(calls_of(task)) == calls


@pytest.mark.parametrize(
    ("message", "calls"), [("429: slow down", 1), ("another matter", 2)]
)
def test_a_client_that_fails_beside_its_framework(message, calls):
    """One failure reported by both is one failed call."""
    failed = {"tokens": None, "status": "error"}
    task = task_of(
        agent("root"),
        chat("f", "root", start=1, end=3, scope="framework",
             status_message="RateLimitError: 429: slow down", **failed),
        chat("c", "root", start=1.5, end=2, scope="client",
             status_message=message, **failed),
    )  # fmt: skip
    assert len(calls_of(task)) == calls


def test_the_richer_report_is_kept():
    """Of two reports the richer one is kept, completed by the other."""
    poor = chat("a", "root", None, attributes=answer("r") | {"server.port": 1})
    rich = chat("b", "root", attributes=answer("r") | {"gen_ai.request.seed": 3})
    (call,) = calls_of(task_of(agent("root"), poor, rich))
    assert call.prompt_tokens == 10


def test_an_instant_report_joins_the_call():
    """A log-like span of no length with the same answer is the same call."""
    late = chat("b", "root", (10, 5), attributes=answer("r"), start=8, end=8)
    task = task_of(agent("root"), chat("a", "root", None, attributes=answer("r")), late)
    (call,) = calls_of(task)
    assert (call.prompt_tokens, call.latency_ms) == (10, 1000)


def logfire(key, name, start, **attributes):
    """A request as Logfire reports it, or the log span of its stream."""
    request = {"request_data": '{"model": "m", "messages": [0]}', **attributes}
    return make_span(key, "root", request, name=name, start=start, scope="logfire")


@pytest.mark.parametrize(
    ("data", "calls"),
    [
        pytest.param('{"model": "m", "messages": [0]}', 1, id="of-this-request"),
        pytest.param('{"model": "m", "messages": [1]}', 2, id="of-another"),
    ],
)
def test_a_streams_account_joins_its_request(data, calls):
    """The span Logfire adds once a stream is drained belongs to the request beside it."""
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


def test_a_lone_call_without_usage():
    """A call without usage stays a call, of unknown tokens."""
    (call,) = calls_of(task_of(agent("root"), chat("c", "root", None)))
    assert call.prompt_tokens is None


def messages(text):
    return (
        f'[{{"role": "assistant", "parts": [{{"type": "text", "content": "{text}"}}]}}]'
    )


@pytest.mark.parametrize(
    ("text", "calls"), [("Paris.", 1), ("Rome.", 2), (None, 2)], ids=str
)
def test_without_tokens_the_answer_shows_the_call(text, calls):
    """Where one of two reports has no tokens, they are one call by the same answer."""
    output = {"gen_ai.output.messages": messages(text)} if text else {}
    task = task_of(
        agent("root"),
        chat("a", "root", end=3, scope="framework",
             attributes={"gen_ai.output.messages": messages("Paris.")}),
        chat("b", "root", None, start=1, end=2, scope="client", attributes=output),
    )  # fmt: skip
    assert len(calls_of(task)) == calls


def ask(text):
    return f'[{{"role": "user", "parts": [{{"type": "text", "content": "{text}"}}]}}]'


@pytest.mark.parametrize(("question", "calls"), [("Capital?", 1), ("Sure?", 2)])
def test_the_same_short_answer_to_another_question(question, calls):
    """Without tokens, an answer shows the call only if the question is the same."""

    def report(key, asked, **more):
        texts = {
            "gen_ai.input.messages": ask(asked), "gen_ai.output.messages": messages("Yes."),
        }  # fmt: skip
        return chat(key, "root", None, attributes=texts, **more)

    task = task_of(
        agent("root"),
        report("a", "Capital?", end=3, scope="framework"),
        report("b", question, start=1, end=2, scope="client"),
    )
    assert len(calls_of(task)) == calls


def test_reports_with_different_answers_are_different_calls():
    """Equal tokens are no proof against two answers: local models repeat counts."""
    task = task_of(
        agent("root"),
        chat("a", "root", end=3, scope="framework",
             attributes={"gen_ai.output.messages": messages("Paris.")}),
        chat("b", "root", start=1, end=2, scope="client",
             attributes={"gen_ai.output.messages": messages("Rome.")}),
    )  # fmt: skip
    assert len(calls_of(task)) == 2


def test_three_layers_that_do_not_see_each_other():
    """ADK around LiteLLM's and OpenAI's spans of a call: one call, counted once."""
    task = task_of(
        agent("root"),
        chat("adk", "root", (200, 20), start=1, end=9, scope="adk"),
        chat("openai", "adk", (200, 20), start=3, end=7, scope="openai"),
        chat("litellm", "adk", (200, 20), start=2, end=8, scope="litellm"),
        chat("raw", "litellm", (200, 20), start=2, end=8, scope="litellm"),
    )
    assert tokens_of(task) == (200, 20)
    assert len(calls_of(task)) == 1


def test_a_chain_mirrored_by_two_handlers():
    """Agent, tool and calls of two callback handlers' chains are one each."""

    def chain(scope, shift):
        top, step = f"{scope}-agent", f"{scope}-step"
        return (
            agent(
                top, "root", name="helper", start=1 + shift, end=9 - shift, scope=scope
            ),
            make_span(step, top, start=1.1, end=8, scope=scope),
            chat(f"{scope}-a", step, start=2 + shift, end=4 - shift, scope=scope),
            tool(f"{scope}-t", step, start=4 + shift, end=5 - shift, scope=scope),
            chat(f"{scope}-b", step, start=5 + shift, end=7 - shift, scope=scope),
        )

    task = task_of(make_span("root", end=10), *chain("one", 0), *chain("two", 0.01))
    assert (len(calls_of(task)), len(tools_of(task))) == (2, 1)
    assert tokens_of(task) == (20, 10)


USAGE = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}


@pytest.mark.parametrize(
    ("record", "first", "calls", "tokens"),
    [
        pytest.param({}, (10, 5), 1, (10, 5), id="the-same-tokens"),
        pytest.param({}, None, 1, (10, 5), id="the-only-tokens"),
        pytest.param({}, (9, 5), 2, (19, 10), id="other-tokens"),
        pytest.param({"end": 4}, (10, 5), 2, (20, 10), id="it-takes-time"),
        pytest.param(
            {"attributes": {"gen_ai.operation.name": "chat"}}, (10, 5), 2, (20, 10),
            id="an-operation",
        ),
    ],
)  # fmt: skip
def test_a_record_of_usage_is_no_call(record, first, calls, tokens):
    """A span that only records what the call before it used is part of that call."""
    more = {"start": 3, "end": 3, **record}
    account = {"gen_ai.response.model": "gpt-4o", **USAGE, **more.pop("attributes", {})}
    task = task_of(
        agent("root"),
        chat("a", "root", first, end=2),
        make_span("record_usage", "root", account, **more),
    )
    assert len(calls_of(task)) == calls
    assert tokens_of(task) == tokens


def test_a_record_of_usage_without_a_call_is_one():
    """Where nothing else reports the call, its usage is not lost."""
    account = {"gen_ai.response.model": "gpt-4o", **USAGE}
    task = task_of(agent("root"), make_span("record", "root", account, start=3, end=3))
    assert tokens_of(task) == (10, 5)


def test_parts_of_a_call_have_its_model_and_its_price():
    """Steps below one generation are calls with its model; its sum has the price."""
    part = {"gen_ai.operation.name": "chat"}
    task = task_of(
        agent("root"),
        chat("whole", "root", (1000, 100), end=9,
             attributes={"gen_ai.request.temperature": 0.0}),
        make_span("a", "whole", part, start=1, end=3),
        make_span("b", "whole", part, start=4, end=6),
    )  # fmt: skip
    assert [(c.model, c.provider, c.temperature) for c in calls_of(task)] == [
        ("gpt-4o", "openai", 0.0)
    ] * 2
    assert tokens_of(task) == (1000, 100)
    pytest.importorskip("genai_prices")  # the extra `cost`
    assert task.llm_usage.estimated_cost_usd == pytest.approx(0.0035)


def test_a_wrapper_without_an_answer_did_not_recover():
    """A failed call inside a wrapper that has no answer either is that call."""
    task = task_of(
        agent("root"), chat("outer", "root", None, end=3), failed("inner", "outer")
    )
    assert len(calls_of(task)) == 1


def test_a_model_servers_own_span_is_the_clients_call():
    """Usage beside what only a server knows of a request is a report of the call."""
    served = {
        "gen_ai.request.id": "r", "gen_ai.latency.e2e": 0.4,
        "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5,
    }  # fmt: skip
    for parent in ("call", "root"):
        task = task_of(
            make_span("root", attributes={"http.route": "/"}, end=9),
            chat("call", "root", end=4, scope="client"),
            make_span("POST", parent, {"http.request.method": "POST"}, end=3.5),
            make_span("llm_request", "POST", served, start=1, end=3, scope="vllm"),
        )
        assert tokens_of(task) == (10, 5)
        assert len(calls_of(task)) == 1


def test_calls_of_two_models_side_by_side_are_two():
    """A jury: equal counts at the same time, of two known models."""
    other = {"gen_ai.request.model": "claude-sonnet-4-5"}
    task = task_of(
        agent("root"),
        chat("a", "root", scope="one", start=1, end=5),
        chat("b", "root", scope="two", start=2, end=4, attributes=other),
    )
    assert len(calls_of(task)) == 2
    assert tokens_of(task) == (20, 10)


@pytest.mark.parametrize(
    ("scope", "tokens", "calls"),
    [
        pytest.param("one", (20, 5), 2, id="same-instrumentation-other-tokens"),
        pytest.param("one", (10, 5), 1, id="same-instrumentation-same-tokens"),
        pytest.param("two", (12, 5), 1, id="another-instrumentation"),
    ],
)
def test_a_reused_response_id(scope, tokens, calls):
    """One instrumentation reports concurrent calls of a small server under one id."""
    reused = {"gen_ai.response.id": "chatcmpl-7"}
    task = task_of(
        agent("root"),
        chat("a", "root", scope="one", start=1, end=5, attributes=reused),
        chat("b", "root", tokens, scope=scope, start=2, end=6, attributes=reused),
        chat("c", "root", scope="one", start=7, end=8, attributes=reused),
    )
    assert len(calls_of(task)) == calls + 1


@pytest.mark.parametrize(
    ("record", "calls"),
    [
        pytest.param({}, 1, id="same-counts"),
        pytest.param({"prompt_tokens": 11}, 2, id="other-counts"),
        pytest.param({"model": "claude-sonnet-4-5"}, 2, id="other-model"),
        pytest.param({"answer": "So."}, 2, id="with-content"),
    ],
)
def test_an_applications_own_record_of_a_call(record, calls):
    """After the call, in a vocabulary of its own: it may take as long as a database."""
    counts = {"model": "gpt-4o", "prompt_tokens": 10, "completion_tokens": 5, **record}
    task = task_of(
        agent("root"),
        chat("a", "root", scope="framework", start=1, end=5),
        make_span("record_cost", "root", counts, start=6, end=6.5, scope="app"),
    )
    assert len(calls_of(task)) == calls


def test_what_fetched_a_response_is_part_of_its_call():
    """A background call has the answer and the tokens of what fetched it; no second call."""
    said = '[{"role":"assistant","parts":[{"type":"text","content":"done"}]}]'
    task = task_of(
        agent(),
        chat("call", "agent", None, attributes=answer("r1"), start=1, end=2),
        make_span(
            "fetch",
            "agent",
            {
                "gen_ai.operation.name": "fetch_response",
                "gen_ai.output.messages": said,
                **answer("r1"),
            },
            start=5,
            end=6,
        ),
        chat(
            "retrieve",
            "agent",
            (7, 3),
            attributes={"gen_ai.input.messages": '{"response_id": "r1"}'},
            start=7,
            end=8,
        ),
    )
    assert tokens_of(task) == (7, 3)
    assert len(calls_of(task)) == 1
    assert task.output_summary == "done"


@pytest.mark.parametrize(
    "question",
    [
        pytest.param('{"response_id": "r2"}', id="another-response"),
        pytest.param('{"response_id": "r1", "text": "and now?"}', id="a-question-too"),
        pytest.param("r1", id="no-object"),
    ],
)
def test_a_call_that_names_a_response_is_a_call(question):
    """Only a request that is nothing but the id of a response in the run fetches it."""
    task = task_of(
        agent(),
        chat("call", "agent", attributes=answer("r1"), start=1, end=2),
        chat("next", "agent", attributes={"gen_ai.input.messages": question}, start=3, end=4),
    )  # fmt: skip
    assert len(calls_of(task)) == 2
