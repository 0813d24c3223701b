"""The checked runs: as a tree in a terminal, as JUnit's XML, as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

from infinium_otel.apps.compare.report import escape, shorten, show_number
from infinium_otel.apps.serve.task_row import as_mapping, as_objects, as_text
from infinium_otel.taskdata.tree_text import format_cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infinium_otel.apps.check.rules import Finding
    from infinium_otel.apps.run_facts import RunFacts, Verdict

MAX_STEPS = 50
MAX_TEXT = 200
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain."""


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """A run, and what the rules found in it.

    Args:
        facts: of the run, with its verdicts.
        findings: of all rules.
        failures: those of them that fail the check.
    """

    facts: RunFacts
    findings: tuple[Finding, ...]
    failures: tuple[Finding, ...]


def to_text(runs: Sequence[CheckedRun]) -> str:
    """Each run with its steps, verdicts and findings."""
    return "".join(f"{line}\n" for run in runs for line in _describe_run(run))


def _describe_run(run: CheckedRun) -> Iterator[str]:
    facts = run.facts
    yield f"{'FAIL' if run.failures else 'pass'}  {shorten(facts.name)}  ({describe(facts)})"
    steps = as_objects(facts.task.get("steps"))
    depths = _get_depths(steps)
    for step, depth in list(zip(steps, depths, strict=True))[:MAX_STEPS]:
        yield f"      {'  ' * depth}- {_describe_step(step)}"
    if len(steps) > MAX_STEPS:
        yield f"      ... {len(steps) - MAX_STEPS} more steps"
    for verdict in facts.verdicts:
        yield f"      verdict {_describe_verdict(verdict)}"
    for finding in run.findings:
        word = "fails" if finding in run.failures else "not decided:"
        yield f"      {word} {finding.rule.text}: {shorten(finding.reason, MAX_TEXT)}"


def describe(facts: RunFacts) -> str:
    """The figures of a run, in a line."""
    parts = [f"{show_number(facts.duration_s)} s", _pluralize(facts.steps, "step")]
    if facts.tokens is not None:
        parts.append(_pluralize(facts.tokens, "token"))
    if facts.cost_usd is not None:
        parts.append(f"{format_cost(facts.cost_usd, sign='')} USD")
    if facts.errors:
        parts.append(_pluralize(facts.errors, "error"))
    return ", ".join(parts)


def _pluralize(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'s' * (amount != 1)}"


def _get_depths(steps: Sequence[Mapping[str, Any]]) -> list[int]:
    """How many of a step's ancestors are steps."""
    metas = [as_mapping(step.get("metadata")) for step in steps]
    depths: dict[str, int] = {}
    found: list[int] = []
    for meta in metas:
        depth = depths.get(as_text(meta.get("otel.parent_span_id")), -1) + 1
        depths[as_text(meta.get("otel.span_id")) or str(len(found))] = depth
        found.append(min(depth, 10))
    return found


def _describe_step(step: Mapping[str, Any]) -> str:
    line = shorten(as_text(step.get("description")), 100)
    took = step.get("duration_ms")
    line += f"  {took:,} ms" if isinstance(took, int) else ""
    error = as_mapping(step.get("error"))
    if not error:
        return line
    kind, message = as_text(error.get("error_type")), as_text(error.get("message"))
    return f"{line}  ERROR {shorten(kind)}: {shorten(message, 100)}"


def _describe_verdict(verdict: Verdict) -> str:
    score = None if verdict.score is None else show_number(verdict.score)
    parts = [p for p in (score, verdict.label and f"({shorten(verdict.label)})") if p]
    if verdict.explanation:
        parts.append(f"- {shorten(verdict.explanation, MAX_TEXT)}")
    return f"{shorten(verdict.name)}: {' '.join(parts)}"


def to_junit(runs: Sequence[CheckedRun], name: str) -> str:
    """One test case per run, in the XML that CI systems read.

    Args:
        runs: in order.
        name: of the test suite.

    Source: the format of the Apache Ant task, as junit-xml schemas describe it.
    """
    failed = sum(bool(run.failures) for run in runs)
    total_s = sum(run.facts.duration_s for run in runs)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites><testsuite name={_quote(name)} tests="{len(runs)}" '
        f'failures="{failed}" errors="0" skipped="0" time="{total_s:.3f}">',
    ]
    for number, run in enumerate(runs, 1):
        lines += _to_test_case(run, number)
    return "\n".join([*lines, "</testsuite></testsuites>"]) + "\n"


def _to_test_case(run: CheckedRun, number: int) -> Iterator[str]:
    facts = run.facts
    yield (
        f"<testcase classname={_quote(facts.agent or 'run')} "
        f'name={_quote(f"{facts.name} #{number}")} time="{facts.duration_s:.3f}">'
    )
    if run.failures:
        first = run.failures[0]
        text = "\n".join(f"{f.rule.text}: {f.reason}" for f in run.failures)
        message = _quote(f"{first.rule.text}: {first.reason}")
        yield f"<failure message={message}>{_escape(text)}</failure>"
    yield f"<system-out>{_escape(to_text([run]))}</system-out>"
    yield "</testcase>"


def _escape(text: str) -> str:
    return escape_xml(_NO_XML.sub("\ufffd", text))


def _quote(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))


def to_markdown(runs: Sequence[CheckedRun]) -> str:
    """A table of the runs, for a pull request."""
    failed = sum(bool(run.failures) for run in runs)
    lines = [
        f"**{len(runs)} run{'s' * (len(runs) != 1)}, {failed} failed**",
        "",
        "| | run | figures | verdicts | found |",
        "| --- | --- | --- | --- | --- |",
    ]
    for run in runs:
        cells = (
            "fail" if run.failures else "pass",
            escape(shorten(run.facts.name)),
            escape(describe(run.facts)),
            "<br>".join(escape(_describe_verdict(v)) for v in run.facts.verdicts),
            "<br>".join(
                escape(f"{f.rule.text}: {shorten(f.reason, MAX_TEXT)}")
                for f in run.findings
            ),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
