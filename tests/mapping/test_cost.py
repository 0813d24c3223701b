"""Mapping takes one pass: what a span costs does not grow with its trace."""

from __future__ import annotations

import json
import sys
from itertools import count

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.dialects.messages._decoding import _add_message
from infinium_otel.records import SpanEvent, SpanRecord

TRACE, ROOT = "a" * 32, "f" * 16
FAILED = SpanEvent(
    "exception", 0, {"exception.type": "ValueError", "exception.message": "no"}
)
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
AGENT = {"gen_ai.operation.name": "invoke_agent"}


def sid(number):
    return f"{number + 1:016x}"


def flat(**attributes):
    return lambda n: ({**attributes}, ROOT, False)


def deep(**attributes):
    return lambda n: ({**attributes}, sid(n - 1) if n else ROOT, False)


def numbered(make, key):
    def shape(n):
        attributes, parent, failed = make(n)
        return {**attributes, key: f"{key}-{n}"}, parent, failed

    return shape


def failing(make):
    return lambda n: (*make(n)[:2], True)


def with_http(n):
    """A tool, then the request that it makes."""
    if n % 2:
        return {"http.response.status_code": 200}, sid(n - 1), False
    return TOOL, ROOT, False


SHAPES = {
    "calls-side-by-side": numbered(flat(**CALL), "gen_ai.response.id"),
    "calls-with-one-response": flat(**CALL, **{"gen_ai.response.id": "same"}),
    "calls-in-calls": deep(**CALL),
    "tools-in-tools": numbered(deep(**TOOL), "gen_ai.tool.name"),
    "failures-side-by-side": failing(flat(**TOOL)),
    "failures-in-failures": failing(deep(work="any")),
    "sums-side-by-side": numbered(
        flat(**AGENT, **{"gen_ai.usage.input_tokens": 5}), "gen_ai.agent.name"
    ),
    "agents-in-agents": numbered(deep(**AGENT), "gen_ai.agent.name"),
    "tools-with-requests": with_http,
    "placeholders": flat(**{"logfire.span_type": "pending_span"}),
    "unknown-in-unknown": deep(work="any"),
}


def trace(shape, spans):
    """A root and *spans* below it, in the given shape."""
    records = [SpanRecord(TRACE, ROOT, None, "run", 0, 10**12, dict(AGENT))]
    for n in range(spans):
        attributes, parent, failed = shape(n)
        records.append(
            SpanRecord(
                TRACE,
                sid(n),
                parent,
                "work",
                n * 1000,
                n * 1000 + 500,
                attributes,
                status="error" if failed else "unset",
                events=(FAILED,) if failed else (),
            )
        )
    return records


def calls(records, counts=lambda frame, event: event in ("call", "c_call")):
    """How many functions are called to map *records*: the same on every machine."""
    counter = count()

    def profile(frame, event, arg):
        if counts(frame, event):
            next(counter)

    sys.setprofile(profile)
    try:
        spans_to_tasks(records)
    finally:
        sys.setprofile(None)
    return next(counter)


def calls_per_span(records):
    return calls(records) / len(records)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_span_costs_the_same_in_a_long_trace(shape):
    """The cost per span of a long trace is within 1.3 times that of 100 spans."""
    spans_to_tasks(trace(shape, 10))
    assert calls_per_span(trace(shape, 3_000)) <= 1.3 * calls_per_span(
        trace(shape, 100)
    )


USAGE = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 3}
ANSWER = '[{"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}]'
CROWDS = {
    "the-same-call": {**CALL, **USAGE},
    "the-same-answer": {**CALL, "gen_ai.output.messages": ANSWER},
    "the-same-tool": TOOL,
    "the-same-agent": {**AGENT, "gen_ai.agent.name": "a"},
    "records-of-usage": {"gen_ai.response.model": "gpt-4o", **USAGE},
    "searches": {"db.system": "chroma", "db.operation": "query"},
}


def crowd(attributes, spans):
    """Spans of many instrumentations at one time."""
    root = SpanRecord(TRACE, ROOT, None, "run", 0, 10**12, dict(AGENT))
    return [root] + [
        SpanRecord(
            TRACE, sid(n), ROOT, "work", 1000 + n % 7, 10**9 - n % 5, attributes,
            scope_name=f"scope-{n % 3}",
        )
        for n in range(spans)
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("attributes", CROWDS.values(), ids=CROWDS)
def test_a_span_costs_the_same_in_a_crowd(attributes):
    """However many spans may be reports of one another, each is compared with a few."""
    spans_to_tasks(crowd(attributes, 10))
    assert calls_per_span(crowd(attributes, 3_000)) <= 1.3 * calls_per_span(
        crowd(attributes, 300)
    )


def conversation(turns):
    """Calls of a stateless client: each contains all messages before it."""
    messages = [{"role": "user", "content": "Go on."}]
    spans = []
    for n in range(turns):
        input_messages = json.dumps(messages)
        request = {"id": f"c{n}", "function": {"name": "look", "arguments": "{}"}}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [request]},
            {"role": "tool", "tool_call_id": f"c{n}", "content": f"found {n}"},
        ]
        content = {
            "gen_ai.input.messages": input_messages,
            "gen_ai.output.messages": messages[-2:-1],
        }
        spans.append({**CALL, **content})
    return trace(lambda n: (spans[n], ROOT, False), turns)


def test_a_message_is_decoded_once():
    """A conversation of many turns costs its length, not that times its turns."""

    def decodes(frame, event):
        return event == "call" and frame.f_code is _add_message.__code__

    turns = 40
    assert len(spans_to_tasks(conversation(turns))[0].steps) == 2 * turns - 1
    assert calls(conversation(turns), decodes) <= 6 * turns


def test_ten_thousand_spans_are_one_task():
    """The longest trace that one task is made of maps in one piece."""
    (task,) = spans_to_tasks(trace(SHAPES["calls-side-by-side"], 9_999))
    assert len(task.steps) == 9_999
