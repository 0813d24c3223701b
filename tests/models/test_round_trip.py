"""Round trips that every system must pass, one row for each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.models import agentix, hud, infinium, letta, xpander
from support import corpus

if TYPE_CHECKING:
    from types import ModuleType

LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})


@dataclass(frozen=True)
class System:
    """A module of `infinium_otel.models`, and the arguments of its `from_spans`."""

    module: ModuleType
    options: dict[str, Any]

    def from_spans(self, records):
        return self.module.from_spans(records, **self.options)


SYSTEMS = [
    pytest.param(System(hud, {"model": "0.4"}), id="hud-0.4"),
    pytest.param(System(hud, {"model": "0.6"}), id="hud-0.6"),
    pytest.param(System(agentix, {}), id="agentix"),
    pytest.param(System(letta, {}), id="letta"),
    pytest.param(System(xpander, {}), id="xpander"),
]

ALL = [*SYSTEMS, pytest.param(System(infinium, {}), id="infinium")]
"""With Infinium's tasks, whose texts are truncated: they are not equal afterwards."""

REFUSED = {"pydantic-ai/tool_bad_arguments"}
"""A call that never ran, which these systems report as a tool call that failed."""


@cache
def records_of(name):
    recording = corpus.recording(name)
    records = list(otlp.from_json(recording.spans).records)
    if recording.logs is not None:
        records += otlp.from_json(recording.logs).records
    return tuple(records)


@cache
def recorded(name):
    """The facts of a recording before any conversion, computed once."""
    return known(name, records_of(name))


def known(name, records):
    """The facts that must be the same before and after: tokens, models, tools, errors."""
    tasks = spans_to_tasks(records)
    usages = [task.llm_usage for task in tasks if task.llm_usage]
    calls = [call for usage in usages for call in usage.calls or ()]
    steps = [step for task in tasks for step in task.steps or ()]
    tools = [step.tool_call.tool_name for step in steps if step.tool_call]
    errors = [error for task in tasks for error in task.errors or ()]
    return {
        "prompt": sum(usage.prompt_tokens or 0 for usage in usages),
        "completion": sum(usage.completion_tokens or 0 for usage in usages),
        "calls": sorted((c.model, str(c.prompt_tokens)) for c in calls),
        "tools": set(tools) if name in REFUSED else sorted(tools),
        # A span that lost its parent is a root of its own, so its errors are reported
        # twice; in a run with one root they are reported once.
        "errors": {(error.error_type, error.message) for error in errors},
    }


def shape(records):
    """Each span's name, parent's name and times."""
    names = {record.span_id: record.name for record in records}
    return sorted(
        (r.name, names.get(r.parent_id or "", ""), r.start_ns, r.end_ns)
        for r in records
    )


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("system", ALL)
def test_any_trace_becomes_a_systems_records_and_comes_back(system, library):
    """Every recorded trace converts both ways; tokens, tools and errors are the same."""
    for name in corpus.names(library):
        records = records_of(name)
        documents = system.from_spans(records)
        back = [r for document in documents for r in system.module.to_spans(document)]
        assert known(name, back) == recorded(name), name


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_records_are_their_own_spans(system, library):
    """Records made from spans come back from their own spans, and from their JSON."""
    for name in corpus.names(library):
        documents = system.from_spans(records_of(name))
        spans = [r for each in documents for r in system.module.to_spans(each)]
        texts = [json.dumps(system.module.dump(each)) for each in documents]
        assert system.from_spans(spans) == documents, name
        assert [system.module.load(json.loads(t)) for t in texts] == documents, name


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_tree_and_the_times_are_kept(system):
    """A run that follows the conventions has the same spans before and after."""
    records = records_of("pydantic-ai/nested_agent")
    once = spans_again(system, records)
    assert shape(once) == shape(records)
    assert {r.span_id for r in once} == {r.span_id for r in records}
    assert spans_again(system, once) == once


def spans_again(system, records):
    documents = system.from_spans(records)
    return [r for each in documents for r in system.module.to_spans(each)]


ORDERS = [
    pytest.param(partial(sorted, key=lambda r: r.end_ns), id="end-order"),
    pytest.param(partial(sorted, key=lambda r: r.span_id), id="any-order"),
]


@pytest.mark.parametrize("ordered", ORDERS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_order_of_spans_is_irrelevant(system, ordered):
    """The same spans in any order give the same records."""
    records = list(records_of("pydantic-ai/nested_agent"))
    assert system.from_spans(ordered(records)) == system.from_spans(records)


@pytest.mark.parametrize("system", ALL)
def test_no_spans_are_no_records(system):
    """Without spans there are no records."""
    assert list(system.from_spans([])) == []
