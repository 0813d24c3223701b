"""Rules that a run must not fulfil: `score<0.7`, `error`, `cost>0.10`, `tool:delete_*`.

    rule     = subject [":" pattern] [operator value]
    operator = "<" | "<=" | ">" | ">=" | "=" | "!="

A pattern is of a shell (`*`, `?`, `[a-z]`), and is that of a name: of an evaluation, a tool,
a model, a type of error.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.apps.run_facts import RunFacts

NUMBERS: dict[str, Callable[[RunFacts], float | None]] = {
    "cost": lambda run: run.cost_usd,
    "tokens": lambda run: run.tokens,
    "duration": lambda run: run.duration_s,
    "errors": lambda run: run.errors,
    "steps": lambda run: run.steps,
    "calls": lambda run: run.llm_calls,
    "tools": lambda run: len(run.tools),
}
"""Subjects with a number; cost is in US dollars, duration in seconds."""
NAMES: dict[str, Callable[[RunFacts], tuple[str, ...]]] = {
    "tool": lambda run: run.tools,
    "model": lambda run: run.models,
    "error": lambda run: run.error_types,
}
"""Subjects with names, which a pattern selects."""
JUDGED = ("score", "label")
SUBJECTS = (*NUMBERS, *NAMES, *JUDGED)

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
MAX_EXACT = 1e15
"""Below it, whole numbers are shown with all their digits."""
_SUBJECT = re.compile(r"\s*([a-z_]*)")
_OPERATOR = re.compile("<=|>=|!=|[<>=]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?")
_COMPARED = re.compile(rf"(?:{_OPERATOR.pattern})\s*(?:{_NUMBER.pattern})\s*$")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Args:
        text: as given.
        subject: what it is about.
        pattern: which names; "*" is all.
        comparison: its operator; empty if the subject alone is the rule.
        value: a number, or for labels a text.
    """

    text: str
    subject: str
    pattern: str = "*"
    comparison: str = ""
    value: float | str = ""

    @property
    def needs_judge(self) -> bool:
        """Whether only a verdict can decide it."""
        return self.subject in JUDGED


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found in a run.

    Args:
        reason: a sentence.
        is_unknown: it could not be decided, as the figure is unknown.
    """

    rule: Rule
    reason: str
    is_unknown: bool = False


def parse_rule(text: str) -> Rule:
    """The rule that *text* states.

    Raises:
        InfiniumError: it is none; names the place, from 1, and what may stand there.
    """
    match = _SUBJECT.match(text)
    subject = match[1] if match else ""
    start = match.start(1) if match else 0
    if subject not in SUBJECTS:
        similar = get_close_matches(subject, SUBJECTS, n=1)
        cure = (
            f"did you mean {similar[0]}?"
            if similar
            else f"one of {', '.join(SUBJECTS)}"
        )
        raise _mistake(text, start, f"unknown figure {subject!r}; {cure}")
    at = start + len(subject)
    pattern = "*"
    if text[at : at + 1] == ":" and subject not in NUMBERS:
        found = _OPERATOR.search(text, at) if subject in JUDGED else None
        misplaced = _COMPARED.search(text, at)
        if misplaced and subject in NAMES:
            raise _mistake(text, misplaced.start(), f"{subject} has no number")
        end = found.start() if found else len(text)
        pattern = text[at + 1 : end].strip()
        if not pattern:
            raise _mistake(text, at + 1, "a name or a pattern is missing")
        at = end
    return _parse_comparison(text, at, subject, pattern)


def _parse_comparison(text: str, at: int, subject: str, pattern: str) -> Rule:
    at += len(text[at:]) - len(text[at:].lstrip())
    match = _OPERATOR.match(text, at)
    if match is None:
        if at < len(text):
            raise _mistake(
                text, at, f"{text[at]!r} is no comparison: <, <=, >, >=, =, !="
            )
        if subject in NAMES:
            return Rule(text, subject, pattern)
        raise _mistake(
            text, at, f"a comparison is missing, such as {subject}{_example(subject)}"
        )
    if subject in NAMES:
        raise _mistake(
            text, at, f"{subject} has no number; {subject}:NAME selects by name"
        )
    value = text[match.end() :].strip()
    start = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
    if subject == "label":
        if match[0] not in ("=", "!=") or not value:
            raise _mistake(text, at, "a label is compared by = or != with a text")
        return Rule(text, subject, pattern, match[0], value)
    if not _NUMBER.fullmatch(value):
        raise _mistake(
            text,
            start,
            f"{value!r} is not a number" if value else "a number is missing",
        )
    if math.isinf(float(value)):
        raise _mistake(text, start, f"{value!r} is too large a number")
    return Rule(text, subject, pattern, match[0], float(value))


def _example(subject: str) -> str:
    return {"label": "=failed", "score": "<0.7"}.get(subject, ">1")


def _mistake(text: str, at: int, reason: str) -> InfiniumError:
    return InfiniumError(f"rule {text!r}, character {at + 1}: {reason}")


def check_run(rules: list[Rule], run: RunFacts) -> list[Finding]:
    """What the rules find in *run*: violations, and what they could not decide."""
    return [finding for rule in rules for finding in _check(rule, run)]


def _check(rule: Rule, run: RunFacts) -> Iterator[Finding]:
    if rule.subject in NUMBERS:
        yield from _check_number(rule, NUMBERS[rule.subject](run))
    elif rule.subject in NAMES:
        yield from _check_names(rule, run)
    else:
        yield from _check_verdicts(rule, run)


def _check_number(rule: Rule, value: float | None) -> Iterator[Finding]:
    if value is None:
        yield Finding(rule, f"{rule.subject} is unknown", is_unknown=True)
    elif _compare(rule, value):
        yield Finding(rule, f"{rule.subject} is {_show(rule, value)}")


def _check_names(rule: Rule, run: RunFacts) -> Iterator[Finding]:
    found = NAMES[rule.subject](run)
    matching = dict.fromkeys(name for name in found if fnmatchcase(name, rule.pattern))
    if matching:
        yield Finding(rule, f"{rule.subject} {', '.join(matching)}")
    elif rule.subject == "error" and rule.pattern == "*" and run.errors:
        yield Finding(rule, f"{run.errors} errors in its steps")


def _check_verdicts(rule: Rule, run: RunFacts) -> Iterator[Finding]:
    named = [v for v in run.verdicts if fnmatchcase(v.name, rule.pattern)]
    if rule.subject == "score":
        scored = [(v.name, v.score) for v in named if v.score is not None]
        violating = [
            f"{name} is {_show(rule, score)}"
            for name, score in scored
            if _compare(rule, score)
        ]
    else:
        scored = [(v.name, 0.0) for v in named if v.label]
        violating = [
            f"{v.name} is {v.label}"
            for v in named
            if v.label and (v.label == rule.value) is (rule.comparison == "=")
        ]
    if not scored:
        yield Finding(rule, f"nothing gave it a {rule.subject} to check")
    for reason in violating:
        yield Finding(rule, reason)


def _show(rule: Rule, value: float) -> str:
    """*value*, rounded only as far as it still violates the rule.

    As 0.1, a cost of 0.10000001 would seem to pass `cost>0.1`.
    """
    if float(value).is_integer() and abs(value) < MAX_EXACT:
        return f"{int(value):,}"
    rounded = f"{value:,.6g}"
    violates = _compare(rule, float(rounded.replace(",", "")))
    return rounded if violates else f"{value:,}"


def _compare(rule: Rule, value: float) -> bool:
    return COMPARISONS[rule.comparison](value, float(rule.value))
