"""What other gates and comparisons got wrong, tried on ours."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from infinium_otel.apps.check import report
from infinium_otel.apps.check.rules import check_run, parse_rule
from infinium_otel.apps.compare.figures import compare_runs
from infinium_otel.apps.run_facts import RunFacts, Verdict, read_facts
from support.runs import run as make_task


def make_run(name="n", *verdicts, cost=None):
    return RunFacts(
        id="", name=name, agent="a", duration_s=1.0, steps=1, llm_calls=1, tokens=None,
        cost_usd=cost, errors=0, verdicts=verdicts,
    )  # fmt: skip


def test_a_score_that_is_missing_does_not_pass():
    """A gate on an evaluator that did not run, or had another name, is closed.

    Source: Kastalien-Research/thoughtbox#417, jentic/jentic-api-scorecard#142.
    """
    rule = parse_rule("score:quality<0.7")
    for run in (make_run(), make_run("n", Verdict("other", 1.0))):
        (finding,) = check_run([rule], run)
        assert not finding.is_unknown


@pytest.mark.parametrize(
    "score",
    [math.nan, math.inf, 10**400, "0.8oops", None],
    ids=["nan", "infinite", "huge", "text", "none"],
)
def test_what_is_no_score_does_not_pass(score):
    """Neither is it compared, for nothing is less than NaN, nor does it open the gate.

    Source: google/adk-python#1281, promptfoo/promptfoo#10438.
    """
    evaluations = [{"name": "quality", "score": score}]
    task = make_task(steps=[{"metadata": {"evaluations": evaluations}}])
    facts = read_facts(task)
    assert [each.score for each in facts.verdicts] == [None]
    (finding,) = check_run([parse_rule("score<0.7")], facts)
    assert finding.reason == "nothing gave it a score to check"


@pytest.mark.parametrize(
    ("tag", "score", "label"),
    [
        pytest.param("nan", None, "nan", id="nan"),
        pytest.param("-inf (bad)", None, "-inf (bad)", id="infinite"),
        pytest.param("1e999", None, "1e999", id="too-large"),
        pytest.param("1_0", None, "1_0", id="underscore"),
        pytest.param("0.8oops", None, "0.8oops", id="trailing"),
        pytest.param("-0.5 (bad)", -0.5, "bad", id="negative"),
        pytest.param("1e-3", 0.001, None, id="exponent"),
    ],
)
def test_scores_in_tags(tag, score, label):
    """A whole, finite number is a score; anything else is a label.

    Source: google/adk-python#1281, promptfoo/promptfoo#10438.
    """
    (found,) = read_facts(
        make_task(environment={"custom_tags": {"evaluation.quality": tag}})
    ).verdicts
    assert (found.score, found.label) == (score, label)


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        pytest.param("score<=0", True, id="score"),
        pytest.param("score<0", False, id="not-below"),
        pytest.param("errors>0", False, id="no-errors"),
        pytest.param("cost>0", False, id="free"),
        pytest.param("cost=0", True, id="free-is-a-cost"),
    ],
)
def test_a_threshold_of_zero(text, fails):
    """Zero is a number like others.

    Source: promptfoo/promptfoo#5581, promptfoo/promptfoo#9736.
    """
    found = check_run([parse_rule(text)], make_run("n", Verdict("s", 0.0), cost=0.0))
    assert bool(found) is fails


def test_each_run_is_checked_not_their_mean():
    """One run below the threshold fails, however good the others are.

    Source: EntityProcess/agentv#882.
    """
    rule = parse_rule("score<0.8")
    scores = (1.0, 1.0, 0.7)
    found = [check_run([rule], make_run("n", Verdict("s", score))) for score in scores]
    assert [bool(each) for each in found] == [False, False, True]


def test_a_score_at_the_threshold_passes():
    """`score<0.8` is about less, not about as much.

    Source: EntityProcess/agentv#87.
    """
    rule = parse_rule("score<0.8")
    assert check_run([rule], make_run("n", Verdict("s", 0.8))) == []
    assert check_run([rule], make_run("n", Verdict("s", 0.72)))


def test_a_score_of_zero_is_a_score():
    """It is compared and shown.

    Source: Arize-ai/phoenix#7367.
    """
    run = make_run("n", Verdict("s", 0.0))
    (finding,) = check_run([parse_rule("score<0.5")], run)
    assert finding.reason == "s is 0"
    checked = report.CheckedRun(run, (finding,), (finding,))
    assert "verdict s: 0\n" in report.to_text([checked])


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x1b[31mred", "\ufffe", "\ud83d alone", '<&]]>"']
)
def test_junit_is_always_xml(text):
    """Whatever characters a run's texts have.

    Source: promptfoo/promptfoo#10994, apache/maven-surefire#1113, DataDog/datadog-ci#2477
    (the report of the whole batch was dropped, and the exit code was 0).
    """
    run = make_run(text, Verdict(text, 0.0, text, text))
    (finding,) = check_run([parse_rule("score<1")], run)
    xml = report.to_junit([report.CheckedRun(run, (finding,), (finding,))], text)
    suite = ET.fromstring(xml.encode("utf-8"))[0]
    assert suite.get("failures") == "1"


def test_three_trials_show_nothing():
    """However large the difference of the medians.

    Source: fullsend-ai/fullsend#2460.
    """
    first = [make_run("n", Verdict("s", score)) for score in (1, 2, 3)]
    second = [make_run("n", Verdict("s", score)) for score in (30, 40, 50)]
    rows = compare_runs(first, second).rows
    assert {row.conclusion for row in rows} <= {"too few runs", "unknown"}


def test_many_figures_are_no_many_chances():
    """Noise in thirty scores is not reported as a change.

    Source: Adit-Jain-srm/NightmareNet#66, which asks for such a correction.
    """

    def make_set(shift):
        return [
            make_run(
                "n",
                *(
                    Verdict(f"s{k}", (n * 7 + k * 3 + shift * k) % 11)
                    for k in range(30)
                ),
            )
            for n in range(8)
        ]

    rows = compare_runs(make_set(0), make_set(1)).rows
    assert not [row for row in rows if row.conclusion in ("higher", "lower")]


def test_labels_without_scores():
    """They are counted, and no figure is made of them.

    Source: Arize-ai/phoenix#9118.
    """
    runs = [make_run("n", Verdict("tone", None, "good"))]
    compared = compare_runs(runs, runs)
    assert compared.labels["tone"][0] == {"good": 1}
    assert not [row for row in compared.rows if "tone" in row.name]
