"""Runs over time, in buckets and groups."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.summary import (
    MAX_BUCKETS,
    MAX_GROUPS,
    REST,
    RunFigures,
    summarize,
)

MINUTE = 60_000


def figures(minute: float, seconds: float = 1.0, group: str = "", **more) -> RunFigures:
    values = {
        "prompt_tokens": 10,
        "completion_tokens": None,
        "cost_usd": 0.1,
        "errors": 0,
        "fatal": 0,
    }
    return RunFigures(group, round(minute * MINUTE), seconds, **values | more)


def test_runs_are_summed_by_bucket():
    """Counts, tokens and cost add up; a bucket without runs has no latency."""
    summary = summarize(
        [
            figures(0.1, 1.0),
            figures(0.9, 3.0, errors=2, fatal=1),
            figures(2.5, 9.0, errors=1, cost_usd=None),
        ]
    )
    assert (summary["start_ms"], summary["width_ms"]) == (0, MINUTE)
    (group,) = summary["groups"]
    assert group == {
        "name": "",
        "runs": [2, 0, 1],
        "fatal": [1, 0, 0],
        "recovered": [0, 0, 1],
        "prompt_tokens": [20, 0, 10],
        "completion_tokens": [0, 0, 0],
        "cost_usd": [0.2, 0, 0],
        "p50_s": [1.0, None, 9.0],
        "p95_s": [3.0, None, 9.0],
    }


@pytest.mark.parametrize("minutes", [1, 59, 61, 5_000, 10**6, 10**9])
def test_the_width_fits_the_range(minutes):
    """However long the range is, the buckets are few, and every run is in one."""
    summary = summarize([figures(0.5), figures(minutes + 0.5)])
    (group,) = summary["groups"]
    assert len(group["runs"]) <= MAX_BUCKETS + 1
    assert sum(group["runs"]) == 2


def test_the_largest_groups_are_apart():
    """Groups past the bound are one, whatever the agents are called."""
    runs = [
        figures(n, group=f"g{n}") for n in range(MAX_GROUPS + 3) for _ in range(20 - n)
    ]
    runs.append(figures(0, group=REST))
    summary = summarize(runs)
    assert [g["name"] for g in summary["groups"]] == [
        *(f"g{n}" for n in range(MAX_GROUPS)),
        REST,
    ]
    assert sum(sum(g["runs"]) for g in summary["groups"]) == len(runs)


def test_no_runs():
    """Without runs there are no groups."""
    assert summarize([])["groups"] == []


def test_runs_before_the_epoch():
    """A task may claim any time; nothing raises."""
    (group,) = summarize([figures(-5.5), figures(0.5)])["groups"]
    assert sum(group["runs"]) == 2
