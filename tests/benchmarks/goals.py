"""The goals, all in one table: ratios to a peer in the same run, where there is one.

They are the goals of the code as it is installed, in pure Python. `bench -- --check`
fails while one of them is missed, by whatever factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from measuring import Measured, Spread

RATIO, FIGURE = "ratio", "figure"


@dataclass(frozen=True)
class Goal:
    """One quantity, and how large it may be.

    Args:
        benchmark: that measures it.
        kind: whether *name* is a peer, whose ratio counts, or a figure.
        name: the peer, or the figure.
        most: what it may be.
        title: what it is, in a few words.
        unit: of a figure; "" for a ratio.
    """

    benchmark: str
    kind: str
    name: str
    most: float
    title: str
    unit: str = ""


GOALS = (
    Goal("translate", RATIO, "Phoenix", 0.75, "OTLP bytes to task, against Phoenix"),
    Goal("translate", RATIO, "Weave", 0.5, "OTLP bytes to task, against Weave"),
    Goal("mapping", FIGURE, "average", 0.9, "mapping, against OTLP's encode and gzip"),
    Goal("mapping", FIGURE, "worst library", 1.3, "the same, worst library"),
    Goal("worker", RATIO, "OTLP batched", 1.0, "delivered, against OTLP batched"),
    Goal("worker", RATIO, "OTLP per trace", 0.6, "delivered, against OTLP per trace"),
    Goal("client", RATIO, "infinium-o2", 1.2, "a task from its spans, against infinium-o2"),
    Goal("event_loop", RATIO, "OTLP", 1.1, "event loop's p99, against OTLP"),
    Goal("application", RATIO, "BatchSpanProcessor", 0.5, "start and end of a span"),
    Goal("consume", FIGURE, "10 spans a run", 100, "Kafka to response, a span", "µs"),
    Goal("consume", FIGURE, "10,000 against 100", 1.2, "a span of a run of 10,000, against one of 100"),
    Goal("imports", FIGURE, "register", 30, "import, over the SDK and httpx", "ms"),
    Goal("memory", FIGURE, "growth", 1.05, "memory, second half against the first"),
    Goal("consume", FIGURE, "MiB, 100,000 runs open", 450, "memory with 100,000 open runs", "MiB"),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Whether a goal is met.

    Args:
        value: the median; None if it was not measured.
        reason: why it was not.
    """

    goal: Goal
    value: float | None
    reason: str = ""

    @property
    def factor(self) -> float | None:
        """How many times as large as it may be; None if it was not measured."""
        return None if self.value is None else self.value / self.goal.most

    @property
    def is_met(self) -> bool:
        """What was not measured is not met."""
        return self.factor is not None and self.factor <= 1

    def __str__(self) -> str:
        goal = self.goal
        unit = f" {goal.unit}" if goal.unit else ""
        if self.value is None:
            return f"not measured: {goal.title} ({self.reason})"
        verdict = "met" if self.is_met else f"missed by a factor of {self.factor:.2f}"
        return (
            f"{verdict}: {goal.title}: {self.value:.3g}{unit}, goal {goal.most:g}{unit}"
        )


def check(
    benchmarks: Mapping[str, Measured], goals: Iterable[Goal] = GOALS
) -> list[Outcome]:
    """Each goal whose benchmark ran, against what was measured."""
    return [
        _check_one(goal, benchmarks[goal.benchmark])
        for goal in goals
        if goal.benchmark in benchmarks
    ]


def _check_one(goal: Goal, found: Measured) -> Outcome:
    spreads: Mapping[str, Spread]
    spreads = found.ratios if goal.kind == RATIO else found.figures
    if goal.name in spreads:
        return Outcome(goal, spreads[goal.name].median)
    return Outcome(goal, None, found.unavailable.get(goal.name, "no such figure"))
