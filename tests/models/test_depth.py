"""Traces of any shape convert: long chains, deep nesting, cycles."""

from __future__ import annotations

import json

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import agentix, hud
from infinium_otel.models.trees import find_root_spans
from infinium_otel.records import SpanRecord

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 1,
    "gen_ai.usage.output_tokens": 1,
}


def link(number, attributes, parent=True):
    return SpanRecord(
        trace_id="a" * 32,
        span_id=f"{number + 1:016x}",
        parent_id=f"{number:016x}" if parent and number else None,
        name=f"s{number}",
        start_ns=number,
        end_ns=100_000 - number,
        attributes=attributes,
    )


def named(number):
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"a{number}"}


CHAINS = [
    pytest.param([link(n, {"k": n}) for n in range(2_000)], id="plain"),
    pytest.param([link(n, named(n)) for n in range(300)], id="agents"),
    pytest.param(
        [link(n, named(n)) for n in range(300)] + [link(300, CHAT)],
        id="agents-and-a-call",
    ),
    pytest.param(
        [
            link(
                n,
                {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"t{n}"},
            )
            for n in range(1_000)
        ],
        id="tools",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("records", CHAINS)
@pytest.mark.parametrize(
    ("system", "options"),
    [
        pytest.param(hud, {"model": "0.4"}, id="hud-0.4"),
        pytest.param(hud, {"model": "0.6"}, id="hud-0.6"),
        pytest.param(agentix, {}, id="agentix"),
    ],
)
def test_long_chains_convert(system, options, records):
    """A chain of any length becomes records, their JSON, and its spans again."""
    documents = system.from_spans(records, **options)
    json.dumps([system.dump(document) for document in documents])
    spans = [r for document in documents for r in system.to_spans(document)]
    # A run that begins with a tool gets a root above it.
    assert {r.span_id for r in spans} >= {r.span_id for r in records}
    again = system.from_spans(spans, **options)
    assert again == documents


def nested(depth):
    trace = {"steps": []}
    for _ in range(depth):
        trace = {"steps": [{"source": "subagent", "subagent": trace}]}
    return trace


def test_nested_documents_are_limited():
    """A HUD run whose subagents nest too deeply is rejected with a clear error."""
    assert len(hud.to_spans(hud.load(nested(20)))) == 21
    with pytest.raises(InfiniumError, match="too deeply"):
        hud.load(nested(21))
    with pytest.raises(InfiniumError, match="too deeply"):
        hud.load(nested(5_000))


def test_nested_outcomes_are_limited():
    """Subagents' outcomes that are nested deeper make no spans."""
    outcome = {"status": "completed"}
    for _ in range(50):
        outcome = {"status": "completed", "subagents": [outcome]}
    assert len(agentix.to_spans(agentix.load(outcome))) == 21


def test_each_span_has_a_root():
    """Missing parents and cycles end the search; each span is visited once."""
    chain = [link(n, {}) for n in range(5)]
    cycle = [
        SpanRecord("b" * 32, "1" * 16, "2" * 16, "x", 0, 1),
        SpanRecord("b" * 32, "2" * 16, "1" * 16, "y", 0, 1),
        SpanRecord("b" * 32, "3" * 16, "2" * 16, "z", 0, 1),
    ]
    roots = find_root_spans([*reversed(chain), *cycle])
    assert {roots[r.trace_id, r.span_id].name for r in chain} == {"s0"}
    assert len({roots[r.trace_id, r.span_id].name for r in cycle}) == 1


@pytest.mark.parametrize("system", [agentix, hud])
def test_values_nested_deep_in_a_field_are_cut(system):
    """Found by the fuzzer: every value of a record is looked into for times."""
    value = []
    for _ in range(5_000):
        value = [value]
    document = system.load({"status": "completed", "steps": [], "other": value})
    document = system.load(
        {**system.dump(document), "info": {"a": value}, "calls": value}
    )
    json.dumps(system.dump(document))
    assert system.to_spans(document) is not None
