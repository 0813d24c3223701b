"""Runs that two instrumentations report in separate traces are one; all others are not."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from infinium_otel import Config, spans_to_tasks
from infinium_otel.models.infinium import from_spans
from infinium_otel.pipeline import Condition, Pipeline, Router, Rule
from support.records import (
    agent,
    calls_of,
    chat,
    make_span,
    tokens_of,
    tool,
    tools_of,
)

CLIENT = "opentelemetry.instrumentation.openai_v2"
FRAMEWORK = "openinference.instrumentation.langchain"


def messages(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def call(key, *, trace, scope, attributes=None, **more):
    """A model call with an id that small local servers give to every response."""
    question, answer = more.pop("question", "Why?"), more.pop("answer", "So.")
    found = {
        "gen_ai.response.id": more.pop("answer_id", "chatcmpl-7"),
        "gen_ai.input.messages": question and messages("user", question),
        "gen_ai.output.messages": answer and messages("assistant", answer),
        **(attributes or {}),
    }
    known = {name: value for name, value in found.items() if value is not None}
    return chat(key, trace=f"{trace:032x}", scope=scope, attributes=known, **more)


def framework_run(**more):
    """A framework's run of one call, which takes from 1 to 4 s."""
    return (
        agent("run", trace=f"{1:032x}", scope=FRAMEWORK),
        call("c", parent="run", trace=1, scope=FRAMEWORK, start=1, end=4, **more),
        tool("t", "run", trace=f"{1:032x}", scope=FRAMEWORK, start=5),
    )


def client_run(**more):
    """The client's own trace of the same call."""
    settings = {"trace": 2, "scope": CLIENT, "start": 1.5, "end": 3.5, **more}
    return call("d", **settings)


def test_a_clients_own_trace_of_a_frameworks_call_is_merged():
    """Same time, same facts, another instrumentation: one run, the richer one."""
    (task,) = spans_to_tasks([*framework_run(), client_run()])
    assert task.name == "helper"
    assert tokens_of(task) == (10, 5)


def test_what_only_the_copy_reports_is_added():
    """The kept run lacks texts and tokens that the client's own trace has."""
    run = framework_run(question=None, answer=None, tokens=None)
    (task,) = spans_to_tasks([*run, client_run()])
    (step,) = [step for step in task.steps if step.llm_call]
    assert (step.input_preview, step.output_preview) == ("Why?", "So.")
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.calls == calls_of(task)
    assert task.llm_usage.estimated_cost_usd == step.metadata.get("cost_usd")
    assert task.output_summary == "So."


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(client_run(start=3600, end=3601), id="an-hour-later"),
        pytest.param(client_run(scope=FRAMEWORK), id="same-instrumentation"),
        pytest.param(client_run(tokens=(11, 5)), id="other-tokens"),
        pytest.param(client_run(answer_id="chatcmpl-8"), id="other-id"),
        pytest.param(
            client_run(question="Who?", answer="Me."), id="other-texts-same-id-and-tokens"
        ),
        pytest.param(client_run(answer_id=None, answer="No."), id="other-answer-no-id"),
        pytest.param(client_run(tokens=None, answer="No."), id="other-answer-no-tokens"),
        pytest.param(client_run(answer_id=None, start=0), id="not-inside-no-id"),
    ],
)  # fmt: skip
def test_whatever_differs_is_a_run_of_its_own(client):
    """A reused response id alone does not make two runs one."""
    assert len(spans_to_tasks([*framework_run(), client])) == 2


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"answer_id": None}, id="no-id"),
        pytest.param({"tokens": None}, id="no-tokens"),
        pytest.param({"tokens": None, "answer": None, "question": None}, id="id-only"),
    ],
)
def test_a_copy_is_known_by_what_it_has(known):
    """Ids, tokens, texts: what one report lacks does not make them differ."""
    assert len(spans_to_tasks([*framework_run(), client_run(**known)])) == 1


def test_a_failed_call_is_known_by_its_question():
    """A call without a response has neither id nor tokens."""
    failed = {"answer_id": None, "answer": None, "tokens": None, "status": "error"}
    (task,) = spans_to_tasks([*framework_run(**failed), client_run(**failed)])
    assert len(task.errors) == 1


def test_each_call_is_copied_once_by_one_instrumentation():
    """Two runs of a client cannot both be the one call that a framework made."""
    second = client_run(trace=3)
    assert len(spans_to_tasks([*framework_run(), client_run(), second])) == 2


def test_a_third_instrumentation_is_merged_too():
    """Each instrumentation reports a call once, so three may report the same."""
    third = client_run(trace=3, scope="opentelemetry.instrumentation.openai")
    assert len(spans_to_tasks([*framework_run(), client_run(), third])) == 1


@pytest.mark.slow
@pytest.mark.parametrize("apart_s", [0, 1, 3600])
def test_a_thousand_runs_with_one_id_all_arrive(apart_s):
    """Local servers, caches and recorded tests give every response the same id."""
    spans = [
        call("c", trace=n + 1, scope=(CLIENT, FRAMEWORK)[n % 2], start=n * apart_s,
             question=f"Question {n}", answer=f"Answer {n}", tokens=(10 + n, 5))
        for n in range(1_000)
    ]  # fmt: skip
    tasks = spans_to_tasks(spans)
    assert {task.input_summary for task in tasks} == {
        f"Question {n}" for n in range(1_000)
    }
    assert len(from_spans(spans)) == 1_000


def test_a_dropped_copy_is_counted_and_reported_once(caplog):
    """The log names both traces and the fix; further copies are only counted."""
    pipeline = Pipeline(Config())
    with caplog.at_level(logging.WARNING):
        for at in (0, 100):
            pipeline.feed([*framework_run(), client_run()], at)
    assert pipeline.filtered_tasks == {"copy": 1}
    (record,) = caplog.records
    assert f"{2:032x}" in record.getMessage()
    assert "switch one of them off" in record.getMessage()


def test_the_report_with_the_texts_is_kept():
    """Texts outweigh what else is known; the client's own span has the better count."""
    more = {f"gen_ai.request.{name}": 1 for name in ("top_p", "seed", "max_tokens")}
    client = client_run(question=None, answer=None, tokens=(10, 5), attributes=more)
    wrapper = call("c", trace=1, scope=FRAMEWORK, start=1, end=4, tokens=(10, 6))
    (task,) = spans_to_tasks([wrapper, client])
    assert task.environment.custom_tags["otel.trace_id"] == f"{1:032x}"
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.total_tokens == 15
    (step,) = task.steps
    assert task.llm_usage.estimated_cost_usd == step.metadata["cost_usd"]
    assert step.metadata["gen_ai.request.max_tokens"] == 1


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(client_run(tokens=(10, 15)), id="many-more-tokens"),
        pytest.param(client_run(tokens=(9, 5)), id="another-prompt"),
        pytest.param(client_run(tokens=(10, 4), answer="No."), id="another-answer"),
    ],
)
def test_counts_that_differ_are_of_different_calls(client):
    """A response id and nearly the same count are not enough."""
    assert len(spans_to_tasks([*framework_run(), client])) == 2


def stream(trace, start, question="Why?", **more):
    """The request of a stream, or with a duration the log record of its response."""
    request = {
        "request_data": '{"model": "m"}',
        "gen_ai.request.model": "m",
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": messages("user", question),
        **more,
    }
    end = start if more else start + 0.1
    return make_span(
        f"s{trace}", None, request, trace=f"{trace:032x}", scope="logfire.x",
        name="streaming response from m took 1s" if more else "Message with m",
        start=start, end=end,
    )  # fmt: skip


RESPONSE = {
    "duration": 1.0,
    "gen_ai.output.messages": messages("assistant", "So."),
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
}


def test_the_log_record_of_a_stream_completes_its_request():
    """The response of a stream is written in a trace of its own, once it was read."""
    (task,) = spans_to_tasks([stream(1, 1), stream(2, 3, **RESPONSE)])
    assert len(calls_of(task)) == 1
    assert tokens_of(task) == (10, 5)
    assert task.output_summary == "So."
    assert task.duration == pytest.approx(2)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stream(2, 3, "Where?", **RESPONSE), id="another-question"),
        pytest.param(stream(2, 300, **RESPONSE), id="much-later"),
        pytest.param(stream(2, 1.5, **RESPONSE), id="begun-before-it"),
        pytest.param(stream(2, 3), id="another-request"),
    ],
)
def test_a_stream_of_another_request(other):
    """Without a record of its own, a request stays a run."""
    assert len(spans_to_tasks([stream(1, 1), other])) == 2


def test_each_record_completes_one_request():
    """Of three requests with one question and two records, three runs are left."""
    spans = [stream(n, n * 10) for n in (1, 2, 3)]
    logs = [stream(10 + n, n * 10 + 3, **RESPONSE) for n in (1, 3)]
    tasks = spans_to_tasks([*spans, *logs])
    assert sorted(tokens_of(t) for t in tasks if tokens_of(t)[0]) == [(10, 5), (10, 5)]
    assert len(tasks) == 3
    assert len(from_spans([*spans, *logs])) == 3


def test_the_run_with_more_calls_is_kept_with_the_tools_of_its_copies():
    """The client's own traces have the messages, the run has all the calls."""
    call_1 = {"question": None, "answer": None, "trace": 1, "scope": FRAMEWORK}
    spans = [
        agent("run", trace=f"{1:032x}", scope=FRAMEWORK),
        call("c", parent="run", start=1, end=2, **call_1),
        call("d", parent="run", start=5, end=6, answer_id="chatcmpl-8", **call_1),
        call("e", trace=2, scope=CLIENT, start=0.9, end=2.1),
        call("f", trace=3, scope=CLIENT, start=4.9, end=6.1, answer_id="chatcmpl-8",
             attributes={"gen_ai.input.messages": AFTER_A_TOOL}),
    ]  # fmt: skip
    (task,) = spans_to_tasks(spans)
    assert [step.action for step in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]
    assert [step.step_number for step in task.steps] == [1, 2, 3]
    assert tokens_of(task) == (20, 10)


AFTER_A_TOOL = json.dumps(
    [
        {"role": "user", "parts": [{"type": "text", "content": "Why?"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "t", "name": "f", "arguments": {"a": 1}}]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "t", "response": "18C"}]},
    ]
)  # fmt: skip


def tool_loop(at=3, arguments='{"a": 1}', **more):
    """A call, a tool's own trace, and the call whose input contains the tool's result."""
    request = {"id": "t1", "name": "f", "arguments": {"a": 1}}
    history = [
        {"role": "user", "parts": [{"type": "text", "content": "Why?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", **request}]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "t1", "response": "So."}]},
    ]  # fmt: skip
    return (
        chat("b", trace=f"{3:032x}", start=5, end=6, scope=CLIENT,
             attributes={"gen_ai.input.messages": json.dumps(history)}),
        tool("t", trace=f"{2:032x}", start=at, end=at + 1, scope=FRAMEWORK,
             attributes={"gen_ai.tool.call.arguments": arguments}, **more),
    )  # fmt: skip


def test_a_tool_in_a_trace_of_its_own_is_reported_once():
    """The tool that only messages report is the one that the other trace reports."""
    tasks = spans_to_tasks(tool_loop())
    assert sum(len(tools_of(task)) for task in tasks) == 1
    assert [step.step_number for task in tasks for step in task.steps] == [1, 1]
    assert sum(len(tools_of(task)) for task in from_spans(tool_loop())) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"at": 7}, id="afterwards"),
        pytest.param({"at": -90}, id="long-before"),
        pytest.param({"arguments": '{"a": 2}'}, id="other-arguments"),
        pytest.param({"tool": "g"}, id="another-tool"),
    ],
)
def test_another_tool_in_a_trace_of_its_own(changes):
    """What differs is another run of a tool."""
    tasks = spans_to_tasks(tool_loop(**changes))
    assert sum(len(tools_of(task)) for task in tasks) == 2


@pytest.mark.parametrize("answer_id", ["chatcmpl-7", None])
def test_a_copy_brings_the_instrumentations_it_was_merged_from(answer_id):
    """Each reports a call once, so runs do not merge into one along a chain."""
    spans = [
        call("c", trace=n + 1, scope=(CLIENT, FRAMEWORK)[n % 2], start=n * 0.01,
             end=9 - n * 0.01, answer_id=answer_id)
        for n in range(10)
    ]  # fmt: skip
    assert len(spans_to_tasks(spans)) == 5


def test_calls_of_two_models_are_two():
    """Equal counts at the same time prove nothing where two known models are named."""
    bare = {"answer_id": None, "question": None, "answer": None}
    model = {"gen_ai.request.model": "claude-sonnet-4-5"}
    client = client_run(**bare, attributes=model)
    assert len(spans_to_tasks([*framework_run(**bare), client])) == 2


@pytest.mark.parametrize(("answer_id", "runs"), [("chatcmpl-7", 1), (None, 2)])
def test_two_services_report_one_call_only_with_its_id(answer_id, runs):
    """A proxy may report a call of its client; equal counts alone do not show it."""
    framework = framework_run(answer_id=answer_id)
    client = client_run(answer_id=answer_id)
    spans = [
        *(replace(span, resource={"service.name": "app"}) for span in framework),
        replace(client, resource={"service.name": "proxy"}),
    ]
    assert len(spans_to_tasks(spans)) == runs


def test_runs_of_two_agents_are_no_copies():
    """Merged, one agent would get the other's run: with `--routes` both are sent."""
    own = (Condition("gen_ai.response.id", ("chatcmpl-7",)),)
    router = Router([Rule("client", span=own, agent="client")])
    pipeline = Pipeline(Config(), router=router)
    found = pipeline.feed([*framework_run(), client_run()], 0)
    assert [each.agent for each in found] == ["", "client"]
