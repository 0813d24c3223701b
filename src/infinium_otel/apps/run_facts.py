"""What is counted of a run, to compare it with others or to check it by rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.task_row import (
    as_mapping,
    as_objects,
    as_text,
    clean,
    to_task_row,
)
from infinium_otel.delivery.verdicts.reading import to_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.records import Evaluation

TAG = "evaluation."
_NUMBER = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,4})?", re.IGNORECASE)
"""Not all that Python reads as a number: `nan` and `1_0` are labels."""
PROMPT = "prompt."
MAX_SCORES = 50
"""Evaluations of a run that are kept, by name."""
MAX_PROMPTS = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One evaluation of a run.

    Args:
        score: a number; whether it passed is 1 or 0. None if there is only a label.
        label: the result in words; None if there is only a score.
    """

    name: str
    score: float | None = None
    label: str | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run; None is unknown, never zero.

    Args:
        id: its OpenTelemetry trace id, else empty.
        errors: errors of the run and of its steps.
        error_types: the type of each error of the run.
        tools: the name of each tool call, in order.
        models: every model that was called, each once.
        prompts: each prompt of a store that it used, by name, with its versions.
        verdicts: the evaluations recorded in its telemetry, and the judge's if fetched.
        task: the JSON of its task.
    """

    id: str
    name: str
    agent: str
    duration_s: float
    steps: int
    llm_calls: int
    tokens: int | None
    cost_usd: float | None
    errors: int
    error_types: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    task: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_facts(task: Mapping[str, Any]) -> RunFacts:
    """The facts of *task*, a JSON object that passed the checks of the API."""
    row = to_task_row(task, "")
    steps = as_objects(task.get("steps"))
    calls = [as_mapping(step.get("tool_call")) for step in steps]
    names = (clean(as_text(call.get("tool_name"))) for call in calls if call)
    return RunFacts(
        id=row.otel_trace_id or "",
        name=row.name,
        agent=row.agent,
        duration_s=row.duration_s,
        steps=row.steps,
        llm_calls=row.llm_calls,
        tokens=row.total_tokens,
        cost_usd=row.cost_usd,
        errors=row.errors,
        error_types=tuple(
            clean(as_text(error.get("error_type"))) or "error"
            for error in as_objects(task.get("errors"))
        ),
        tools=tuple(name for name in names if name),
        models=row.models,
        prompts=tuple(_iter_prompts(task))[:MAX_PROMPTS],
        verdicts=tuple(_iter_verdicts(task, steps))[:MAX_SCORES],
        task=task,
    )


def add_verdicts(facts: RunFacts, evaluations: Iterable[Evaluation]) -> RunFacts:
    """*facts* with further evaluations, such as those of an interpretation."""
    more = (
        Verdict(
            each.name,
            None if each.score is None else float(each.score),
            each.label,
            each.explanation,
        )
        for each in evaluations
    )
    return replace(facts, verdicts=(*facts.verdicts, *more))


def _iter_prompts(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tags = as_mapping(as_mapping(task.get("environment")).get("custom_tags"))
    for tag, versions in tags.items():
        if tag.startswith(PROMPT):
            yield clean(tag.removeprefix(PROMPT)), clean(as_text(versions))


def _iter_verdicts(
    task: Mapping[str, Any], steps: list[Mapping[str, Any]]
) -> Iterator[Verdict]:
    """Those of the steps, and those that only the run as a whole has."""
    named = set()
    for step in steps:
        for each in as_objects(as_mapping(step.get("metadata")).get("evaluations")):
            name = clean(as_text(each.get("name"))) or "evaluation"
            named.add(name)
            score = to_score(each.get("score"))
            yield Verdict(
                name,
                None if score is None else float(score),
                as_text(each.get("label")) or None,
                as_text(each.get("explanation")) or None,
            )
    tags = as_mapping(as_mapping(task.get("environment")).get("custom_tags"))
    for tag, value in tags.items():
        name = tag.removeprefix(TAG)
        if name != tag and name not in named:
            yield _parse_tag(clean(name), clean(as_text(value)))


def _parse_tag(name: str, value: str) -> Verdict:
    """The first of the results in a tag: `0.25 (poor)`, `true`, `good`."""
    first = value.split(", ", maxsplit=1)[0]
    head, _, tail = first.partition(" (")
    label = tail.removesuffix(")") or None
    if head in ("true", "false"):
        return Verdict(name, float(head == "true"), label)
    score = to_score(float(head)) if _NUMBER.fullmatch(head) else None
    if score is None:
        return Verdict(name, None, first or None)
    return Verdict(name, score, label)
