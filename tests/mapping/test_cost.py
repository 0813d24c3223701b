"""Mapping takes one pass: what a span costs does not grow with its trace."""

from __future__ import annotations

import sys
from itertools import count

import pytest

from infinium_otel import spans_to_tasks
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


def calls_per_span(records):
    """How many functions are called for each span: the same on every machine."""
    counter = count()

    def profile(frame, event, arg):
        if event in ("call", "c_call"):
            next(counter)

    sys.setprofile(profile)
    try:
        spans_to_tasks(records)
    finally:
        sys.setprofile(None)
    return next(counter) / len(records)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_span_costs_the_same_in_a_long_trace(shape):
    """The cost per span of a long trace is within 1.3 times that of 100 spans."""
    spans_to_tasks(trace(shape, 10))
    assert calls_per_span(trace(shape, 3_000)) <= 1.3 * calls_per_span(
        trace(shape, 100)
    )


def test_ten_thousand_spans_are_one_task():
    """The longest trace that one task is made of maps in one piece."""
    (task,) = spans_to_tasks(trace(SHAPES["calls-side-by-side"], 9_999))
    assert len(task.steps) == 9_999
