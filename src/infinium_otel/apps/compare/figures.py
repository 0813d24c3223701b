"""The figures of two sets of runs, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.compare.statistics import (
    SIGNIFICANT,
    Spread,
    compute_p,
    correct,
    summarize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.apps.run_facts import RunFacts

MAX_TOOLS = 20
MAX_NAMES = 20
"""Tools and evaluations compared, those of most runs first."""

FIGURES: dict[str, Callable[[RunFacts], float | None]] = {
    "cost, USD": lambda run: run.cost_usd,
    "tokens": lambda run: run.tokens,
    "duration, s": lambda run: run.duration_s,
    "errors": lambda run: run.errors,
    "steps": lambda run: run.steps,
    "model calls": lambda run: run.llm_calls,
    "tool calls": lambda run: len(run.tools),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both sets.

    Args:
        first: of the first set; None if it is unknown in all its runs.
        second: of the second set.
        p: the corrected p-value; None if it could not be tested.
    """

    name: str
    first: Spread | None
    second: Spread | None
    p: float | None = None

    @property
    def change(self) -> float | None:
        """The second median less the first; None if one is unknown."""
        if self.first is None or self.second is None:
            return None
        return self.second.median - self.first.median

    @property
    def conclusion(self) -> str:
        """What the difference means, in one to three words."""
        if self.first is None or self.second is None:
            return "unknown" if self.first is self.second else "only in one set"
        if self.p is None:
            return "too few runs"
        if self.p >= SIGNIFICANT:
            return "no difference shown"
        change = self.change or 0.0
        return (
            "higher"
            if change > 0
            else "lower"
            if change < 0
            else "distributed otherwise"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of runs, compared.

    Args:
        runs: how many runs each set has.
        rows: the figures, those of tools and evaluations last.
        labels: how often each label of an evaluation is in each set, by its name.
        errors: how many errors of each type each set has.
        models: the models of each set.
        prompts: in how many runs of each set a prompt had which versions, by its name.
    """

    runs: tuple[int, int]
    rows: tuple[Row, ...]
    labels: dict[str, tuple[Counter[str], Counter[str]]]
    errors: dict[str, tuple[int, int]]
    models: tuple[tuple[str, ...], tuple[str, ...]]
    prompts: dict[str, tuple[Counter[str], Counter[str]]]


def compare_runs(first: Sequence[RunFacts], second: Sequence[RunFacts]) -> Comparison:
    """Compare two sets, each of at least one run."""
    named = {**FIGURES, **_list_more(first, second)}
    rows = [_make_row(name, get, first, second) for name, get in named.items()]
    corrected = correct([p for _, p in rows])
    return Comparison(
        (len(first), len(second)),
        tuple(replace(row, p=p) for (row, _), p in zip(rows, corrected, strict=True)),
        _count_labels(first, second),
        _count_errors(first, second),
        (_list_models(first), _list_models(second)),
        _count_versions(first, second),
    )


def _make_row(
    name: str,
    get: Callable[[RunFacts], float | None],
    first: Sequence[RunFacts],
    second: Sequence[RunFacts],
) -> tuple[Row, float | None]:
    a = [float(value) for run in first if (value := get(run)) is not None]
    b = [float(value) for run in second if (value := get(run)) is not None]
    row = Row(name, summarize(a) if a else None, summarize(b) if b else None)
    return row, compute_p(a, b) if a and b else None


def _list_more(
    *sets: Sequence[RunFacts],
) -> dict[str, Callable[[RunFacts], float | None]]:
    """The calls of each tool and the score of each evaluation, by its name."""
    runs = [run for each in sets for run in each]
    tools = Counter(name for run in runs for name in set(run.tools))
    scores = Counter(
        name
        for run in runs
        for name in {v.name for v in run.verdicts if v.score is not None}
    )
    found: dict[str, Callable[[RunFacts], float | None]] = {}
    for name in _get_most(scores, MAX_NAMES):
        found[f"score {name}"] = lambda run, name=name: _get_score(run, name)  # type: ignore[misc]  # the default binds the name
    for name in _get_most(tools, MAX_TOOLS):
        found[f"calls of {name}"] = lambda run, name=name: run.tools.count(name)  # type: ignore[misc]  # as above
    return found


def _get_most(counts: Counter[str], most: int) -> list[str]:
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:most])


def _get_score(run: RunFacts, name: str) -> float | None:
    """The mean of a run's scores of that name."""
    scores = [v.score for v in run.verdicts if v.name == name and v.score is not None]
    return sum(scores) / len(scores) if scores else None


def _count_labels(
    *sets: Sequence[RunFacts],
) -> dict[str, tuple[Counter[str], Counter[str]]]:
    counts: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for index, runs in enumerate(sets):
        for run in runs:
            for each in run.verdicts:
                if each.label:
                    pair = counts.setdefault(each.name, (Counter(), Counter()))
                    pair[index][each.label] += 1
    return dict(sorted(counts.items())[:MAX_NAMES])


def _count_errors(*sets: Sequence[RunFacts]) -> dict[str, tuple[int, int]]:
    a, b = (Counter(kind for run in runs for kind in run.error_types) for runs in sets)
    return {kind: (a[kind], b[kind]) for kind in sorted({*a, *b})[:MAX_NAMES]}


def _count_versions(
    *sets: Sequence[RunFacts],
) -> dict[str, tuple[Counter[str], Counter[str]]]:
    counts: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for index, runs in enumerate(sets):
        for run in runs:
            for name, versions in run.prompts:
                pair = counts.setdefault(name, (Counter(), Counter()))
                pair[index][versions] += 1
    return dict(sorted(counts.items())[:MAX_NAMES])


def _list_models(runs: Iterable[RunFacts]) -> tuple[str, ...]:
    return tuple(sorted({model for run in runs for model in run.models}))


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as a JSON object."""
    return {
        "runs": list(comparison.runs),
        "figures": [
            {**asdict(row), "change": row.change, "conclusion": row.conclusion}
            for row in comparison.rows
        ],
        "labels": _counts_to_json(comparison.labels),
        "errors": {kind: list(pair) for kind, pair in comparison.errors.items()},
        "models": [list(each) for each in comparison.models],
        "prompts": _counts_to_json(comparison.prompts),
    }


def _counts_to_json(
    counts: dict[str, tuple[Counter[str], Counter[str]]],
) -> dict[str, list[dict[str, int]]]:
    return {
        name: [dict(sorted(a.items())), dict(sorted(b.items()))]
        for name, (a, b) in counts.items()
    }
