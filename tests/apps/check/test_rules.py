"""Rules: what they state, what they find, and where they cannot be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infinium_otel.apps.check.rules import Rule, check_run, parse_rule
from infinium_otel.apps.run_facts import RunFacts, Verdict
from infinium_otel.errors import InfiniumError

RUN = RunFacts(
    id="", name="n", agent="a", duration_s=12.5, steps=4, llm_calls=2, tokens=900,
    cost_usd=None, errors=1, error_types=("TimeoutError",),
    tools=("search", "delete_file", "search"), models=("gpt-4o",),
    verdicts=(Verdict("Tone", 3.0, "poor"), Verdict("goal.met", 1.0), Verdict("x")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("score<0.7", Rule("score<0.7", "score", "*", "<", 0.7), id="score"),
        pytest.param("score:Tone <= 3", Rule("score:Tone <= 3", "score", "Tone", "<=", 3.0),
                     id="score-by-name"),
        pytest.param(" cost > 1e-3 ", Rule(" cost > 1e-3 ", "cost", "*", ">", 0.001),
                     id="spaces"),
        pytest.param("label:goal.*!=met", Rule("label:goal.*!=met", "label", "goal.*", "!=", "met"),
                     id="label"),
        pytest.param("error", Rule("error", "error"), id="error"),
        pytest.param("tool:delete_*", Rule("tool:delete_*", "tool", "delete_*"), id="tool"),
    ],
)  # fmt: skip
def test_a_rule(text, rule):
    """A subject, a pattern and a comparison."""
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        pytest.param("scor<0.7", 1, "did you mean score?", id="misspelled"),
        pytest.param("", 1, "one of cost, tokens", id="empty"),
        pytest.param("  <3", 3, "unknown figure ''", id="no-subject"),
        pytest.param(
            "score", 6, "a comparison is missing, such as score<0.7", id="bare"
        ),
        pytest.param("cost", 5, "such as cost>1", id="bare-cost"),
        pytest.param("cost>", 6, "a number is missing", id="no-number"),
        pytest.param("cost>ten", 6, "'ten' is not a number", id="a-word"),
        pytest.param("cost>1 or error", 6, "is not a number", id="two-rules"),
        pytest.param("cost~1", 5, "'~' is no comparison", id="another-operator"),
        pytest.param("cost:x>1", 5, "':' is no comparison", id="a-figure-with-a-name"),
        pytest.param("score:<1", 7, "a name or a pattern is missing", id="no-pattern"),
        pytest.param("tool:", 6, "a name or a pattern is missing", id="no-tool"),
        pytest.param(
            "tool>3", 5, "tool:NAME selects by name", id="a-tool-has-no-number"
        ),
        pytest.param("label<1", 6, "compared by = or !=", id="a-label-is-no-number"),
        pytest.param("score<nan", 7, "'nan' is not a number", id="nan"),
        pytest.param("score<1e999", 7, "too large a number", id="infinite"),
        pytest.param("tool:a>3", 7, "tool has no number", id="a-name-compared"),
    ],
)
def test_what_is_no_rule(text, place, reason):
    """The place, from 1, and what may stand there."""
    with pytest.raises(InfiniumError, match=f"character {place}: ") as caught:
        parse_rule(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        pytest.param("duration>12", ["duration is 12.5"], id="number"),
        pytest.param("duration>12.5", [], id="not-over"),
        pytest.param("cost>0.1", ["cost is unknown"], id="unknown"),
        pytest.param("tools>=3", ["tools is 3"], id="tool-calls"),
        pytest.param("tool:delete_*", ["tool delete_file"], id="a-tool"),
        pytest.param("tool:write_*", [], id="another-tool"),
        pytest.param("model:gpt-*", ["model gpt-4o"], id="a-model"),
        pytest.param("error", ["error TimeoutError"], id="an-error"),
        pytest.param("error:Key*", [], id="another-error"),
        pytest.param("score<4", ["Tone is 3", "goal.met is 1"], id="any-score"),
        pytest.param("score:Tone<4", ["Tone is 3"], id="one-score"),
        pytest.param(
            "score:none<4", ["nothing gave it a score to check"], id="no-score"
        ),
        pytest.param("label=poor", ["Tone is poor"], id="label"),
        pytest.param("label:Tone!=good", ["Tone is poor"], id="not-the-label"),
        pytest.param(
            "label:x=poor", ["nothing gave it a label to check"], id="no-label"
        ),
    ],
)
def test_what_a_rule_finds(text, reasons):
    """Each violation with its figure; a missing verdict is one, an unknown figure is not."""
    findings = check_run([parse_rule(text)], RUN)
    assert [finding.reason for finding in findings] == reasons
    assert [f for f in findings if f.is_unknown] == (
        findings if text == "cost>0.1" else []
    )


@pytest.mark.parametrize(
    ("rule", "changes", "reason"),
    [
        pytest.param("tokens>1000000", {"tokens": 1_234_567}, "tokens is 1,234,567",
                     id="all-digits"),
        pytest.param("cost>0.1", {"cost_usd": 0.10000001}, "cost is 0.10000001",
                     id="not-rounded-to-the-limit"),
        pytest.param("duration>30", {"duration_s": 31.234567891}, "duration is 31.2346",
                     id="rounded"),
        pytest.param("tokens>1", {"tokens": 2**70}, "tokens is 1.18059e+21", id="huge"),
    ],
)  # fmt: skip
def test_a_figure_as_it_is_shown(rule, changes, reason):
    """With the digits that show why the rule holds."""
    (finding,) = check_run([parse_rule(rule)], replace(RUN, **changes))
    assert finding.reason == reason
