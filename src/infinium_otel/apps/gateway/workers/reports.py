"""What each worker reports of itself, and what all of them are together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.http.receiver import RequestCounters
from infinium_otel.apps.observe.attempts import AttemptCounters
from infinium_otel.apps.observe.samples import STATES, Delivery, Sample
from infinium_otel.runtime.stats import Load, Stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.delivery.circuit_breaker import State

Numbers = dict[str, Any]
"""Numbers by name, and by name within a name."""

LOST = "worker ended"
"""Why spans of a worker that ended without a spool are refused."""

HELD = (("open", "queued"), ("tasks_open", "tasks_queued"))
"""What ends with a worker: in spans and in tasks."""


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a worker at one moment.

    Args:
        numbers: what adds up: `stats`, `load`, `attempts`, `requests`, `mistakes` and
            `forwarding`.
        agents: a sample of each number of the agents of `--routes`, as mappings.
        state: of the circuit breaker.
        rate: requests a second that it may send now.
        fullness: the used share of its tightest bound.
        oldest_open_s: how long its oldest open run has been open; None without one.
        cpu_s: seconds of CPU it has used.
        unready: why no spans should be routed to it; "" if they should.
        stalled: why it should be restarted; "" if it makes progress.
    """

    numbers: Numbers = field(default_factory=dict)
    agents: list[dict[str, Any]] = field(default_factory=list)
    state: State = "closed"
    rate: float = 0.0
    fullness: float = 0.0
    oldest_open_s: float | None = None
    cpu_s: float = 0.0
    unready: str = ""
    stalled: str = ""


def make_numbers(now: Delivery, **more: Any) -> Numbers:
    """What adds up of a worker's state.

    Args:
        now: the state.
        more: further numbers, by name.
    """
    attempts = {"by_outcome": now.attempts.by_outcome(), "s": now.attempts.total_s()}
    return {
        "stats": now.stats._asdict(),
        "load": now.load._asdict(),
        "attempts": attempts,
        **more,
    }


def add(numbers: Numbers, others: Mapping[str, Any]) -> Numbers:
    """The sum, name by name."""
    total = dict(numbers)
    for name, value in others.items():
        if isinstance(value, dict):
            total[name] = add(total.get(name) or {}, value)
        else:
            total[name] = total.get(name, 0) + value
    return total


def retire(numbers: Numbers, *, has_spool: bool) -> Numbers:
    """What remains of a worker that has ended: its counters, but nothing that it held.

    Without a spool, that is lost, and counted so. With one it is on disk: the next process
    of this worker receives it again, and counts it again.

    Args:
        numbers: its last report's.
        has_spool: whether it had a spool.
    """
    kept = {name: value for name, value in numbers.items() if name != "load"}
    stats = dict(numbers.get("stats") or {})
    for (opened, queued), refused in zip(
        HELD, ("refused", "tasks_refused"), strict=True
    ):
        lost = stats.get(opened, 0) + stats.get(queued, 0)
        stats |= {opened: 0, queued: 0}
        if lost and not has_spool:
            stats[refused] = stats.get(refused, 0) + lost
            if refused == "refused":
                stats["reasons"] = add(stats.get("reasons") or {}, {LOST: lost})
    return kept | {"stats": stats}


class SummedAttempts(AttemptCounters):
    """The requests to the service of several processes.

    Args:
        numbers: `attempts` of their sum.
    """

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        super().__init__()
        self._by_outcome.update(numbers.get("by_outcome") or {})
        self._total_s = numbers.get("s", 0.0)


def to_delivery(
    reports: list[Report],
    numbers: Numbers,
    more: tuple[Sample, ...] = (),
    *,
    has_spool: bool = False,
) -> Delivery:
    """The state of all workers as one.

    Args:
        reports: of the workers that run.
        numbers: the sum, with those of the workers that ended.
        more: further samples.
        has_spool: whether they share a spool, whose size each of them reports.
    """
    load = dict.fromkeys(Load._fields, 0) | numbers.get("load", {})
    if has_spool:
        sizes = [r.numbers["load"]["bytes_queued"] for r in reports if r.numbers]
        load["bytes_queued"] = max(sizes, default=0)
    ages_s = [r.oldest_open_s for r in reports if r.oldest_open_s is not None]
    return Delivery(
        stats=to_stats(numbers),
        load=Load(**load),
        attempts=SummedAttempts(numbers.get("attempts", {})),
        state=max((r.state for r in reports), key=STATES.index, default="closed"),
        rate_allowed=sum(report.rate for report in reports),
        fullness=max((report.fullness for report in reports), default=0.0),
        oldest_open_s=max(ages_s, default=None),
        more=more,
    )


def to_stats(numbers: Numbers) -> Stats:
    """Where every span and every task is, of all workers together."""
    empty = dict.fromkeys(Stats._fields, 0)
    mappings = {"reasons", "tasks_reasons", "skipped_scopes", "undelivered"}
    mappings |= {"journal_problems", "rules"}
    return Stats(**empty | {name: {} for name in mappings} | numbers.get("stats", {}))


def to_counters(numbers: Numbers) -> RequestCounters:
    """The requests that all workers received."""
    return RequestCounters(**numbers.get("requests", {}))


def merge_agents(reports: Iterable[Report]) -> tuple[Sample, ...]:
    """The samples of each agent of `--routes`; accepted only if every worker's tasks are."""
    merged: dict[str, Sample] = {}
    for sample in (Sample(**each) for report in reports for each in report.agents):
        before = merged.get(sample.name)
        if before is None:
            merged[sample.name] = sample
            continue
        combine = min if sample.name.endswith(".accepted") else sum
        values = {
            label: combine(_get(before.values, label) + _get(sample.values, label))
            for label in {**before.values, **sample.values}
        }
        merged[sample.name] = replace(sample, values=values)
    return tuple(merged.values())


def _get(values: Mapping[str, float], label: str) -> list[float]:
    return [values[label]] if label in values else []
