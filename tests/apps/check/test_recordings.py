"""`infinium-otel check` on recorded runs: its text, JUnit's XML and Markdown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from infinium_otel.apps.check import report
from infinium_otel.apps.check.rules import check_run, parse_rule
from infinium_otel.apps.run_facts import Verdict
from infinium_otel.apps.run_sets import load_runs
from support.corpus import recording

GOLDEN = Path(__file__).parent / "golden"
RECORDINGS = (
    "openai-v2/error_429",
    "openai-v2/tool_loop",
    "genai-langchain/tool_loop",
    "openinference-openai/tool_loop",
)
RULES = (
    "error",
    "error:RateLimit*",
    "tokens>1000",
    "cost>0.10",
    "tool:delete_*",
    "model:*-preview",
    "steps>3",
    "score:Tone<0.6",
    "label:Tone=poor",
)
VERDICTS = (
    Verdict("Tone", 0.95, "good", "As <b>expected</b> | all of it."),
    Verdict("Tone", 0.9),
    Verdict("Tone", 0.5, "poor", "Too short."),
    Verdict("Tone", 0.8, "good"),
)


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """The runs of the recordings with a verdict each, checked.

    Their costs are unknown, because prices change.
    """
    runs = []
    for name in RECORDINGS:
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        recording(name).write(folder)
        runs += load_runs(str(folder), "")
    rules = [parse_rule(text) for text in RULES]
    found = []
    for run, verdict in zip(runs, VERDICTS, strict=True):
        facts = replace(run, cost_usd=None, verdicts=(verdict,))
        findings = tuple(check_run(rules, facts))
        failures = tuple(each for each in findings if not each.is_unknown)
        found.append(report.CheckedRun(facts, findings, failures))
    return found


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(report.to_text, id="text"),
        pytest.param(lambda runs: report.to_junit(runs, "pytest tests"), id="junit"),
        pytest.param(report.to_markdown, id="markdown"),
    ],
)
def test_recorded_runs(golden, checked, write, request):
    """What is printed and written for them stays as it is."""
    form = request.node.callspec.id
    golden.check(write(checked).splitlines(), GOLDEN / f"recordings.{form}.json")


def test_the_forms_agree(checked):
    """The text, the XML and the table have the same runs, and the same failures."""
    failed = sum(bool(each.failures) for each in checked)
    suite = ET.fromstring(report.to_junit(checked, "n"))[0]
    assert (suite.get("tests"), suite.get("failures")) == (
        f"{len(checked)}",
        f"{failed}",
    )
    text = f"\n{report.to_text(checked)}"
    assert (text.count("\nFAIL "), text.count("\npass ")) == (failed, 4 - failed)
    table = report.to_markdown(checked).splitlines()
    assert table[0] == f"**{len(checked)} runs, {failed} failed**"
    assert len(table) == 4 + len(checked)
