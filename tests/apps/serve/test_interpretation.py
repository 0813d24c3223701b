"""The local summary in place of an interpretation."""

from __future__ import annotations

import json

from infinium_otel.apps.serve.interpretation import interpret, summarize
from infinium_otel.apps.serve.task_row import to_task_row
from support.runs import hostile, research, run


def test_it_is_marked_as_local():
    """A local interpretation is marked as such, and contains no grade."""
    task = research()
    result = interpret(task, to_task_row(task, ""))
    assert result["local"] is True
    assert "not Infinium's interpretation" in result["note"]
    assert result["objective"] == task["expected_outcome"]["task_objective"]
    assert [e["error_type"] for e in result["errors"]] == ["httpx.ReadTimeout"]
    assert not {"grade", "score", "rating"} & set(result)
    assert json.dumps(result)


def test_summary_counts():
    """The summary counts steps, calls, tokens, tools and errors."""
    task = research()
    assert summarize(task, to_task_row(task, "")) == (
        "Recommend a heat pump took 17 s in 16 steps. "
        "6 LLM calls to gpt-4o, claude-sonnet-4-5, gpt-4o-mini, 25,132 tokens, "
        "about 0.0596 USD. "
        "6 tool calls: price_of (3), fetch_page (2), search_web. 1 error."
    )


def test_summary_of_little():
    """Nothing is made up for a run without facts."""
    task = run()
    text = summarize(task, to_task_row(task, ""))
    assert text == "Answer a question took 1.5 s in 0 steps. No error was recorded."


def test_summary_of_odd_runs():
    """Many tools are counted, missing parts reported, calls without models kept."""
    steps = [{"tool_call": {"tool_name": f"t{n}"}} for n in range(7)]
    task = run(
        steps=[*steps, {"llm_call": {"purpose": "?"}}],
        environment={"custom_tags": {"otel.incomplete": "true"}},
    )
    text = summarize(task, to_task_row(task, ""))
    assert "1 LLM call." in text
    assert "7 tool calls: t0, t1, t2, t3, t4, 2 more." in text
    assert text.endswith("Parts of the run are missing.")


def test_hostile_run():
    """Whatever a run contains, its interpretation is JSON."""
    assert json.dumps(interpret(hostile(), to_task_row(hostile(), "")))
