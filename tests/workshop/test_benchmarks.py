"""The arithmetic of the benchmarks, on scripted figures; none of them is timed here."""

from __future__ import annotations

import json

import pytest

from benchmarks import goals, measuring
from benchmarks.goals import FIGURE, RATIO, Goal
from benchmarks.measuring import Measured, Spread


def make_measured(**figures):
    found = Measured("µs")
    found.add(figures)
    return found


def test_candidates_take_turns():
    """Each once a round, and each round begins with another one."""
    order = []

    def candidate(name):
        return lambda: order.append(name) or float(len(order))

    candidates = {name: candidate(name) for name in "abc"}
    found = measuring.interleave(candidates, 3)
    assert "".join(order) == "abc" + "bca" + "cab"
    assert found == {"a": [1.0, 6.0, 8.0], "b": [2.0, 4.0, 9.0], "c": [3.0, 5.0, 7.0]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([3.0], Spread(3.0, 3.0, 3.0, 1), id="one"),
        pytest.param([9.0, 1.0, 2.0], Spread(2.0, 1.0, 9.0, 3), id="few: the extremes"),
        pytest.param(
            [5.0, 1.0, 2.0, 3.0, 100.0], Spread(3.0, 2.0, 5.0, 5), id="quartiles"
        ),
    ],
)
def test_a_summary(values, expected):
    """The median, and between which values the middle half lies."""
    assert measuring.summarize(values) == expected


def test_nothing_has_no_summary():
    """A benchmark that measured nothing is an error, not a zero."""
    with pytest.raises(ValueError, match="no values"):
        measuring.summarize([])


def test_a_ratio_is_that_of_a_round():
    """A slow round is slow for both, so the machine's load cancels out."""
    found = make_measured(ours=[2.0, 20.0, 4.0], peer=[1.0, 10.0, 1.0])
    assert found.ratios == {"peer": Spread(2.0, 2.0, 4.0, 3)}
    assert found.figures["peer"].median == 1.0
    with pytest.raises(ValueError, match="zip"):
        measuring.divide([1.0], [1.0, 2.0])


def test_the_document_can_be_read_back():
    """Through JSON, and a part of it can be measured anew."""
    first = make_measured(ours=[2.0], peer=[1.0])
    first.unavailable["Other"] = "ModuleNotFoundError: No module named 'other'"
    taken = {"at": "2026-11-30", "python": "3.11.7"}
    old = measuring.make_document(taken, {"a": first, "b": first})
    old = json.loads(json.dumps(old))
    assert set(old) == {"schema", "taken", "benchmarks"}
    assert set(old["benchmarks"]["a"]) == {
        *("unit", "figures", "ratios", "unavailable", "seconds")
    }
    assert old["benchmarks"]["a"]["ratios"]["peer"] == {
        "median": 2.0,
        "low": 2.0,
        "high": 2.0,
        "rounds": 1,
    }
    assert measuring.read_document(old) == {"a": first, "b": first}
    second = make_measured(ours=[3.0], peer=[1.0])
    new = measuring.make_document(taken, {"b": second})
    merged = measuring.merge_documents(old, new)
    assert measuring.read_document(merged) == {"a": first, "b": second}
    with pytest.raises(ValueError, match="schema 99"):
        measuring.read_document({**old, "schema": 99})


def check_one(found, kind=RATIO, name="peer", most=1.5):
    (outcome,) = goals.check({"a": found}, [Goal("a", kind, name, most, "it")])
    return outcome


def test_a_goal_that_is_missed():
    """It says by what factor."""
    outcome = check_one(make_measured(ours=[3.0], peer=[1.0]))
    assert not outcome.is_met
    assert str(outcome) == "missed by a factor of 2.00: it: 3, goal 1.5"


def test_a_goal_that_is_met():
    """Exactly met is met; a figure has its unit."""
    assert check_one(make_measured(ours=[3.0], peer=[2.0])).is_met
    outcome = check_one(make_measured(ours=[1.5]), FIGURE, "ours")
    assert outcome.is_met
    assert str(outcome) == "met: it: 1.5, goal 1.5"


def test_a_goal_that_was_not_measured():
    """It is not met, and says why."""
    found = make_measured(ours=[1.0])
    found.unavailable["peer"] = "ImportError: gone"
    outcome = check_one(found)
    assert not outcome.is_met
    assert str(outcome) == "not measured: it (ImportError: gone)"


def test_only_what_ran_is_checked():
    """Of a named subset, the goals of the others do not count."""
    assert goals.check({}) == []
    names = {goal.benchmark for goal in goals.GOALS}
    assert {"translate", "mapping", "worker", "client", "consume"} <= names
