"""The local summary that stands in for an interpretation."""

from __future__ import annotations

import json

from infinium_otel.apps.serve.facts import facts_of
from infinium_otel.apps.serve.interpretation import interpret, summary
from support.runs import hostile, research, run


def test_says_what_it_is():
    """An interpretation made here says so, and grades nothing."""
    task = research()
    told = interpret(task, facts_of(task, ""))
    assert told["local"] is True
    assert "not Infinium's interpretation" in told["note"]
    assert told["objective"] == task["expected_outcome"]["task_objective"]
    assert [e["error_type"] for e in told["errors"]] == ["httpx.ReadTimeout"]
    assert not {"grade", "score", "rating"} & set(told)
    assert json.dumps(told)


def test_summary_counts():
    """The summary counts steps, calls, tokens, tools and errors."""
    task = research()
    assert summary(task, facts_of(task, "")) == (
        "Recommend a heat pump took 17 s in 16 steps. "
        "6 LLM calls to gpt-4o, claude-sonnet-4-5, gpt-4o-mini, 25,132 tokens, "
        "about 0.0596 USD. "
        "6 tool calls: price_of (3), fetch_page (2), search_web. 1 error."
    )


def test_summary_of_little():
    """Of a run that tells nothing nothing is made up."""
    task = run()
    said = summary(task, facts_of(task, ""))
    assert said == "Answer a question took 1.5 s in 0 steps. No error was recorded."


def test_summary_of_odd_runs():
    """Many tools are counted, missing parts told, calls without models kept."""
    steps = [{"tool_call": {"tool_name": f"t{n}"}} for n in range(7)]
    task = run(
        steps=[*steps, {"llm_call": {"purpose": "?"}}],
        environment={"custom_tags": {"otel.incomplete": "true"}},
    )
    said = summary(task, facts_of(task, ""))
    assert "1 LLM call." in said
    assert "7 tool calls: t0, t1, t2, t3, t4, 2 more." in said
    assert said.endswith("Parts of the run are missing.")


def test_hostile_run():
    """Whatever a run holds, an interpretation of it is JSON."""
    assert json.dumps(interpret(hostile(), facts_of(hostile(), "")))
