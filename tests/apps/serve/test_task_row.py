"""A task's row in the list."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.task_row import MAX_WORDS, to_search_text, to_task_row
from support.runs import AGENT_ID, hostile, research, run


def test_whole_run():
    """The row summarizes the run."""
    row = to_task_row(research(), AGENT_ID)
    assert (row.name, row.agent) == ("Recommend a heat pump", "home-advisor")
    assert (row.steps, row.llm_calls, row.tool_calls) == (16, 6, 6)
    assert (row.prompt_tokens, row.completion_tokens) == (23_010, 2_122)
    assert (row.total_tokens, row.errors) == (25_132, 1)
    assert row.cost_usd == pytest.approx(0.05956, rel=1e-3)
    assert row.models == ("gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini")
    assert row.duration_s == 17.0


def test_unknown_is_none():
    """A missing value is unknown, not zero."""
    row = to_task_row(run(), AGENT_ID)
    assert row.agent == AGENT_ID
    assert row.prompt_tokens is row.total_tokens is row.cost_usd is None
    assert (row.steps, row.errors, row.models) == (0, 0, ())
    assert row.otel_trace_id is None
    assert not row.incomplete


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"prompt_tokens": 3}, 3, id="one-side"),
        pytest.param({"completion_tokens": 4}, 4, id="other-side"),
        pytest.param({"prompt_tokens": 3, "completion_tokens": 4}, 7, id="sum"),
        pytest.param({"prompt_tokens": 3, "total_tokens": 9}, 9, id="given"),
        pytest.param({"total_tokens": True}, None, id="flag"),
        pytest.param({"total_tokens": -1}, None, id="negative"),
        pytest.param({"total_tokens": 2**60}, None, id="unbelievable"),
        pytest.param({"total_tokens": 1.5}, None, id="fraction"),
    ],
)
def test_tokens(usage, expected):
    """The total is the given one, else the sum of the plausible parts."""
    assert to_task_row(run(llm_usage=usage), "").total_tokens == expected


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
    assert to_task_row(run(llm_usage=usage), "").cost_usd == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(
            {"custom_tags": {"service.name": "s", "gen_ai.agent.name": "a"}},
            "a",
            id="agent-first",
        ),
        pytest.param(
            {
                "framework": "f",
                "custom_tags": {"service.name": "unknown_service:python"},
            },
            "f",
            id="unnamed-service",
        ),
        pytest.param(
            {"custom_tags": {"service.name": "unknown_service"}},
            "id",
            id="unnamed-program",
        ),
        pytest.param(
            {"custom_tags": {"service.name": "s"}, "framework": "f"}, "s", id="service"
        ),
        pytest.param({"framework": "f"}, "f", id="framework"),
        pytest.param({"custom_tags": [], "framework": 5}, "id", id="nothing-usable"),
    ],
)
def test_agent(environment, expected):
    """The agent is its name, else its service, its framework, or its id."""
    assert to_task_row(run(environment=environment), "id").agent == expected


def test_models_of_calls_or_total():
    """Models are those of the calls; the total's only if no call has one."""
    usage = {"model": "all", "calls": [{"model": "a"}, {"model": "a"}, {}, 5]}
    assert to_task_row(run(llm_usage=usage), "").models == ("a",)
    assert to_task_row(run(llm_usage={"model": "all"}), "").models == ("all",)


def test_tags_of_the_trace():
    """A task made of a trace has its id, and is marked if parts are missing."""
    tags = {"otel.trace_id": "ab" * 16, "otel.incomplete": "true"}
    row = to_task_row(run(environment={"custom_tags": tags}), "")
    assert (row.otel_trace_id, row.incomplete) == ("ab" * 16, True)


def test_lone_surrogates():
    """JSON may contain lone surrogates, which no database accepts."""
    row = to_task_row(run(name="a\ud800b"), "")
    assert row.name == "a?b"
    assert to_search_text(run(description="\udfff"), row).encode()


def test_words_are_bounded():
    """Every text of a run can be searched, up to a bound."""
    row = to_task_row(research(), "")
    words = to_search_text(research(), row)
    for expected in ("heat pump", "fetch_page", "ReadTimeout", "field study", "claude"):
        assert expected in words
    assert len(to_search_text(hostile(), row)) <= MAX_WORDS
