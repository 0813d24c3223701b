"""Runs over time: how many, their errors, tokens, cost and latency, by agent or model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_RUNS = 100_000
"""The newest runs that are summed up, at most."""
MAX_GROUPS = 6
"""Groups that are shown apart; the rest are one."""
MAX_BUCKETS = 60
MINUTE_MS = 60_000
WIDTHS_MS = tuple(
    MINUTE_MS * minutes
    for minutes in (1, 5, 15, 60, 180, 720, 1_440, 10_080, 43_200, 525_600)
)
"""Widths of a bucket, from a minute to a year."""
REST = "others"
GROUPS = ("", "agent", "model")
"""What runs can be grouped by; "" is not at all."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What is summed up of one run; None is unknown.

    Args:
        group: the agent or model; "" if there are no groups.
        ended_ms: when it ended, ms since the epoch.
        fatal: errors from which it did not recover.
    """

    group: str
    ended_ms: int
    duration_s: float
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    errors: int
    fatal: int


def summarize(runs: Sequence[RunFigures]) -> dict[str, Any]:
    """Sum up *runs* in buckets of equal width, at most `MAX_BUCKETS`.

    Returns:
        `start_ms` of the first bucket and `width_ms` of each; in `groups`, the largest
        first, a `name` and lists with a number per bucket: `runs`, `fatal`, `recovered`
        (runs with such errors), `prompt_tokens`, `completion_tokens`, `cost_usd`, and
        `p50_s` and `p95_s`, which are None where there was no run.
    """
    if not runs:
        return {"start_ms": 0, "width_ms": WIDTHS_MS[0], "groups": []}
    first = min(run.ended_ms for run in runs)
    last = max(run.ended_ms for run in runs)
    width = _choose_width(first, last)
    start = first // width * width
    count = (last - start) // width + 1
    groups = [
        {"name": name, **_sum_buckets(members, start, width, count)}
        for name, members in _group(runs).items()
    ]
    return {"start_ms": start, "width_ms": width, "groups": groups}


def _choose_width(first: int, last: int) -> int:
    """The narrowest width for which the buckets are not too many."""
    for width in WIDTHS_MS:
        if last // width - first // width < MAX_BUCKETS:
            return width
    return (last - first) // (MAX_BUCKETS - 1) + 1


def _group(runs: Iterable[RunFigures]) -> Mapping[str, list[RunFigures]]:
    """The runs by group, the largest first; those past `MAX_GROUPS` are one."""
    found: dict[str, list[RunFigures]] = defaultdict(list)
    for run in runs:
        found[run.group].append(run)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    grouped = dict(ordered[:MAX_GROUPS])
    rest = [run for _, members in ordered[MAX_GROUPS:] for run in members]
    return {**grouped, REST: grouped.get(REST, []) + rest} if rest else grouped


def _sum_buckets(
    runs: Iterable[RunFigures], start: int, width: int, count: int
) -> dict[str, list[Any]]:
    buckets: list[list[RunFigures]] = [[] for _ in range(count)]
    for run in runs:
        buckets[(run.ended_ms - start) // width].append(run)
    return {
        "runs": [len(bucket) for bucket in buckets],
        "fatal": [sum(1 for r in b if r.fatal) for b in buckets],
        "recovered": [sum(1 for r in b if r.errors and not r.fatal) for b in buckets],
        "prompt_tokens": [sum(r.prompt_tokens or 0 for r in b) for b in buckets],
        "completion_tokens": [
            sum(r.completion_tokens or 0 for r in b) for b in buckets
        ],
        "cost_usd": [round(sum(r.cost_usd or 0 for r in b), 6) for b in buckets],
        "p50_s": [_find_percentile(bucket, 50) for bucket in buckets],
        "p95_s": [_find_percentile(bucket, 95) for bucket in buckets],
    }


def _find_percentile(runs: list[RunFigures], percent: int) -> float | None:
    """The nearest-rank percentile of the durations, seconds; None without runs."""
    if not runs:
        return None
    durations = sorted(run.duration_s for run in runs)
    return durations[max(0, -(-len(durations) * percent // 100) - 1)]
