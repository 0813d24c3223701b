"""Letta's records to spans and back, by property."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
    ToolReturn,
)
from infinium_otel.models.spans import finalize
from infinium_otel.records import Failure
from support.letta_runs import (
    COUNTS,
    TRACE,
    agent,
    chat,
    from_steps,
    maybe,
    one,
    shape,
    tool,
)
from support.spans import span, tid

IDS = st.integers(0, 99).map(lambda n: f"step-{n:04}")
WORDS = st.text("abcé {}[]1\n", max_size=6)
NS = st.integers(0, 2**60)
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
    """A log in the order in which it is read: records follow the order of the steps."""
    trace = draw(st.sampled_from([None, TRACE, TRACE.upper(), "no hex"]))
    run = draw(maybe(st.just("run-1"))) if trace is None else None
    steps = draw(st.lists(STEPS, max_size=3, unique_by=lambda s: s.id))
    steps = [replace(step, trace_id=trace, run_id=run) for step in steps]
    metrics, kept, raw = [], [], []
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
        kept += draw(st.lists(messages(st.just(step.id)), max_size=3))
        if draw(st.booleans()):
            raw.append(
                ProviderTrace(
                    "provider_trace-1", draw(OBJECTS), draw(OBJECTS), step_id=step.id
                )
            )
    kept += draw(st.lists(messages(st.just("step-gone")), max_size=1))
    return StepLog(
        tuple(steps), tuple(metrics), tuple(kept), tuple(raw), other=draw(OTHERS)
    )


@given(logs())
def test_records_survive_spans(log):
    """Records to spans to records is the identity."""
    assert letta.from_spans(letta.to_spans(log, start_ns=5)) == [log]


@given(logs())
def test_json_survives(log):
    """A log's JSON reads as the same log, except for values that Letta rejects."""
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
    """An agent's run under the conventions."""
    found = [agent(60.0, **{"gen_ai.agent.id": "a"})]
    for number in range(draw(st.integers(0, 3))):
        start = number * 10.0
        usage = {
            "gen_ai.usage.input_tokens": draw(COUNTS),
            "gen_ai.usage.output_tokens": draw(COUNTS),
        }
        failure = draw(maybe(st.just(Failure("RateLimitError", "too many", "a\nb"))))
        record = chat(f"c{number}", "r", start, start + draw(st.floats(0, 4)), **usage)
        found.append(finalize(record, failure))
        for place in range(draw(st.integers(0, 2))):
            failed = draw(maybe(st.just(Failure("ValueError", "bad city"))))
            begun = start + 5 + place
            found.append(tool(f"t{number}.{place}", begun, begun + 0.5, failed))
    return found


@given(runs())
def test_spans_survive_records(records):
    """Spans to records to spans keeps tree, times, model, tokens, tools and errors."""
    back = [
        r
        for log in letta.from_spans(records)
        for r in letta.to_spans(letta.load(letta.dump(log)))
    ]
    assert [row[:2] + row[2:] for row in shape(back)] == shape(records)


def test_tools_without_a_call():
    """Tools of a run without a model call belong to no step, and survive."""
    records = [agent(), tool(failure=Failure("E", "m"))]
    log = one(*records)
    assert (log.steps, log.messages[0].step_id) == ((), None)
    assert shape(letta.to_spans(letta.load(letta.dump(log)))) == shape(records)


def test_a_single_call_gets_no_parent():
    """A call that is its own root gets no span above it."""
    alone = replace(chat(), parent_id=None)
    log = one(alone)
    assert [(r.span_id, r.parent_id) for r in letta.to_spans(log)] == [
        (alone.span_id, None)
    ]
    hostile = replace(log, otel={**log.otel, "root": {"span_id": "0" * 16}})
    assert letta.to_spans(hostile)[0].name == "invoke_agent"


def test_no_tools_are_inferred_from_lettas_own_messages():
    """Messages that are restored are not searched for tools again."""
    call = {"id": "k", "type": "function", "function": {"name": "n", "arguments": "{}"}}
    reply = {"type": "tool_return", "tool_call_id": "k", "content": "c"}
    messages_ = (
        Message("message-1", "user", step_id="b", tool_calls=(call,)),
        Message("message-2", "user", step_id="b", content=(reply,)),
    )
    steps = (Step("a", trace_id=TRACE), Step("b", trace_id=TRACE))
    log = StepLog(steps, messages=messages_)
    assert letta.from_spans(letta.to_spans(log)) == [log]


def test_other_spans_survive():
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


def test_several_traces():
    """Steps of two traces are two runs, and are read as two."""
    records = from_steps(Step("a", trace_id=tid(1)), Step("b", trace_id=tid(2)))
    assert [r.trace_id for r in records] == [tid(1), tid(1), tid(2), tid(2)]
    assert sorted([s.id for s in log.steps] for log in letta.from_spans(records)) == [
        ["a"],
        ["b"],
    ]


def test_an_empty_log():
    """An empty log is an empty run."""
    (root,) = letta.to_spans(StepLog())
    assert letta.from_spans([root]) == [StepLog()]
