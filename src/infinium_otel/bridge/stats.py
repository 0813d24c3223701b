"""Where every span and every task is, in one value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.delivery.counts import Tally
    from infinium_otel.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Stats:
    """Every span and every task in exactly one place, taken at one moment.

    `received == delivered + queued + open + filtered + refused`, in spans, and the same
    for `tasks_*`, where an open task is a trace that has not left.

    Args:
        received: ended spans that came in.
        delivered: those the service answered with success.
        queued: those in tasks that wait or are under way.
        open: those that wait for the rest of their trace.
        filtered: those in traces that are no task (see `Config.include`, `should_send`),
            and those that tell of requests to Infinium itself.
        refused: those that will not arrive: repeated, unreadable, refused by the service
            for good, or lost; `reasons` tells which.
        reasons: spans filtered and refused, by reason.
        undelivered: those among the refused that the service or we gave up, by reason.
    """

    received: int = 0
    delivered: int = 0
    queued: int = 0
    open: int = 0
    filtered: int = 0
    refused: int = 0
    tasks_received: int = 0
    tasks_delivered: int = 0
    tasks_queued: int = 0
    tasks_open: int = 0
    tasks_filtered: int = 0
    tasks_refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    undelivered: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """What is held in memory or in the spool, taken at one moment.

    Args:
        tasks_queued: that wait or are under way; `bytes_queued` of them.
        tasks_open: traces whose rest is awaited.
        spans_open: ended spans of these; `bytes_open` is about what they take.
    """

    tasks_queued: int
    bytes_queued: int
    tasks_open: int
    spans_open: int
    bytes_open: int


def gather(
    pipelines: list[Pipeline], refused: Counter[str], spans: Tally, tasks: Tally
) -> Stats:
    """The stats of what passed through *pipelines* and was handed to delivery.

    Args:
        pipelines: the one in use, and the one that recovered spans went through.
        refused: spans not taken at the door, by reason.
        spans: where the spans handed to delivery are; *tasks* likewise.
    """
    filtered: Counter[str] = Counter()
    # Once, for it grows in other threads meanwhile.
    turned_away = Counter(refused)
    received = turned_away.total()
    tasks_filtered = 0
    for pipeline in pipelines:
        filtered += pipeline.filtered
        turned_away += pipeline.refused
        received += pipeline.received
        tasks_filtered += pipeline.filtered_tasks.total()
    undelivered = Counter(spans.refused) + Counter(spans.lost)
    open_tasks = sum(pipeline.open_tasks for pipeline in pipelines)
    tasks_refused = sum(tasks.refused.values()) + sum(tasks.lost.values())
    return Stats(
        received=received,
        delivered=spans.delivered,
        queued=spans.queued,
        open=sum(pipeline.open for pipeline in pipelines),
        filtered=filtered.total(),
        refused=turned_away.total() + undelivered.total(),
        tasks_received=tasks.submitted + open_tasks + tasks_filtered,
        tasks_delivered=tasks.delivered,
        tasks_queued=tasks.queued,
        tasks_open=open_tasks,
        tasks_filtered=tasks_filtered,
        tasks_refused=tasks_refused,
        reasons=dict(filtered + turned_away + undelivered),
        undelivered=dict(undelivered),
    )
