"""What a call costs."""

from __future__ import annotations

import sys

import pytest

from infinium_otel import pricing
from infinium_otel.pricing import cost_of
from infinium_otel.records import Failure, Reading, Usage
from support.told import agent, chat, task_of

NOW = 1_760_000_000 * 10**9
CALL = Reading(
    kind="llm", model="gpt-4o-mini", provider="openai", usage=Usage(input=1000, output=100)
)  # fmt: skip


def but(**changes):
    from dataclasses import replace  # noqa: PLC0415 - one use

    return replace(CALL, **changes)


@pytest.fixture(autouse=True)
def _fresh():
    yield
    pricing._package.cache_clear()
    pricing._rates.cache_clear()


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param(but(cost_usd=0.5), 0.5, id="the-spans-own-figure"),
        pytest.param(but(cost_usd=0.0), 0.00021, id="zero-for-tokens-is-unknown"),
        pytest.param(but(cost_usd=0.0, usage=None), 0.0, id="zero-for-nothing"),
        pytest.param(but(replayed=True), 0.0, id="replayed"),
        pytest.param(but(usage=None, failure=Failure("E", "no")), 0.0, id="failed"),
        pytest.param(but(usage=None), None, id="no-usage"),
        pytest.param(but(model=None), None, id="no-model"),
        pytest.param(but(model="no-such-model"), None, id="unknown-model"),
        pytest.param(but(usage=Usage(output=3)), None, id="half-a-count"),
        pytest.param(CALL, 0.00021, id="priced"),
        pytest.param(but(provider=None), 0.00021, id="by-model-alone"),
        pytest.param(
            but(usage=Usage(input=1000, output=100, cache_read=1000)), 0.000135,
            id="cached-is-part-of-input",
        ),
    ],
)  # fmt: skip
def test_cost(reading, expected):
    """What the span says wins; else the published price; unknown stays None."""
    pytest.importorskip("genai_prices")
    cost = cost_of(reading, NOW)
    assert cost == (None if expected is None else pytest.approx(expected))


def test_long_contexts_are_priced_on_their_own():
    """Where a price list has tiers, a long context costs what its tier says."""
    pytest.importorskip("genai_prices")
    gemini = Reading(
        kind="llm", model="gemini-2.5-pro", provider="google",
        usage=Usage(input=300_000, output=0),
    )  # fmt: skip
    short = Reading(
        kind="llm", model="gemini-2.5-pro", provider="google",
        usage=Usage(input=100_000, output=0),
    )  # fmt: skip
    assert cost_of(gemini, NOW) > 3 * cost_of(short, NOW)


def test_without_the_extra_nothing_is_priced(monkeypatch):
    """Without genai-prices only what spans say is known."""
    pricing._package.cache_clear()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert cost_of(CALL, NOW) is None
    assert cost_of(but(cost_usd=0.5), NOW) == 0.5


def test_a_part_is_never_told_as_the_whole():
    """The task's cost is known only if every call's is."""
    known = chat("a", "root", attributes={"gen_ai.usage.cost": 0.5})
    unknown = chat("b", "root", start=2, attributes={"gen_ai.request.model": "mine"})
    assert task_of(agent("root"), known).llm_usage.estimated_cost_usd == 0.5
    assert task_of(agent("root"), known, unknown).llm_usage.estimated_cost_usd is None
