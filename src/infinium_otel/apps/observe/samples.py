"""Every number that a command shows, as values: `/metrics` and OpenTelemetry read them.

Names and units are OpenTelemetry's; `exposition` derives Prometheus's from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from infinium_otel.pipeline.routing import (
    DROPPED,
    NO_RULE,
    REJECTED,
    SAMPLED_OUT,
    SENT,
    count_by_rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.apps.observe.attempts import AttemptCounters
    from infinium_otel.delivery.circuit_breaker import State
    from infinium_otel.runtime import Load, Stats

Kind = Literal["counter", "gauge"]

STATES: tuple[State, ...] = ("closed", "unavailable", "credentials refused")


@dataclass(frozen=True, slots=True)
class Sample:
    """A metric at one moment.

    Args:
        name: OpenTelemetry's, with dots.
        kind: "counter" only grows while the process lives.
        unit: "s", "By", or what is counted in braces.
        meaning: a sentence for its help.
        values: by the value of *label*; by "" if there is no label.
        label: the name of the one attribute; "" for none.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    values: Mapping[str, float]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a command knows of its runs and tasks at one moment.

    Args:
        stats: where every span and every task is.
        load: what is held.
        attempts: requests to the service.
        state: of the circuit breaker.
        rate_allowed: requests a second.
        fullness: the used share of the tightest bound; 1.0 is full.
        oldest_open_s: how long the oldest open run has been open; None without one.
    """

    stats: Stats
    load: Load
    attempts: AttemptCounters
    state: State
    rate_allowed: float
    fullness: float
    oldest_open_s: float | None = None
    more: tuple[Sample, ...] = field(default=())


def describe_delivery(now: Delivery) -> Iterator[Sample]:
    """The samples that gateway and consumer have in common."""
    yield from _describe_open_runs(now)
    yield from _describe_queue(now)
    yield from _describe_outcomes(now.stats)
    yield from _describe_rules(now.stats)
    yield from _describe_attempts(now)
    yield from now.more


def _describe_open_runs(now: Delivery) -> Iterator[Sample]:
    load = now.load
    yield _gauge(
        "runs.open", "{run}", "Runs that wait for more spans.", load.tasks_open
    )
    yield _gauge("spans.open", "{span}", "Spans of these runs.", load.spans_open)
    yield _gauge(
        "runs.open.size", "By", "Estimated size of these spans.", load.bytes_open
    )
    yield _gauge(
        "runs.open.age",
        "s",
        "How long the oldest of these runs has been open.",
        now.oldest_open_s or 0.0,
    )
    yield _gauge(
        "bound.used", "1", "Used share of the tightest bound; 1 is full.", now.fullness
    )
    yield _counter(
        "runs.evicted",
        "{run}",
        "Runs sent before they were complete, to stay within a bound.",
        now.stats.evicted,
    )


def _describe_queue(now: Delivery) -> Iterator[Sample]:
    load = now.load
    yield _gauge(
        "tasks.queued",
        "{task}",
        "Tasks that wait or are being sent.",
        load.tasks_queued,
    )
    yield _gauge("tasks.queued.size", "By", "Size of these tasks.", load.bytes_queued)


def _describe_outcomes(stats: Stats) -> Iterator[Sample]:
    yield _counter("spans.received", "{span}", "Spans received.", stats.received)
    yield _counter("spans.delivered", "{span}", "Spans delivered.", stats.delivered)
    yield Sample(
        "infinium.spans.left_out",
        "counter",
        "{span}",
        "Spans that will not be delivered, by reason.",
        stats.reasons,
        "reason",
    )
    yield _counter(
        "tasks.delivered", "{task}", "Tasks delivered.", stats.tasks_delivered
    )
    yield _counter(
        "tasks.refused", "{task}", "Tasks refused or lost.", stats.tasks_refused
    )
    yield _counter(
        "tasks.parts", "{task}", "Tasks that continue an earlier one.", stats.parts
    )
    yield _counter(
        "tasks.shrunk", "{task}", "Tasks cut to fit into a request.", stats.tasks_shrunk
    )
    yield _counter(
        "texts.withheld",
        "{text}",
        "Texts with more places that may be credentials than are searched.",
        stats.texts_withheld,
    )
    yield Sample(
        "infinium.runs.filtered",
        "counter",
        "{run}",
        "Runs that became no task, by reason.",
        stats.tasks_reasons,
        "reason",
    )
    yield _counter(
        "logs.dropped", "{record}", "Log records without a span.", stats.logs_dropped
    )
    yield Sample(
        "infinium.journal.problems",
        "counter",
        "{record}",
        "Journal records not written or not read, by reason.",
        stats.journal_problems,
        "reason",
    )


def _describe_rules(stats: Stats) -> Iterator[Sample]:
    for name, meaning, outcomes in (
        ("sent", "Runs sent, by rule of `--routes`.", (SENT,)),
        (
            "dropped",
            "Runs dropped, by rule of `--routes`.",
            (DROPPED, REJECTED, NO_RULE),
        ),
        (
            "sampled_out",
            "Runs not in the share of their rule of `--routes`.",
            (SAMPLED_OUT,),
        ),
    ):
        values = count_by_rule(stats.rules, *outcomes)
        yield Sample(
            f"infinium.routes.{name}", "counter", "{run}", meaning, values, "rule"
        )


def _describe_attempts(now: Delivery) -> Iterator[Sample]:
    yield Sample(
        "infinium.attempts",
        "counter",
        "{request}",
        "Requests to Infinium, by status or by why there was no response.",
        now.attempts.by_outcome(),
        "status",
    )
    yield _counter(
        "attempts.duration", "s", "Time these requests took.", now.attempts.total_s()
    )
    yield _gauge(
        "rate.allowed",
        "{request}/s",
        "Requests a second that the settings allow.",
        now.rate_allowed,
    )
    yield Sample(
        "infinium.delivery.state",
        "gauge",
        "1",
        "1 for the state of delivery: closed is normal.",
        {state.replace(" ", "_"): float(now.state == state) for state in STATES},
        "state",
    )


def _gauge(name: str, unit: str, meaning: str, value: float) -> Sample:
    return Sample(f"infinium.{name}", "gauge", unit, meaning, {"": value})


def _counter(name: str, unit: str, meaning: str, value: float) -> Sample:
    return Sample(f"infinium.{name}", "counter", unit, meaning, {"": value})
