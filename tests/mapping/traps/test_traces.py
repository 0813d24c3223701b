"""Traps of traces (docs/reference/traps.md)."""

from __future__ import annotations

from infinium_otel import spans_to_tasks
from support.records import (
    agent,
    chat,
    make_span,
    task_of,
    tokens_of,
    tool,
)
from support.spans import sid, tid


def test_t6_an_unended_root_has_children():
    """Children of a root that never ended still make runs; no token is lost."""
    tasks = spans_to_tasks([chat("c1", "gone"), chat("c2", "gone", start=2)])
    assert sum(tokens_of(task)[0] for task in tasks) == 20


def test_t14_linked_work_of_another_trace_stays_its_own():
    """A root of another trace is a run of its own."""
    linked = agent("b", trace=tid(11), name="second")
    assert len(spans_to_tasks([agent("a"), linked])) == 2


def test_t22_a_parent_that_never_comes():
    """A span whose parent was sampled out is the root of what is there."""
    task = task_of(agent("run", "gone"), chat("c", "run"))
    assert task.name == "helper"


def test_t36_requests_below_a_call_are_no_steps():
    """A traced request to the service itself would make no step either."""
    ours = {"http.request.method": "POST", "server.address": "infinium.example"}
    task = task_of(
        make_span("root", end=3), chat("c", "root"), make_span("h", "c", ours)
    )
    assert len(task.steps) == 1


def test_t37_a_span_that_comes_twice():
    """The same span twice is one span."""
    records = [make_span("root", end=3), chat("c", "root")]
    task = task_of(*records, *records)
    assert (tokens_of(task), len(task.steps)) == ((10, 5), 1)


def test_t39_steps_are_in_start_order():
    """The order of arrival is irrelevant: steps are ordered by their start."""
    records = [
        tool("late", "root", "late", start=5),
        chat("first", "root"),
        make_span("root", end=9),
        tool("middle", "root", "middle", start=3),
    ]
    forward, backward = task_of(*records), task_of(*reversed(records))
    ids = [s.metadata["otel.span_id"] for s in forward.steps]
    assert ids == [sid("first"), sid("middle"), sid("late")]
    assert [s.step_number for s in forward.steps] == [1, 2, 3]
    assert ids == [s.metadata["otel.span_id"] for s in backward.steps]
