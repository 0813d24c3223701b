"""Trees from any parents, valid or not."""

from __future__ import annotations

import gc

import pytest

from infinium_otel.config import Config
from infinium_otel.dialects import read
from infinium_otel.mapping import map_trace
from infinium_otel.mapping.tree import (
    Node,
    link_nodes,
    remove_placeholders,
    sort_by_start,
    sort_top_down,
)
from infinium_otel.records import LogEvent, NormalizedSpan, Trace
from support.records import agent, calls_of, chat, make_span, task_of
from support.spans import sid


def tree(*records, dropped=()):
    ids = {sid(key) for key in dropped}
    return link_nodes(
        (record, NormalizedSpan(kind="step", dropped=record.span_id in ids))
        for record in sort_by_start(records)
    )


def parents(nodes):
    return {
        node.record.name: node.parent.record.name if node.parent else None
        for node in nodes
    }


@pytest.mark.parametrize(
    ("root", "orphan", "agents"),
    [
        pytest.param({}, {}, ["helper"], id="within"),
        pytest.param({}, {"end": 99}, [None], id="outlives-it"),
        pytest.param({"parent": "lost-too"}, {}, [None], id="no-root-either"),
    ],
)
def test_a_span_whose_parent_was_leaked(root, orphan, agents):
    """It belongs to the run if the run's own root is there and had not ended."""
    task = task_of(
        agent("root", **root), chat("c", parent="lost", **{"start": 1, **orphan})
    )
    names = [(step.metadata or {}).get("gen_ai.agent.name") for step in task.steps]
    assert names[-1:] == agents


def test_calls_side_by_side_under_a_leaked_parent():
    """Two calls without a root stay two, though one lies within the other's time."""
    task = task_of(
        chat("a", parent="lost", end=9), chat("b", parent="lost", start=1, end=5)
    )
    assert len(calls_of(task)) == 2


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([make_span("a", end=9), make_span("b", "a")], {"a": None, "b": "a"}, id="tree"),
        pytest.param([make_span("a", "gone")], {"a": None}, id="missing-parent"),
        pytest.param([make_span("a", "a")], {"a": None}, id="own-parent"),
        pytest.param(
            [make_span("a", "b"), make_span("b", "a", start=1), make_span("c", "b", start=2)],
            {"a": None, "b": "a", "c": "b"}, id="cycle",
        ),
        pytest.param(
            [make_span("r"), make_span("a", "b"), make_span("b", "a", start=1)],
            {"r": None, "a": None, "b": "a"}, id="cycle-beside-a-root",
        ),
    ],
)  # fmt: skip
def test_every_span_has_its_place(spans, expected):
    """Missing, own and circular parents are cut; no span is lost."""
    nodes = tree(*spans)
    assert parents(nodes) == expected
    assert len(sort_top_down(nodes)) == len(spans)


def test_placeholders_give_their_children_to_their_parent():
    """Children of placeholders move up to the placeholder's parent."""
    nodes = tree(
        make_span("a", end=9),
        make_span("p", "a"),
        make_span("q", "p"),
        make_span("b", "q"),
        dropped="pq",
    )
    assert parents(remove_placeholders(nodes)) == {"a": None, "b": "a"}


def test_children_of_a_placeholder_root_are_roots():
    """Children of a placeholder root become roots."""
    nodes = tree(make_span("p", end=9), make_span("a", "p"), dropped="p")
    assert parents(remove_placeholders(nodes)) == {"a": None}


def test_steps_are_in_start_order_parents_first():
    """Steps go by start; of two that start together the enclosing one is first."""
    task = task_of(
        agent("root"),
        chat("b", "root", start=2),
        agent("sub", "root", name="sub", start=1, end=3),
        chat("a", "sub", start=1),
    )
    assert [s.action for s in task.steps] == [
        "subagent",
        "llm_inference",
        "llm_inference",
    ]
    assert [s.step_number for s in task.steps] == [1, 2, 3]


def test_a_child_whose_clock_ran_ahead_does_not_become_the_root():
    """The root comes first, whatever the clocks of its children show."""
    task = task_of(agent("root", name="main", start=5), chat("c", "root", start=1))
    assert task.name == "main"


def test_a_span_that_ends_before_it_starts_takes_no_time():
    """Durations are never negative."""
    task = task_of(agent("root", start=9, end=1), chat("c", "root", start=5, end=2))
    assert task.duration == 0
    assert task.steps[0].duration_ms == 0


def test_logged_content_is_the_spans():
    """Content logged beside a span, by its ids, is read as the span's own."""
    span = chat("c")
    logs = (
        log(span, "gen_ai.user.message", {"content": "hi"}),
        log(span, "", {"message": {"content": "yo"}}, {"event.name": "gen_ai.choice"}),
        log(span, "note", "free text"),
    )
    trace = Trace(span.trace_id, span.span_id, (span,), logs)
    task = map_trace(trace, Config())
    assert (task.input_summary, task.output_summary) == ("hi", "yo")


def log(span, name, body, attributes=None):
    return LogEvent(span.trace_id, span.span_id, name, 0, attributes or {}, body)


def test_an_empty_trace_is_no_task():
    """A trace of nothing but placeholders is not a task."""
    span = make_span("p", None, {"logfire.span_type": "pending_span"})
    assert map_trace(Trace(span.trace_id, span.span_id, (span,)), Config()) is None


def test_an_unknown_instrumentation_yields_plain_steps():
    """Spans never seen before become plain steps with their attributes kept."""
    odd = make_span(
        "odd", "root", {"acme.sort": "llm", "acme.cost": 3, "acme.text": "x " * 999}
    )
    task = task_of(agent("root"), odd, chat("c", "root", start=2))
    step = task.steps[0]
    assert (step.action, step.description) == ("span", "odd")
    kept = step.metadata["attributes"]
    assert kept["acme.cost"] == 3
    assert len(kept["acme.text"]) == 300
    assert len(calls_of(task)) == 1


@pytest.mark.parametrize(
    ("attributes", "question", "answer"),
    [
        pytest.param({"input": "Why?", "output": "So."}, "Why?", "So.", id="bare"),
        pytest.param({"acme.question": "Why?", "acme.answer": "So."}, "Why?", "So.",
                     id="in-a-namespace"),
        pytest.param({"input": "Why?", "acme.query": "How?"}, "Why?", None, id="first"),
        pytest.param({"input": "", "acme.query": "How?"}, "How?", None, id="empty"),
        pytest.param({"url.query": "a=b", "http.response": "x"}, None, None,
                     id="of-the-conventions"),
    ],
)  # fmt: skip
def test_an_unknown_root_has_the_content_its_keys_name(attributes, question, answer):
    """Plain words for content are recognized on spans of unknown dialects."""
    task = task_of(make_span("job", None, attributes), config=Config(include="all"))
    assert (task.input_summary, task.output_summary) == (question, answer)


def test_an_unknown_root_is_a_step_for_what_it_alone_reports():
    """With `include` all, a lone span of unknown kind is a task with one step."""
    span = make_span("job", None, {"acme.kind": "batch"})
    task = task_of(span, config=Config(include="all"))
    assert [s.description for s in task.steps] == ["job"]


def test_a_part_that_comes_late_names_what_it_continues():
    """An incomplete task is tagged, and a late part names the first."""
    span = chat("c")
    trace = Trace(span.trace_id, span.span_id, (span,), complete=False, part=2)
    tags = map_trace(trace, Config()).environment.custom_tags
    assert tags["otel.incomplete"] == "true"
    assert tags["otel.part"] == "2"
    assert tags["continues"] == f"{span.trace_id}-{span.span_id}"


def test_nothing_waits_for_the_garbage_collector():
    """The memory of a trace is free once its task is made."""
    gc.disable()
    gc.collect()
    known = _nodes()
    try:
        task_of(agent("a", end=9), chat("c", "a", start=1), chat("same", "c", start=1))
        assert _nodes() == known
    finally:
        gc.enable()


def _nodes():
    return sum(type(held) is Node for held in gc.get_objects())


ACME = {"acme.model": "gpt-4o", "acme.tokens.in": 5, "acme.tokens.out": 3}


def test_a_span_that_looks_like_a_call_around_calls_is_a_frame():
    """A call that is only inferred is none if calls or agents lie below it."""
    task = task_of(
        make_span("run", None, {**ACME, "acme.tokens.in": 12}),
        make_span("one", "run", ACME, start=1, end=2),
        make_span("two", "run", {**ACME, "acme.tokens.in": 7}, start=3, end=4),
    )
    assert len(calls_of(task)) == 2
    assert task.llm_usage.prompt_tokens == 12


@pytest.mark.parametrize(
    ("tokens", "calls"),
    [((5, 3), 1), ((9, 6), 2), (None, 2)],
)
def test_a_gateways_request_around_calls(tokens, calls):
    """It reports the only call below it if the tokens are the same, else it is a frame."""
    own = {**ACME, "http.request.method": "POST"}
    below = [chat(f"call{n}", "post", tokens=tokens) for n in range(calls)]
    task = task_of(make_span("post", None, own, end=9), *below)
    assert len(calls_of(task)) == calls


@pytest.mark.parametrize(
    "attributes", [{"x.tokens.in": 5, "x.tokens.out": 3}, {"x.model": "gpt-4o"}]
)
def test_one_sign_makes_a_call_where_there_is_no_other(attributes):
    """Of a trace with no call the innermost spans with a sign are calls."""
    frame = make_span("run", None, {"x.messages": '[{"role": "user"}]'})
    task = task_of(frame, make_span("infer", "run", attributes))
    assert [step.llm_call is not None for step in task.steps] == [True]
    plain = task_of(agent("root"), make_span("infer", "root", attributes))
    assert plain.llm_usage is None


@pytest.mark.parametrize("number", [1, 2, 3])
def test_nodes_that_represent_each_other(number):
    """Folded in a circle, one of them still represents all, and finding it ends."""
    records = [chat(str(n)) for n in range(number)]
    nodes = link_nodes((record, read(record)) for record in records)
    for node, other in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        node.fold_into(other)
    assert {id(node.representative) for node in nodes} == {id(nodes[-1])}
    assert [node.folded for node in nodes] == [True] * (number - 1) + [False]
    assert len(nodes[-1].members) == number - 1
