"""From a load to what a fleet of consumers needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from infinium_otel.apps.size import figures
from infinium_otel.delivery.pace import MAX_CONCURRENCY

MIB = 1024 * 1024
QUEUE_MIB = 64
"""The default of `max_queued_bytes`."""
SETTLE_S = 5.0
"""Seconds a run of several processes is held once its root has ended."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What a fleet has to carry.

    Args:
        runs_per_second: that begin, at the busiest time.
        spans: of a run.
        seconds: from the first span of a run to its last.
        span_bytes: of a span, with the texts in it.
        request_s: from a request to its response.
    """

    runs_per_second: float
    spans: float
    seconds: float
    span_bytes: float
    request_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What it needs.

    Args:
        cores: all consumers together use.
        consumers: including one that may be away.
        open_runs: at a time.
        open_mib: of these runs, of each consumer while one is away.
        memory_mib: of each consumer then.
        requests_per_second: of all consumers together, at most.
        partitions: at least.
    """

    cores: float
    consumers: int
    open_runs: int
    open_mib: int
    memory_mib: int
    requests_per_second: float
    partitions: int


def make_plan(load: Workload) -> Plan:
    """Compute what a load needs."""
    cores = load.runs_per_second * estimate_cpu_us(load.spans) / 1e6
    in_flight = load.runs_per_second * load.request_s
    busy = max(
        1,
        math.ceil(cores / figures.USED.value),
        math.ceil(in_flight / MAX_CONCURRENCY / figures.USED.value),
    )
    open_runs = load.runs_per_second * (load.seconds + SETTLE_S)
    held = open_runs * (estimate_run_bytes() + load.spans * load.span_bytes)
    open_mib = math.ceil(held / busy / MIB)
    consumers = busy + 1
    return Plan(
        cores,
        consumers,
        math.ceil(open_runs),
        open_mib,
        math.ceil(figures.IDLE_MIB.value) + QUEUE_MIB + open_mib,
        load.runs_per_second * figures.REQUESTS.value,
        consumers * int(figures.PARTITIONS.value),
    )


def estimate_cpu_us(spans: float) -> float:
    """CPU of a run: a part for the run and one for each span, from two lengths."""
    short, long = 10, 100
    of_short = figures.CPU_OF_10_US.value * short
    of_long = figures.CPU_OF_100_US.value * long
    of_span = (of_long - of_short) / (long - short)
    return of_short + (spans - short) * of_span


def estimate_run_bytes() -> float:
    """Bytes of an open run beside the contents of its spans."""
    grown_mib = figures.OPEN_MIB.value - figures.IDLE_MIB.value
    return grown_mib * MIB / figures.OPEN_RUNS
