"""Four times as many spans are about four times as much work, however they are nested."""

from __future__ import annotations

import sys
from itertools import product

import pytest

from infinium_otel import Config
from infinium_otel.pipeline import Pipeline
from infinium_otel.testing import FakeInfinium
from support.spans import span

KINDS = {
    "call": {"openinference.span.kind": "LLM", "llm.model_name": "m"},
    "tool": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"},
    "retrieval": {"openinference.span.kind": "RETRIEVER"},
    "step": {"note": 1},
}
AGENT = {"gen_ai.operation.name": "invoke_agent"}
FEW, MANY = 150, 600


def make_run(count, kinds, depth):
    """*count* spans: each below the one before, down to *depth*; the rest below the last.

    The first is an agent, the others are of both *kinds* in turn.
    """
    return [
        span(
            f"s{number}",
            f"s{min(number, depth) - 1}" if number else None,
            start=float(number),
            end=float(2 * count - number),
            attributes=KINDS[kinds[number % 2]] if number else AGENT,
        )
        for number in range(count)
    ]


def count_calls(spans):
    """Python functions that are called to map *spans*."""
    calls = 0

    def note(_, event, __):
        nonlocal calls
        calls += event == "call"

    pipeline = Pipeline(Config(**FakeInfinium().settings))
    sys.setprofile(note)
    try:
        pipeline.feed(spans[::-1], 0.0)
    finally:
        sys.setprofile(None)
    assert pipeline.tasks == 1
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.5], ids=["chain", "chain-with-leaves"])
@pytest.mark.parametrize("kinds", list(product(KINDS, KINDS)), ids="-".join)
def test_with_the_number_of_spans(kinds, share):
    """A run of some thousand nested calls must not hold up all others."""
    count_calls(make_run(FEW, kinds, int(FEW * share)))  # what is made once
    few = count_calls(make_run(FEW, kinds, int(FEW * share)))
    many = count_calls(make_run(MANY, kinds, int(MANY * share)))
    assert many < 6 * few
