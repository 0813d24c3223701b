"""A file of rules: what it may contain, where it cannot be read, and what it finds."""

from __future__ import annotations

import re

import pytest

from infinium_otel.apps.check import rule_file
from infinium_otel.apps.check.rule_file import evaluate, read_rules
from infinium_otel.apps.run_facts import RunFacts, Verdict
from infinium_otel.delivery.verdicts import read_verdict
from infinium_otel.delivery.verdicts.reading import LOCAL
from infinium_otel.errors import ConfigurationError
from infinium_otel.records import Evaluation

RUN = RunFacts(
    id="", name="n", agent="a", duration_s=12.5, steps=4, llm_calls=2, tokens=900,
    cost_usd=None, errors=0, tools=("search", "delete_file"),
    verdicts=(Verdict("Tone", 3.0, "poor"),),
)  # fmt: skip


def write(tmp_path, content):
    path = tmp_path / "rules.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_rules_and_comments(tmp_path):
    """One a line; blank lines, comments and repetitions are passed over."""
    text = "\ufeff# ours\r\n\r\n  cost>0.10   # a run\ntool:delete_*\t#no\n tool:c#*\ncost>0.10\n"
    found = read_rules(write(tmp_path, text))
    assert [rule.text for rule in found] == ["cost>0.10", "tool:delete_*", "tool:c#*"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("error\ncots>1\n\n  tokens>x", "line 2: rule 'cots>1', character 1: "
                     "unknown figure 'cots'; did you mean cost?", id="misspelled"),
        pytest.param("  tokens>x", "line 1: rule '  tokens>x', character 10: 'x' is not",
                     id="the-place-counts-spaces"),
        pytest.param("a\nb", "line 1: .*; .*line 2: ", id="every-mistake"),
        pytest.param("x\n" * 12, "line 10: .*; and 2 more$", id="many-mistakes"),
        pytest.param("tool:search>3", "character 12: tool has no number", id="tools-by-name"),
        pytest.param("tool:" + "x" * 116, "line 1: character 121: the rule is too long",
                     id="too-long"),
        pytest.param("# nothing\n", "contains no rule", id="empty"),
        pytest.param(b"error\n\xff", "byte 7: not UTF-8", id="not-a-text"),
        pytest.param("\n".join(f"cost>{n}" for n in range(51)), "51 rules; at most 50", id="too-many"),
    ],
)  # fmt: skip
def test_what_is_no_rule(tmp_path, content, message):
    """The file, the line and the character are named; all mistakes at once."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_rules(write(tmp_path, content))
    assert "rules.txt" in str(caught.value)


def test_what_is_found_is_a_verdict(tmp_path):
    """Each rule is an evaluation: passed is true, and what is unknown has no score."""
    text = "duration>12\ntool:write_*\ncost>0.1\nscore:Tone<2\nlabel=good"
    found = evaluate(read_rules(write(tmp_path, text)), RUN)
    assert read_verdict({"source": LOCAL, "rules": found}) == (
        Evaluation("duration>12", False, "failed", "duration is 12.5"),
        Evaluation("tool:write_*", True, "passed"),
        Evaluation("cost>0.1", None, "unknown", "cost is unknown"),
        Evaluation("score:Tone<2", True, "passed"),
        Evaluation("label=good", True, "passed"),
    )


def test_as_many_rules_as_can_be_read(tmp_path):
    """All of a full file of rules come back as evaluations, by their own texts."""
    text = "\n".join(f"tool:{'x' * 110}{number:03}" for number in range(50))
    rules = read_rules(write(tmp_path, text))
    found = read_verdict({"source": LOCAL, "rules": evaluate(rules, RUN)})
    assert [each.name for each in found] == text.splitlines()
    assert len(found) == rule_file.MAX_RULES
    assert not re.search("…", "".join(each.name for each in found))
