"""Letta's records to spans and back."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import InfiniumError
from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
    StepProgression,
    ToolReturn,
)
from infinium_otel.models.letta.attributes import letta_provider
from infinium_otel.models.spans import settled
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.records import Failure, SpanEvent, SpanRecord
from support.spans import T0, S, span, tid

TRACE = "0af7651916cd43dd8448eb211c80319c"


def chat(name="c", parent="r", start=0.0, end=None, **attributes):
    """A chat's span by the conventions."""
    more = {
        k: attributes.pop(k)
        for k in ("status", "events", "status_message")
        if k in attributes
    }
    said = {key.replace("__", "."): value for key, value in attributes.items()}
    return span(
        name,
        parent,
        start,
        end,
        trace=TRACE,
        kind="client",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            **said,
        },
        **more,
    )


def agent(end=10.0, **attributes):
    """The run's span."""
    return span(
        "r",
        None,
        0,
        end,
        trace=TRACE,
        attributes={"gen_ai.operation.name": "invoke_agent", **attributes},
    )


def tool(name="t", start=1.0, end=2.0, failure=None, **attributes):
    """A tool's span."""
    record = span(
        name,
        "r",
        start,
        end,
        trace=TRACE,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            **attributes,
        },
    )
    return settled(record, failure)


def one(*records, **options):
    """The only log in *records*."""
    (log,) = letta.from_spans(records, **options)
    return log


def test_every_field_of_letta():
    """The step has the 27 fields of 0.16.4 and, on request, the four newer ones."""
    names = [f.name for f in fields(Step) if f.name != "other"]
    assert len(names) == 31
    assert len(letta.dump(Step("step-1"))) == 27
    assert list(letta.dump(Step("step-1"), newer=True)) == names
    assert len(letta.dump(Step("step-1", reasoning_tokens=3))) == 31


# Records to spans and back

IDS = st.integers(0, 99).map(lambda n: f"step-{n:04}")
WORDS = st.text("abcé {}[]1\n", max_size=6)
NS = st.integers(0, 2**60)
COUNTS = st.integers(0, 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | COUNTS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2)
    ),
    max_leaves=4,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=2)
OTHERS = st.dictionaries(st.sampled_from(["new", "newer"]), JSON, max_size=1)
ISO = st.sampled_from(["2026-01-02T03:04:05Z", "2026-01-02T03:04:06.5+01:00", "soon"])


def maybe(strategy):
    return st.none() | strategy


TOOL_RETURNS = st.builds(
    ToolReturn,
    status=st.sampled_from(["success", "error", "odd"]),
    tool_call_id=maybe(WORDS),
    stderr=maybe(st.lists(WORDS, max_size=2).map(tuple)),
    func_response=maybe(WORDS | st.just([{"type": "text", "text": "hi"}])),
)
CALLS = st.builds(
    lambda key, name: {
        "id": key,
        "type": "function",
        "function": {"name": name, "arguments": "{}"},
    },
    maybe(WORDS),
    WORDS,
)
CONTENT = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, WORDS),
    st.builds(
        lambda t: {"type": "reasoning", "reasoning": t, "is_native": True}, WORDS
    ),
    st.just({"type": "tool_call", "id": "1", "name": "n", "input": {"a": None}}),
    st.just(
        {"type": "tool_return", "tool_call_id": "1", "content": "c", "is_error": False}
    ),
    st.just({"type": "image", "source": {"type": "url", "url": "https://x/y"}}),
    st.just(
        {
            "type": "image",
            "source": {"type": "base64", "data": "aa", "media_type": "image/png"},
        }
    ),
    st.just({"type": "image", "source": {"type": "letta", "file_id": "f"}}),
    st.just({"type": "omitted_reasoning"}),
    st.just("bare"),
    st.just(7),
)


def messages(step_ids):
    return st.builds(
        Message,
        id=st.integers(0, 9999).map(lambda n: f"message-{n}"),
        role=st.sampled_from(["user", "assistant", "tool", "approval", "odd"]),
        content=maybe(st.lists(CONTENT, max_size=2).map(tuple)),
        tool_calls=maybe(st.lists(CALLS | st.just("odd"), max_size=2).map(tuple)),
        tool_returns=maybe(st.lists(TOOL_RETURNS, max_size=2).map(tuple)),
        tool_call_id=maybe(WORDS),
        name=maybe(WORDS),
        is_err=maybe(st.booleans()),
        step_id=step_ids,
        created_at=maybe(ISO),
    )


STEPS = st.builds(
    Step,
    id=IDS,
    model=maybe(WORDS),
    provider_name=maybe(st.sampled_from(["google_ai", "openai", "xai", "own"])),
    model_handle=maybe(WORDS),
    model_endpoint=maybe(
        st.sampled_from(["https://api.x.ai/v1", "http://h:99", "http://[", "h:x"])
    ),
    organization_id=maybe(WORDS),
    agent_id=maybe(WORDS),
    origin=maybe(WORDS),
    context_window_limit=maybe(COUNTS),
    completion_tokens=maybe(COUNTS),
    prompt_tokens=maybe(COUNTS),
    total_tokens=maybe(COUNTS),
    cached_input_tokens=maybe(COUNTS),
    reasoning_tokens=maybe(COUNTS),
    prompt_tokens_details=maybe(OBJECTS | st.just({"cached_tokens": 3})),
    completion_tokens_details=maybe(OBJECTS),
    stop_reason=maybe(st.sampled_from(["end_turn", "brand_new"])),
    tags=st.lists(st.sampled_from(["a", "operation:embeddings"]), max_size=2).map(
        tuple
    ),
    messages=st.lists(messages(st.none()), max_size=1).map(tuple),
    feedback=maybe(st.sampled_from(["positive", "negative", "meh"])),
    error_type=maybe(WORDS),
    error_data=maybe(
        OBJECTS | st.just({"message": "m", "traceback": "t", "details": None})
    ),
    status=maybe(st.sampled_from(["pending", "success", "failed", "cancelled", "odd"])),
    other=OTHERS,
)


@st.composite
def logs(draw):
    """A log in the order it is kept: what belongs to a step stands in its place."""
    trace = draw(st.sampled_from([None, TRACE, TRACE.upper(), "no hex"]))
    run = draw(maybe(st.just("run-1"))) if trace is None else None
    steps = draw(st.lists(STEPS, max_size=3, unique_by=lambda s: s.id))
    steps = [replace(step, trace_id=trace, run_id=run) for step in steps]
    metrics, said, raw = [], [], []
    for step in steps:
        if draw(st.booleans()):
            times = {
                name: draw(maybe(NS))
                for name in (
                    "step_start_ns",
                    "llm_request_start_ns",
                    "llm_request_ns",
                    "tool_execution_ns",
                    "step_ns",
                )
            }
            metrics.append(StepMetrics(step.id, **times))
        said += draw(st.lists(messages(st.just(step.id)), max_size=3))
        if draw(st.booleans()):
            raw.append(
                ProviderTrace(
                    "provider_trace-1", draw(OBJECTS), draw(OBJECTS), step_id=step.id
                )
            )
    said += draw(st.lists(messages(st.just("step-gone")), max_size=1))
    return StepLog(
        tuple(steps), tuple(metrics), tuple(said), tuple(raw), other=draw(OTHERS)
    )


@given(logs())
def test_records_survive_spans(log):
    """Records to spans to records is the identity."""
    assert letta.from_spans(letta.to_spans(log, start_ns=5)) == [log]


@given(logs())
def test_json_survives(log):
    """What is dumped is read, but for what Letta's own classes refuse."""
    accepted = {"end_turn", None}
    known = replace(
        log,
        steps=tuple(
            replace(
                step,
                other={},
                stop_reason=step.stop_reason if step.stop_reason in accepted else None,
                feedback=None if step.feedback == "meh" else step.feedback,
                status=None if step.status == "odd" else step.status,
            )
            for step in log.steps
        ),
    )
    again = letta.load(letta.dump(log))
    assert [replace(s, status=s.status) for s in again.steps] == [
        replace(s, status=s.status or "pending") for s in known.steps
    ]
    assert (again.metrics, again.messages, again.other) == (
        log.metrics,
        log.messages,
        log.other,
    )


@st.composite
def runs(draw):
    """An agent's run as the conventions tell it."""
    found = [agent(60.0, **{"gen_ai.agent.id": "a"})]
    for number in range(draw(st.integers(0, 3))):
        start = number * 10.0
        usage = {
            "gen_ai.usage.input_tokens": draw(COUNTS),
            "gen_ai.usage.output_tokens": draw(COUNTS),
        }
        failure = draw(maybe(st.just(Failure("RateLimitError", "too many", "a\nb"))))
        record = chat(f"c{number}", "r", start, start + draw(st.floats(0, 4)), **usage)
        found.append(settled(record, failure))
        for place in range(draw(st.integers(0, 2))):
            failed = draw(maybe(st.just(Failure("ValueError", "bad city"))))
            begun = start + 5 + place
            found.append(tool(f"t{number}.{place}", begun, begun + 0.5, failed))
    return found


def shape(records):
    """Tree, times, models, tokens, tools and errors."""
    keys = (
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.tool.name",
        "gen_ai.provider.name",
    )
    return sorted(
        (
            r.span_id,
            r.parent_id,
            r.trace_id,
            r.name,
            r.start_ns,
            r.end_ns,
            tuple(str(r.attributes.get(key)) for key in keys),
            tuple(e.attributes.get("exception.message") for e in r.events),
            r.attributes.get("error.type"),
        )
        for r in records
    )


@given(runs())
def test_spans_survive_records(records):
    """Spans to records to spans keeps tree, times, model, tokens, tools and errors."""
    back = [
        r
        for log in letta.from_spans(records)
        for r in letta.to_spans(letta.load(letta.dump(log)))
    ]
    assert [row[:2] + row[2:] for row in shape(back)] == shape(records)


# Reading any spans


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
        pytest.param({}, None, id="unsaid"),
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
    """The stop reason is what the call's end says, None where it says nothing."""
    assert one(agent(), chat(**attributes)).steps[0].stop_reason == expected


def test_a_step_that_more_steps_follow_has_no_stop_reason():
    """Tools asked for are no end: the server stores none then."""
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


def test_step_of_a_call():
    """A call's facts stand in the step's fields, the newer ones on request."""
    record = chat(
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__output_tokens=20,
        gen_ai__usage__cache_read__input_tokens=60,
        gen_ai__usage__reasoning__output_tokens=5,
        server__address="api.openai.com",
        server__port=443,
    )
    root = agent(
        **{"gen_ai.agent.id": "agent-1", "organization.id": "org-1", "source": "app"}
    )
    step = one(root, record).steps[0]
    assert step == Step(
        id=step.id,
        agent_id="agent-1",
        organization_id="org-1",
        origin="app",
        provider_name="openai",
        model="gpt-4o",
        model_endpoint="https://api.openai.com",
        prompt_tokens=100,
        completion_tokens=20,
        total_tokens=120,
        prompt_tokens_details={"cached_tokens": 60, "cache_read_tokens": 60},
        completion_tokens_details={"reasoning_tokens": 5},
        trace_id=TRACE,
        status="success",
    )
    (newer,) = letta.to_letta_steps([root, record], newer=True)
    assert (newer.cached_input_tokens, newer.reasoning_tokens) == (60, 5)
    assert newer.model_handle == "openai/gpt-4o"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"server__address": "http://h/v1"}, "http://h/v1", id="whole"),
        pytest.param(
            {"server__address": "h", "server__port": 8080}, "h:8080", id="port"
        ),
    ],
)
def test_endpoint(attributes, expected):
    """The endpoint is put together of host and port."""
    assert one(agent(), chat(**attributes)).steps[0].model_endpoint == expected


def test_tags_and_feedback_reach_infinium():
    """What people said of a run's steps stands in the task, with Letta's name."""
    steps = (
        Step("a", trace_id=TRACE, model="m", tags=("vip", "operation:embeddings")),
        Step("b", trace_id=TRACE, model="m", tags=("vip",), feedback="negative"),
    )
    (task,) = spans_to_tasks(letta.from_letta_steps(steps))
    assert task.general.tags == ["vip", "feedback:negative"]
    assert task.environment.framework == "letta"


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("https://api.x.ai/v1", ("api.x.ai", None), id="url"),
        pytest.param("h:8080", ("h", 8080), id="host-and-port"),
        pytest.param("http://[", (None, None), id="broken"),
        pytest.param(None, (None, None), id="none"),
    ],
)
def test_the_endpoint_is_the_server(endpoint, expected):
    """An endpoint stands on the span as the server's address and port."""
    _, call = from_steps(Step("s", model_endpoint=endpoint))
    said = call.attributes
    assert (said.get("server.address"), said.get("server.port")) == expected


def test_ids_are_stable():
    """The same span has the same step and message ids, whenever it is read."""
    records = [
        agent(),
        chat(
            gen_ai__output__messages='[{"role": "assistant", "parts": [{"type": "text", "content": "hi"}]}]'
        ),
    ]
    assert one(*records) == one(*records)
    assert one(*records).steps[0].id.startswith("step-")


def test_metrics_of_a_call():
    """A step's metrics are its spans' times, without rounding."""
    records = [agent(), chat(start=1, end=2.5), tool(start=3, end=4), tool("u", 3, 5)]
    (metrics,) = letta.to_letta_step_metrics(records)
    assert metrics.step_start_ns == metrics.llm_request_start_ns == T0 + S
    assert metrics.llm_request_ns == 1_500_000_000
    assert metrics.tool_execution_ns == 3 * S
    assert metrics.step_ns == 4 * S


def test_messages_of_a_run():
    """What the user asked, what the model answered and what tools gave are messages."""
    said = '[{"role": "user", "parts": [{"type": "text", "content": "go"}]}]'
    answer = (
        '[{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"},'
        ' {"type": "text", "content": "well"}, {"type": "tool_call", "name": "search", "arguments": {"q": 1}},'
        ' {"type": "tool_call", "id": "k", "name": "search", "arguments": "not json"},'
        ' {"type": "tool_call", "id": "m", "name": "search", "arguments": "[1]"},'
        ' {"type": "tool_call", "id": "l", "name": "search"}]}]'
    )
    failure = Failure("ValueError", "no such city")
    records = [
        agent(),
        chat(gen_ai__input__messages=said, gen_ai__output__messages=answer),
        tool(failure=failure, **{"gen_ai.tool.call.id": "k"}),
        tool("u", 3, 4, **{"gen_ai.tool.call.result": '{"a": 1}'}),
    ]
    user, assistant, failed, fine = one(*records).messages
    assert (user.role, user.content) == ("user", ({"type": "text", "text": "go"},))
    assert [part["type"] for part in assistant.content] == ["reasoning", "text"]
    assert [c["function"]["arguments"] for c in assistant.tool_calls] == [
        '{"q": 1}',
        '"not json"',
        "[1]",
        "{}",
    ]
    assert failed.tool_returns == (
        ToolReturn(
            "error",
            "k",
            stderr=("ValueError: no such city",),
            func_response="no such city",
        ),
    )
    assert fine.tool_returns[0].func_response == '{"a": 1}'
    assert fine.content == ({"type": "text", "text": '{"a": 1}'},)


def test_tools_without_a_call():
    """Tools of a run without any model call belong to no step, and survive."""
    records = [agent(), tool(failure=Failure("E", "m"))]
    log = one(*records)
    assert (log.steps, log.messages[0].step_id) == ((), None)
    assert shape(letta.to_spans(letta.load(letta.dump(log)))) == shape(records)


def test_a_tool_before_the_first_call_belongs_to_it():
    """A tool that ran first stands with the first step."""
    log = one(agent(), tool(start=0, end=0.5), chat(start=1))
    assert log.messages[0].step_id == log.steps[0].id


def test_embeddings_are_tagged():
    """A model call that is no chat is a step with a tag, and comes back as it was."""
    record = chat(gen_ai__operation__name="embeddings", gen_ai__usage__input_tokens=4)
    log = one(agent(), record)
    assert log.steps[0].tags == ("operation:embeddings",)
    back = letta.to_spans(replace(log, otel={}))
    assert back[1].attributes["gen_ai.operation.name"] == "embeddings"


def test_a_lone_call_comes_back_alone():
    """A call that is its own root gets no span above it."""
    alone = replace(chat(), parent_id=None)
    log = one(alone)
    assert [(r.span_id, r.parent_id) for r in letta.to_spans(log)] == [
        (alone.span_id, None)
    ]
    hostile = replace(log, otel={**log.otel, "root": {"span_id": "0" * 16}})
    assert letta.to_spans(hostile)[0].name == "invoke_agent"


def test_tools_are_not_guessed_from_lettas_own_messages():
    """Messages that are kept whole are not read for tools a second time."""
    call = {"id": "k", "type": "function", "function": {"name": "n", "arguments": "{}"}}
    reply = {"type": "tool_return", "tool_call_id": "k", "content": "c"}
    said = (
        Message("message-1", "user", step_id="b", tool_calls=(call,)),
        Message("message-2", "user", step_id="b", content=(reply,)),
    )
    steps = (Step("a", trace_id=TRACE), Step("b", trace_id=TRACE))
    log = StepLog(steps, messages=said)
    assert letta.from_spans(letta.to_spans(log)) == [log]


def test_providers_have_lettas_names():
    """The conventions' provider names become Letta's."""
    assert letta_provider("gcp.vertex_ai") == "google_vertex"
    assert letta_provider("anthropic") == "anthropic"
    assert letta_provider(None) is None


def test_an_end_before_the_start_takes_no_time():
    """A span whose clock went back is zero-length."""
    (metrics,) = letta.to_letta_step_metrics([agent(), chat(start=5, end=3)])
    assert (metrics.llm_request_ns, metrics.step_ns) == (0, 0)


def test_spans_letta_has_no_record_of_survive():
    """A nested agent keeps its place in the tree."""
    inner = span(
        "inner",
        "r",
        2,
        4,
        trace=TRACE,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "sub",
        },
    )
    records = [agent(), chat(), inner, chat("d", "inner", 2, 3)]
    back = letta.to_spans(one(*records))
    assert {(r.span_id, r.parent_id) for r in back} == {
        (r.span_id, r.parent_id) for r in records
    }


# Writing spans


def from_steps(*steps, **more):
    return letta.from_letta_steps(steps, **more)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(Step("s", trace_id=TRACE.upper()), TRACE, id="its-own"),
        pytest.param(Step("s", run_id="run-" + TRACE), None, id="of-its-run"),
        pytest.param(Step("s"), None, id="made-up"),
    ],
)
def test_spans_stand_in_the_steps_own_trace(step, expected):
    """A step's spans join the server's in its trace."""
    (trace,) = {record.trace_id for record in from_steps(step)}
    assert len(trace) == 32
    assert expected in (None, trace)


def test_several_traces():
    """Steps of two traces make two runs, and come back as two."""
    records = from_steps(Step("a", trace_id=tid(1)), Step("b", trace_id=tid(2)))
    assert [r.trace_id for r in records] == [tid(1), tid(1), tid(2), tid(2)]
    assert sorted([s.id for s in log.steps] for log in letta.from_spans(records)) == [
        ["a"],
        ["b"],
    ]


def test_time_from_metrics():
    """Metrics place a step and its parts, to the ns."""
    metrics = StepMetrics(
        "s",
        step_start_ns=T0,
        llm_request_start_ns=T0 + 7,
        llm_request_ns=10,
        tool_execution_ns=9,
        step_ns=40,
    )
    said = [
        Message("message-1", "tool", step_id="s", name="a", tool_call_id="1"),
        Message("message-2", "tool", step_id="s", name="b", tool_call_id="2"),
    ]
    root, call, one_, two = from_steps(Step("s"), metrics=[metrics], messages=said)
    assert (call.start_ns, call.end_ns) == (T0 + 7, T0 + 17)
    assert [(r.start_ns, r.end_ns) for r in (one_, two)] == [
        (T0 + 17, T0 + 21),
        (T0 + 21, T0 + 26),
    ]
    assert call.attributes["letta.step.time_source"] == "metrics"
    assert (root.start_ns, root.end_ns) == (T0 + 7, T0 + 26)


def test_time_from_metrics_that_know_little():
    """A request's start stands for the step's, the step's length for the request's."""
    metrics = StepMetrics(
        "s", llm_request_start_ns=T0, step_ns=30, tool_execution_ns=10
    )
    _, call = from_steps(Step("s"), metrics=[metrics])
    assert (call.start_ns, call.end_ns) == (T0, T0 + 20)


def test_time_from_messages():
    """Without metrics the messages' times place a step and its tools."""
    at = "2026-01-02T03:04:{:02}Z".format
    calls = ({"id": "k", "function": {"name": "search", "arguments": "{}"}},)
    said = [
        Message("message-1", "user", step_id="s", created_at=at(1)),
        Message(
            "message-2", "assistant", step_id="s", created_at=at(3), tool_calls=calls
        ),
        Message("message-3", "tool", step_id="s", created_at=at(6), tool_call_id="k"),
    ]
    _, call, ran = from_steps(Step("s"), messages=said)
    assert call.end_ns - call.start_ns == 2 * S
    assert (ran.name, ran.start_ns, ran.end_ns) == (
        "execute_tool search",
        call.end_ns,
        call.end_ns + 3 * S,
    )
    assert call.attributes["letta.step.time_source"] == "messages"


def test_time_of_messages_that_are_no_answer():
    """A step whose model never answered lasts until what stood before it."""
    said = [
        Message("message-1", "tool", step_id="s", created_at="2026-01-02T03:04:05Z")
    ]
    _, call, ran = from_steps(Step("s"), messages=said)
    assert call.start_ns == call.end_ns == ran.end_ns


def test_time_that_nobody_knows():
    """Without metrics and messages a step takes no time, and says so."""
    root, call = from_steps(Step("s"), start_ns=T0)
    assert root.start_ns == call.start_ns == call.end_ns == T0
    assert call.attributes["letta.step.time_source"] == "synthetic"


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
    """Only a step that succeeded is a span that did."""
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
    said = [Message("message-1", "assistant", step_id="s", content=(item,))]
    _, call = from_steps(Step("s"), messages=said)
    (message,) = json.loads(call.attributes["gen_ai.output.messages"])
    assert message["parts"] == [expected]


def test_a_failed_step_is_told():
    """An error is an exception event on the step, and the run failed with it."""
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
    """Feedback stands as the conventions tell an evaluation."""
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
def test_a_failed_tool_is_told(answer, expected):
    """A tool's error is its last line of stderr, else its answer."""
    said = [Message("message-1", "tool", step_id="s", name="t", tool_returns=(answer,))]
    ran = from_steps(Step("s"), messages=said)[-1]
    assert ran.attributes["error.type"] == expected.type
    assert ran.status_message == expected.message
    assert ran.events[-1].attributes.get("exception.stacktrace") == expected.stack_trace


def test_grouped():
    """Grouped, a step's spans stand under an `agent_step`, and read the same."""
    step = Step("step-1", trace_id=TRACE, status="success")
    metrics = StepMetrics("step-1", step_start_ns=T0, step_ns=40, llm_request_ns=10)
    said = [Message("message-1", "tool", step_id="step-1", name="t")]
    records = from_steps(step, metrics=[metrics], messages=said, grouped=True)
    root, group, call, ran = records
    assert (group.name, group.attributes["step_id"]) == ("agent_step", "step-1")
    assert group.parent_id == root.span_id
    assert call.parent_id == ran.parent_id == group.span_id
    assert letta.from_spans(records) == [StepLog((step,), (metrics,), tuple(said))]


def test_under_a_span_of_the_trace():
    """Given the span they hang under, steps have no root of their own."""
    records = from_steps(Step("s", trace_id=TRACE), parent_id="b7ad6b7169203331")
    assert [r.parent_id for r in records] == ["b7ad6b7169203331"]


def test_provider_traces_tell_the_call():
    """The raw request and answer give parameters, ids and texts."""
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
    said = call.attributes
    assert said["gen_ai.request.temperature"] == 0.5
    assert said["gen_ai.response.model"] == "gpt-4o-2024"
    assert said["gen_ai.response.finish_reasons"] == ["stop"]
    assert '"yo"' in said["gen_ai.output.messages"]
    anthropic = ProviderTrace(
        "provider_trace-2",
        {},
        {"stop_reason": "end_turn", "content": [{"type": "text", "text": "yo"}]},
        step_id="s",
    )
    _, call = from_steps(Step("s"), provider_traces=[anthropic])
    assert call.attributes["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert '"yo"' in call.attributes["gen_ai.output.messages"]


def test_an_empty_log():
    """A log of nothing is a run of nothing."""
    (root,) = letta.to_spans(StepLog())
    assert letta.from_spans([root]) == [StepLog()]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(
            chat(letta__step__progression=5), StepProgression.LOGGED_TRACE, id="told"
        ),
        pytest.param(
            chat(letta__step__progression=9), StepProgression.FINISHED, id="told-wrong"
        ),
        pytest.param(chat(), StepProgression.FINISHED, id="ended"),
        pytest.param(chat(status="error"), StepProgression.START, id="failed"),
        pytest.param(
            chat(status="error", gen_ai__output__messages="[]"),
            StepProgression.RESPONSE_RECEIVED,
            id="answered",
        ),
        pytest.param(
            chat(status="error", gen_ai__response__time_to_first_chunk=0.1),
            StepProgression.STREAM_RECEIVED,
            id="streamed",
        ),
    ],
)
def test_progression(record, expected):
    """How far a step came is seen from its span."""
    assert letta.progression_of(record) is expected


# Reading Letta's JSON


@pytest.mark.parametrize(
    ("mapping", "part"),
    [
        pytest.param({"id": "step-1", "model": "m"}, "steps", id="step"),
        pytest.param({"id": "step-1", "step_ns": 4}, "metrics", id="metrics"),
        pytest.param({"id": "message-1", "role": "user"}, "messages", id="message"),
        pytest.param(
            {"id": "p", "request_json": {}}, "provider_traces", id="provider-trace"
        ),
    ],
)
def test_load_tells_records_apart(mapping, part):
    """Any of Letta's records is a log with that record."""
    log = letta.load(mapping)
    assert len(getattr(log, part)) == 1
    assert letta.dump(getattr(log, part)[0]).items() >= mapping.items()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="no-id"),
        pytest.param({"steps": [3]}, id="step-is-no-object"),
    ],
)
def test_what_is_no_step_is_refused(value):
    """What is no record of Letta's is a clear error."""
    with pytest.raises(InfiniumError):
        letta.load(value)


def test_the_clients_names_are_read():
    """The client calls two fields otherwise; both names are read."""
    step = letta.step_of(
        {"id": "s", "api_model_endpoint": "e", "api_model_handle": "h"}
    )
    assert (step.model_endpoint, step.model_handle) == ("e", "h")


def test_unknown_values_are_kept_and_not_written():
    """Values and keys that Letta refuses are kept, but not given to it."""
    mapping = {
        "id": "s",
        "stop_reason": "new",
        "status": "odd",
        "feedback": "meh",
        "key": 1,
        "tags": ["a", 3],
    }
    step = letta.step_of(mapping)
    assert (step.stop_reason, step.status, step.other) == ("new", "odd", {"key": 1})
    written = letta.dump(step)
    assert (written["stop_reason"], written["status"], written["feedback"]) == (
        None,
        None,
        None,
    )
    assert "key" not in written
    assert written["tags"] == ["a"]


def test_a_wrong_type_is_as_good_as_absent():
    """A value of the wrong type is not believed."""
    step = letta.step_of(
        {
            "id": "s",
            "prompt_tokens": "many",
            "messages": [{"id": "message-1", "role": "tool", "tool_returns": ["x"]}],
        }
    )
    assert step.prompt_tokens is None
    assert step.messages[0].tool_returns == (ToolReturn("success", func_response="x"),)


# The server's own spans


def own(**options):
    """What a server exports of one step that ran a tool."""
    root = span(
        "POST /v1/agents/{agent_id}/messages",
        None,
        0,
        10,
        trace=TRACE,
        kind="server",
        attributes={"organization.id": "org-1", "agent.id": "agent-1", "source": "ui"},
    )
    first = span(
        "ttft",
        root.name,
        0,
        1,
        trace=TRACE,
        attributes={
            "llm_config.model": "gpt-4o",
            "llm_config.model_endpoint_type": "openai",
            "llm_config.handle": "openai/gpt-4o",
            "llm_config.context_window": 128000,
        },
    )
    events = (
        SpanEvent("request_start_to_provider_request_start_ns", T0 + S + 5),
        SpanEvent("llm_request_ms", T0 + 2 * S, {"duration_ms": 900}),
        SpanEvent("tool_execution_started", T0 + 2 * S),
        SpanEvent(
            "tool_execution_completed",
            T0 + 3 * S,
            {
                "tool_name": "search",
                "duration_ms": 100,
                "success": False,
                "tool_id": "tool-1",
            },
        ),
        SpanEvent("step_ms", T0 + 4 * S, {"duration_ms": 3000}),
    )
    step = span(
        "agent_step",
        root.name,
        1,
        4,
        trace=TRACE,
        attributes={"step_id": "step-7"},
        events=events,
        **options,
    )
    ran = span(
        "LettaAgentV2._execute_tool",
        root.name,
        2,
        3,
        trace=TRACE,
        events=(
            SpanEvent("start_search_execution", T0 + 2 * S, {"q": "x"}),
            SpanEvent(
                "finish_search_execution",
                T0 + 3 * S,
                {"status": "error", "func_return": "no", "stderr": "['KeyError: 1']"},
            ),
        ),
    )
    return [root, replace(first, name="time_to_first_token"), step, ran]


def test_the_servers_own_spans():
    """A server's spans give the step, its times and its tools."""
    log = one(*own())
    assert log.steps == (
        Step(
            "step-7",
            origin="ui",
            organization_id="org-1",
            agent_id="agent-1",
            provider_name="openai",
            model="gpt-4o",
            context_window_limit=128000,
            trace_id=TRACE,
            status="success",
        ),
    )
    (metrics,) = log.metrics
    assert metrics.llm_request_start_ns == T0 + S + 5
    assert (metrics.llm_request_ns, metrics.tool_execution_ns, metrics.step_ns) == (
        900_000_000,
        100_000_000,
        3 * S,
    )
    (message,) = log.messages
    assert message.name == "search"
    assert message.tool_returns[0].status == "error"
    assert message.tool_returns[0].func_response == "no"
    assert one(*own(), newer=True).steps[0].model_handle == "openai/gpt-4o"


def test_the_servers_own_spans_when_they_know_little():
    """A step alone is a step; an ended one is not taken for more than it is."""
    (step_span,) = [r for r in own() if r.name == "agent_step"]
    bare = replace(step_span, events=(SpanEvent("tool_execution_completed", T0),))
    log = one(bare)
    assert (log.steps[0].model, log.steps[0].status) == (None, "success")
    assert (log.metrics[0].step_ns, log.metrics[0].llm_request_start_ns) == (
        3 * S,
        None,
    )
    assert log.messages[0].name == "unknown"
    assert one(replace(bare, status="error")).steps[0].status == "failed"
    assert one(replace(bare, end_ns=0)).steps[0].status == "pending"
    early = span("X._execute_tool", None, 0, 1, trace=TRACE)
    assert one(early, bare).messages[0].tool_returns[0].func_response is None
    other = span("X._execute_tool", None, 2, 3, trace=TRACE)
    assert len(one(other, bare).messages) == 1


def test_a_server_span_told_as_a_list():
    """Lines that stand as a list are kept as JSON."""
    records = [
        replace(r, events=(r.events[0], SpanEvent("finish_x", T0, {"stderr": ["a"]})))
        if r.name.endswith("_execute_tool")
        else r
        for r in own()
    ]
    assert one(*records).messages[0].tool_returns[0].stderr == ('["a"]',)


def test_a_step_whose_messages_do_not_read_is_kept():
    """A span's step outlives messages on it that are none of Letta's."""
    said = {"letta.step.id": "step-1", "letta.step.messages": '[{"role": "user"}]'}
    said["gen_ai.operation.name"] = "chat"
    root = SpanRecord("1" * 32, "1" * 16, None, "run", 1, 9)
    span = SpanRecord("1" * 32, "2" * 16, root.span_id, "chat", 2, 3, said)
    (log,) = letta.from_spans([root, span])
    assert [step.id for step in log.steps] == ["step-1"]
    assert log.steps[0].messages == ()


def test_a_step_without_a_time_begins_no_earlier_than_the_run():
    """One missing time does not make a run last since 1970."""
    metrics = letta.StepMetrics("step-2", step_start_ns=7_000, llm_request_ns=5)
    spans_ = letta.from_letta_steps(
        [letta.Step("step-1"), letta.Step("step-2")], [metrics]
    )
    assert {each.start_ns for each in spans_} == {7_000}


def test_content_without_its_text_says_nothing():
    """A null text is no word "None"."""
    content = tuple({"type": kind} for kind in ("text", "reasoning", "tool_call"))
    said = Message("message-1", "assistant", content=content, step_id="s")
    _, call = from_steps(Step("s"), messages=[said])
    assert "None" not in call.attributes["gen_ai.output.messages"]
    assert json.loads(call.attributes["gen_ai.output.messages"])[0]["parts"] == [
        {"type": "text", "content": ""},
        {"type": "reasoning", "content": ""},
        {"type": "tool_call", "name": "unknown"},
    ]
