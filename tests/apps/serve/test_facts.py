"""The facts of a task."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.facts import MAX_WORDS, facts_of, words_of
from support.runs import AGENT_ID, hostile, research, run


def test_whole_run():
    """The list shows what the run came to."""
    facts = facts_of(research(), AGENT_ID)
    assert (facts.name, facts.agent) == ("Recommend a heat pump", "home-advisor")
    assert (facts.steps, facts.llm_calls, facts.tool_calls) == (16, 6, 6)
    assert (facts.prompt_tokens, facts.completion_tokens) == (23_010, 2_122)
    assert (facts.total_tokens, facts.errors) == (25_132, 1)
    assert facts.cost_usd == pytest.approx(0.05956, rel=1e-3)
    assert facts.models == ("gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini")
    assert facts.duration_s == 17.0


def test_unknown_is_none():
    """What nobody told is unknown, not zero."""
    facts = facts_of(run(), AGENT_ID)
    assert facts.agent == AGENT_ID
    assert facts.prompt_tokens is facts.total_tokens is facts.cost_usd is None
    assert (facts.steps, facts.errors, facts.models) == (0, 0, ())
    assert facts.otel_trace_id is None
    assert not facts.incomplete


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"prompt_tokens": 3}, 3, id="one-side"),
        pytest.param({"completion_tokens": 4}, 4, id="other-side"),
        pytest.param({"prompt_tokens": 3, "completion_tokens": 4}, 7, id="sum"),
        pytest.param({"prompt_tokens": 3, "total_tokens": 9}, 9, id="told"),
        pytest.param({"total_tokens": True}, None, id="flag"),
        pytest.param({"total_tokens": -1}, None, id="negative"),
        pytest.param({"total_tokens": 2**60}, None, id="unbelievable"),
        pytest.param({"total_tokens": 1.5}, None, id="fraction"),
    ],
)
def test_tokens(usage, expected):
    """A total is the one told, else the sum of what is known and believable."""
    assert facts_of(run(llm_usage=usage), "").total_tokens == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        pytest.param(0.5, 0.5, id="money"),
        pytest.param(2, 2.0, id="whole"),
        pytest.param("1", None, id="text"),
        pytest.param(True, None, id="flag"),
        pytest.param(-1, None, id="negative"),
        pytest.param(float("inf"), None, id="infinite"),
    ],
)
def test_cost(cost, expected):
    """A cost is a number of dollars, or unknown."""
    usage = {"estimated_cost_usd": cost}
    assert facts_of(run(llm_usage=usage), "").cost_usd == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(
            {"custom_tags": {"service.name": "s", "gen_ai.agent.name": "a"}},
            "a",
            id="agent-first",
        ),
        pytest.param(
            {"custom_tags": {"service.name": "s"}, "framework": "f"}, "s", id="service"
        ),
        pytest.param({"framework": "f"}, "f", id="framework"),
        pytest.param({"custom_tags": [], "framework": 5}, "id", id="nothing-usable"),
    ],
)
def test_agent(environment, expected):
    """An agent is known by its name, its service, its framework, at last by its id."""
    assert facts_of(run(environment=environment), "id").agent == expected


def test_models_of_calls_or_total():
    """Models are those of the calls; the total's only where no call names one."""
    usage = {"model": "all", "calls": [{"model": "a"}, {"model": "a"}, {}, 5]}
    assert facts_of(run(llm_usage=usage), "").models == ("a",)
    assert facts_of(run(llm_usage={"model": "all"}), "").models == ("all",)


def test_marks_of_the_trace():
    """A task made of a trace names it, and says if parts are missing."""
    tags = {"otel.trace_id": "ab" * 16, "otel.incomplete": "true"}
    facts = facts_of(run(environment={"custom_tags": tags}), "")
    assert (facts.otel_trace_id, facts.incomplete) == ("ab" * 16, True)


def test_half_characters():
    """JSON may name half a character, which no database takes."""
    facts = facts_of(run(name="a\ud800b"), "")
    assert facts.name == "a?b"
    assert words_of(run(description="\udfff"), facts).encode()


def test_words_are_bounded():
    """The search knows every text of a run, up to a bound."""
    facts = facts_of(research(), "")
    words = words_of(research(), facts)
    for expected in ("heat pump", "fetch_page", "ReadTimeout", "field study", "claude"):
        assert expected in words
    assert len(words_of(hostile(), facts)) <= MAX_WORDS
