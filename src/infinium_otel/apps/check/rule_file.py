"""A file of rules, one a line, and what they find in a run as evaluations.

Blank lines are passed over; a comment begins with `#`, at the start of a line or after a
space.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.check.rules import Rule, check_run, parse_rule
from infinium_otel.apps.text_files import read_small_text
from infinium_otel.delivery.verdicts.reading import MAX_EVALUATIONS, MAX_NAME_LENGTH
from infinium_otel.errors import ConfigurationError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infinium_otel.apps.run_facts import RunFacts

MAX_RULES = MAX_EVALUATIONS
"""As many as evaluations are read of one result."""
MAX_LENGTH = MAX_NAME_LENGTH
"""Characters of a rule, which names its evaluation."""
MAX_REASON = 500
MAX_MISTAKES = 10
PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"

_COMMENT = re.compile(r"(^|\s)#.*")


def read_rules(path: str) -> tuple[Rule, ...]:
    """The rules in the file at *path*, at most `MAX_RULES`.

    Raises:
        ConfigurationError: lists the mistakes, each with its line and its character, both
            from 1; or there is no rule, or there are too many; or it is no text, or
            over 1 MiB.
        OSError: the file cannot be read.
    """
    text = read_small_text(path)
    rules: dict[str, Rule] = {}
    mistakes = []
    for number, line in enumerate(text.splitlines(), 1):
        stated = _COMMENT.sub("", line).rstrip()
        if not stated.strip():
            continue
        try:
            rule = _parse_line(stated)
        except InfiniumError as error:
            mistakes.append(f"{path}, line {number}: {error}")
            continue
        rules.setdefault(rule.text, rule)
    if mistakes:
        more = len(mistakes) - MAX_MISTAKES
        shown = [*mistakes[:MAX_MISTAKES], *([f"and {more} more"] if more > 0 else [])]
        raise ConfigurationError(shown)
    if not rules:
        raise ConfigurationError([f"{path}: contains no rule; write one a line"])
    if len(rules) > MAX_RULES:
        raise ConfigurationError(
            [f"{path}: {len(rules)} rules; at most {MAX_RULES} are checked"]
        )
    return tuple(rules.values())


def _parse_line(stated: str) -> Rule:
    """The rule in a line; the place in a mistake is that in the line, spaces included."""
    rule = parse_rule(stated)
    text = stated.strip()
    if len(text) > MAX_LENGTH:
        raise InfiniumError(f"character {MAX_LENGTH + 1}: the rule is too long")
    return Rule(text, rule.subject, rule.pattern, rule.comparison, rule.value)


def evaluate(rules: Sequence[Rule], run: RunFacts) -> dict[str, dict[str, Any]]:
    """What *rules* find in *run*, in the form of an interpreted result.

    Returns:
        By the text of each rule: `score`, true if the run passed and absent if that is not
        known, `label`, one of "passed", "failed" and "unknown", and `explanation`.
    """
    return {rule.text: dict(_evaluate(rule, run)) for rule in rules}


def _evaluate(rule: Rule, run: RunFacts) -> Iterator[tuple[str, Any]]:
    findings = check_run([rule], run)
    violations = [f.reason for f in findings if not f.is_unknown]
    if not violations and findings:
        yield "label", UNKNOWN
    else:
        yield "score", not violations
        yield "label", FAILED if violations else PASSED
    if findings:
        reasons = violations or [finding.reason for finding in findings]
        yield "explanation", "; ".join(reasons)[:MAX_REASON]
