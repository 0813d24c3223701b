"""A fleet of consumers at a million spans a second, simulated from the measured costs.

    python tests/benchmarks/fleet.py [--spans-per-second N] [--spans N] [--results FILE]

What a consumer can do comes from `results.json` (CPU of each stage) and from the limit of
its concurrent requests; of either, half is planned to be used, as `infinium-otel size` does.
Each event happens once, to a fleet that is not behind: which partitions wait, for how long, what is read and
sent again, and what is lost. Simulated in steps of a second; takes seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

from infinium_otel.apps.size import figures
from infinium_otel.assembly.waits import SETTLE_S
from infinium_otel.delivery.pace import MAX_CONCURRENCY

RESULTS = Path(__file__).with_name("results.json")
STAGES = ("decode", "assemble", "map", "encode", "deliver", "commit")
DURATIONS = ((0.70, 10.0), (0.25, 30.0), (0.05, 90.0))
"""Shares of the runs, and how many seconds they take: assumed."""
REQUEST_S = 0.2
"""How long Infinium takes to respond: assumed."""
SESSION_S = 45.0
"""`session.timeout.ms` of librdkafka, by default."""
COMMIT_S = 1.0
"""Between two commits of a consumer."""
COLLECTORS, BATCH_S = 50, 0.2
"""How many Collectors, and how long each holds a batch: the batch processor's default."""
EVENT_S = 100.0
END_S = 3_600.0
BEHIND_S = 2.0
"""A partition that is further behind than this waits."""


@dataclass(eq=False)
class Partition:
    """Its messages up to *read_s* are read, and up to *done_s* need not be again."""

    read_s: float = 0.0
    owner: Consumer | None = None


@dataclass(eq=False)
class Consumer:
    """One process; *away_until_s* while it cannot read."""

    partitions: list[Partition] = field(default_factory=list)
    away_until_s: float = 0.0


@dataclass
class Outcome:
    """What an event costs; all counts are for the whole fleet.

    Args:
        waiting: partitions that were behind, at most.
        behind_s: how far, at most.
        caught_up_s: after how many seconds none was.
        read_again: spans.
        sent_again: runs.
        lost: spans.
    """

    waiting: int = 0
    behind_s: float = 0.0
    caught_up_s: float = 0.0
    read_again: float = 0.0
    sent_again: float = 0.0
    lost: float = 0.0


class Fleet:
    """Consumers and their partitions, before an event.

    Args:
        spans_per_second: written to Kafka.
        spans: of a run.
        cpu_us: of a span.
    """

    def __init__(self, spans_per_second: float, spans: float, cpu_us: float) -> None:
        self.runs_per_second = spans_per_second / spans
        self.capacity = min(1e6 / cpu_us, MAX_CONCURRENCY / REQUEST_S * spans)
        """Spans a second that one consumer can do."""
        busy = math.ceil(spans_per_second / self.capacity / figures.USED.value)
        self.consumers = [Consumer() for _ in range(busy + 1)]
        count = len(self.consumers) * int(figures.PARTITIONS.value)
        self.partitions = [Partition() for _ in range(count)]
        for number, partition in enumerate(self.partitions):
            self.give(partition, self.consumers[number % len(self.consumers)])
        self.rate = spans_per_second / count

    @property
    def used(self) -> float:
        """The share of a consumer's capacity that the load needs."""
        return self.rate * len(self.partitions) / len(self.consumers) / self.capacity

    @staticmethod
    def give(partition: Partition, consumer: Consumer) -> None:
        """Assign *partition* to *consumer*."""
        partition.owner = consumer
        consumer.partitions.append(partition)

    def step(self, now_s: float) -> None:
        """Read for a second, each consumer as much as it can, what is oldest first."""
        for consumer in self.consumers:
            if consumer.away_until_s > now_s:
                continue
            left_s = self.capacity / self.rate  # seconds of one partition's messages
            for partition in sorted(consumer.partitions, key=lambda each: each.read_s):
                read_s = min(now_s - partition.read_s, left_s)
                partition.read_s += read_s
                left_s -= read_s

    def take_over(self, gone: list[Consumer], outcome: Outcome) -> None:
        """Give the partitions of *gone* to the others, who begin where these committed."""
        left = [each for each in self.consumers if each not in gone]
        orphans = [part for each in gone for part in each.partitions]
        for number, partition in enumerate(orphans):
            back_s = min(partition.read_s, find_uncommitted_s())
            partition.read_s -= back_s
            outcome.read_again += back_s * self.rate
            outcome.sent_again += self.count_sent_again(back_s)
            self.give(partition, left[number % len(left)])
        for each in gone:
            each.partitions = []
        self.consumers = left

    def count_sent_again(self, back_s: float) -> float:
        """Runs of one partition that were delivered, though not committed."""
        runs = self.runs_per_second / len(self.partitions)
        return runs * sum(
            share * max(0.0, back_s - seconds - SETTLE_S)
            for share, seconds in DURATIONS
        )


def find_uncommitted_s() -> float:
    """How far a consumer commits behind what it has read: the longest run is open."""
    return max(seconds for _, seconds in DURATIONS) + SETTLE_S + COMMIT_S


@dataclass(frozen=True)
class Event:
    """What happens to a fleet.

    Args:
        name: as printed.
        gone: the share of the consumers that ends; less than one of them is one.
        noticed_s: until the others take their partitions over.
        stopped_s: for how long nobody can deliver, so that reading stops.
        unanswered: whether the requests under way get no response that is received.
        lost_s: seconds of one Collector's spans that are lost.
    """

    name: str
    gone: float = 0.0
    noticed_s: float = 0.0
    stopped_s: float = 0.0
    unanswered: bool = False
    lost_s: float = 0.0


ONE = 1e-9
EVENTS = (
    Event("an ordinary hour"),
    Event("a consumer is stopped (SIGTERM)", gone=ONE),
    Event("a consumer is killed", gone=ONE, noticed_s=SESSION_S),
    Event("a tenth of the consumers is killed", gone=0.1, noticed_s=SESSION_S),
    Event(
        "a consumer freezes for a minute",
        gone=ONE,
        noticed_s=SESSION_S,
        unanswered=True,
    ),
    Event("Infinium is away for ten minutes", stopped_s=600.0, unanswered=True),
    Event("Kafka is away for a minute", stopped_s=60.0),
    Event("a Collector is killed", lost_s=BATCH_S),
)


def simulate(fleet: Fleet, event: Event) -> Outcome:
    """Let *event* happen, and follow the fleet until nothing waits."""
    outcome = Outcome(
        lost=event.lost_s * fleet.rate * len(fleet.partitions) / COLLECTORS
    )
    count = math.ceil(event.gone * len(fleet.consumers))
    gone = fleet.consumers[:count]
    if event.unanswered:
        share = len(gone or fleet.consumers) / len(fleet.consumers)
        outcome.sent_again = fleet.runs_per_second * REQUEST_S * share
    for consumer in gone:
        consumer.away_until_s = math.inf
    if event.stopped_s:
        for consumer in fleet.consumers:
            consumer.away_until_s = EVENT_S + event.stopped_s
    for partition in fleet.partitions:
        partition.read_s = EVENT_S
    now_s = EVENT_S
    while now_s < END_S:
        if gone and now_s >= EVENT_S + event.noticed_s:
            fleet.take_over(gone, outcome)
            gone = []
        now_s += 1.0
        fleet.step(now_s)
        behind = [now_s - each.read_s for each in fleet.partitions]
        waiting = sum(each > BEHIND_S for each in behind)
        outcome.waiting = max(outcome.waiting, waiting)
        outcome.behind_s = max(outcome.behind_s, *behind)
        if waiting:
            outcome.caught_up_s = now_s - EVENT_S
        elif not gone and now_s > EVENT_S + event.stopped_s:
            break
    return outcome


def read_costs(path: Path, spans: int) -> dict[str, float]:
    """CPU µs of a span by stage, of runs of *spans* spans; "rest" is Kafka's client.

    Raises:
        KeyError: that length was not measured.
    """
    benchmarks = json.loads(path.read_text("utf-8"))["benchmarks"]
    stages, whole = (benchmarks[name]["figures"] for name in ("stages", "consume"))
    costs = {
        stage: stages[f"{stage}, {spans:,} spans a run"]["median"] for stage in STAGES
    }
    total = whole[f"{spans:,} spans a run"]["median"]
    return {**costs, "rest": max(0.0, total - sum(costs.values()))}


def describe(outcome: Outcome) -> tuple[str, ...]:
    """The cells of one row."""
    return (
        f"{outcome.waiting:,}",
        f"{outcome.behind_s:,.0f} s",
        f"{outcome.caught_up_s:,.0f} s" if outcome.waiting else "",
        f"{outcome.read_again:,.0f}",
        f"{outcome.sent_again:,.0f}",
        f"{outcome.lost:,.0f}",
    )


HEADER = (
    *("event", "partitions that wait", "longest delay", "caught up after"),
    *("spans read again", "runs sent again", "spans lost"),
)


def make_rows(
    spans_per_second: float, spans: int, cpu_us: float
) -> list[tuple[str, ...]]:
    """A row for each event."""
    return [
        (
            event.name,
            *describe(simulate(Fleet(spans_per_second, spans, cpu_us), event)),
        )
        for event in EVENTS
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--spans-per-second", type=float, default=1e6)
    parser.add_argument("--spans", type=int, default=10, choices=(10, 100))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    costs = read_costs(options.results, options.spans)
    cpu_us = sum(costs.values())
    fleet = Fleet(options.spans_per_second, options.spans, cpu_us)
    print(
        f"{options.spans_per_second:,.0f} spans a second, {options.spans} a run: "
        f"{len(fleet.consumers):,} consumers, {len(fleet.partitions):,} partitions, "
        f"{fleet.used:.0%} used, {fleet.runs_per_second:,.0f} requests a second"
    )
    for stage, us in costs.items():
        cores = us * options.spans_per_second / 1e6
        print(f"  {stage:10}{us:8.2f} µs a span, {cores:6.1f} cores")
    for row in (HEADER, *make_rows(options.spans_per_second, options.spans, cpu_us)):
        print(" | ".join(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
