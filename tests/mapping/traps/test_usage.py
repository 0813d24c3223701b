"""Traps of tokens and cost (docs/reference/traps.md)."""

from __future__ import annotations

import pytest

from infinium_otel import spans_to_tasks
from support.records import (
    agent,
    chat,
    task_of,
    tokens_of,
)
from support.spans import tid

USAGE = {"gen_ai.usage.input_tokens": 99, "gen_ai.usage.output_tokens": 99}


def test_t23_cumulative_counters_lose_to_leaves():
    """A lifetime's sum on the agent is not the run's."""
    spans = []
    for n in (1, 2, 3):
        lifetime = {
            "gen_ai.usage.input_tokens": 10 * n,
            "gen_ai.usage.output_tokens": 5 * n,
        }
        spans += [
            agent(f"r{n}", trace=tid(n), attributes=lifetime),
            chat(f"c{n}", f"r{n}", trace=tid(n)),
        ]
    assert [tokens_of(t) for t in spans_to_tasks(spans)] == [(10, 5)] * 3


@pytest.mark.parametrize(
    ("reported_input", "prompt"),
    [pytest.param(100, 100, id="inside"), pytest.param(20, 100, id="beside")],
)
def test_t24_cached_tokens_once(reported_input, prompt):
    """Cached tokens are part of the prompt exactly once, and reported separately."""
    attributes = {
        "gen_ai.usage.input_tokens": reported_input,
        "gen_ai.usage.cache_read.input_tokens": 80,
    }
    task = task_of(chat("c", attributes=attributes))
    assert tokens_of(task)[0] == prompt
    metadata = task.steps[0].metadata
    assert metadata["gen_ai.usage.cache_read.input_tokens"] == 80


def test_t25_leaf_costs_only():
    """A cost on the agent and on its calls is counted once."""
    scope = {"scope": "pydantic-ai"}
    task = task_of(
        agent("run", attributes={"operation.cost": 0.5, **USAGE}, **scope),
        chat("c1", "run", attributes={"operation.cost": 0.2}, **scope),
        chat("c2", "run", attributes={"operation.cost": 0.3}, **scope),
    )
    assert task.llm_usage.estimated_cost_usd == pytest.approx(0.5)


UNPRICED = {"gen_ai.request.model": "a-model-of-nobody"}


def test_t25_a_cost_of_zero_for_tokens_is_unknown():
    """Tokens are never free: zero is a missing price."""
    attributes = {"gen_ai.usage.cost": 0.0, **UNPRICED}
    task = task_of(chat("c", scope="openlit", attributes=attributes))
    assert task.llm_usage.estimated_cost_usd is None


def test_t25_copilots_units_are_no_dollars():
    """Premium requests are not money."""
    attributes = {"github.copilot.cost": 1.0, **UNPRICED}
    task = task_of(chat("c", scope="github.copilot", attributes=attributes))
    assert task.llm_usage.estimated_cost_usd is None
