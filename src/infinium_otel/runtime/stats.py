"""Where every span and every task is, as one value."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from infinium_otel.runtime.inbox import UNREAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.delivery.counters import CounterSnapshot
    from infinium_otel.pipeline import Pipeline
    from infinium_otel.runtime.inbox import Unread


_NONE: Mapping[str, Any] = MappingProxyType({})


class Stats(NamedTuple):
    """Every span and every task in exactly one place, taken at one moment.

    `received == delivered + queued + open + filtered + refused`, in spans, and the same
    for `tasks_*`, where an open task is a trace that was not sent yet.

    Args:
        received: ended spans that were received.
        delivered: spans in tasks that the service accepted.
        queued: spans in tasks that are queued or being sent.
        open: spans that wait for the rest of their trace, or to be processed.
        filtered: spans in traces that become no task (see `Config.include`,
            `should_send`), and spans of requests to Infinium itself.
        refused: spans that will not be delivered: repeated, unreadable, permanently
            refused by the service, or lost; see `reasons`.
        reasons: filtered and refused spans, by reason.
        tasks_reasons: the traces of `tasks_filtered`, by reason: `not_included` (no
            model, tool or agent was recognized), `copy` (another trace reports the same
            run), `excluded` (`infinium.skip`), `should_send`, `own_request`,
            `between_runs`; with `--routes` also `dropped_by_rule`, `sampled_out`,
            `no_rule`.
        skipped_scopes: how many of the traces that are `not_included` had a span of a
            scope, by its name.
        undelivered: the part of `refused` that the service refused or that we dropped
            after mapping, by reason.
        evicted: traces sent before they were complete, to keep the bounds.
        parts: tasks that continue an earlier one of the same run.
        tasks_shrunk: tasks whose content was cut to fit into a request.
        texts_withheld: texts that were withheld, as a whole or from some place on, because
            they had more places that may be credentials than are searched.
        logs_dropped: log events dropped because none of their spans was sent in time.
        journal_problems: records that could not be written to the journal, and journal
            files and lines of dead processes that could not be read, by reason.
        rules: runs by the rule of `--routes` that decided, and then by "sent" or reason.
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
    reasons: Mapping[str, int] = _NONE
    tasks_reasons: Mapping[str, int] = _NONE
    skipped_scopes: Mapping[str, int] = _NONE
    undelivered: Mapping[str, int] = _NONE
    evicted: int = 0
    parts: int = 0
    tasks_shrunk: int = 0
    texts_withheld: int = 0
    logs_dropped: int = 0
    journal_problems: Mapping[str, int] = _NONE
    rules: Mapping[str, Mapping[str, int]] = _NONE


class Load(NamedTuple):
    """What memory and spool hold at one moment.

    Args:
        tasks_queued: tasks that are queued or being sent.
        bytes_queued: size of these tasks.
        tasks_open: traces that wait for further spans, or to be processed.
        spans_open: ended spans of these traces.
        bytes_open: estimated size of these spans.
    """

    tasks_queued: int
    bytes_queued: int
    tasks_open: int
    spans_open: int
    bytes_open: int

    @classmethod
    def of(
        cls, stats: Stats, unread: Unread, queued_bytes: int, open_bytes: int
    ) -> Load:
        """What is held by a pipeline and a queue, and in the inbox before them.

        Args:
            stats: where every span and task is.
            unread: spans that are still in the inbox.
            queued_bytes: of the tasks that are queued.
            open_bytes: estimated, of the spans that the pipeline holds.
        """
        return cls(
            tasks_queued=stats.tasks_queued,
            bytes_queued=queued_bytes,
            tasks_open=stats.tasks_open + unread.traces,
            spans_open=stats.open,
            bytes_open=open_bytes + unread.spans * UNREAD_BYTES,
        )


def gather(  # noqa: PLR0913 - every stage once
    pipelines: list[Pipeline],
    refused: Counter[str],
    delivery: CounterSnapshot,
    *,
    unread_spans: int = 0,
    skipped_scopes: Mapping[str, int] = MappingProxyType({}),
    journal_problems: Mapping[str, int] = MappingProxyType({}),
    rules: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> Stats:
    """Combine the counters of all stages that spans pass through.

    Args:
        pipelines: the one in use, and the one for recovered spans.
        refused: spans refused before any pipeline, by reason.
        delivery: what became of the tasks.
        unread_spans: ended spans that no pipeline has processed yet.
        skipped_scopes: as `Stats.skipped_scopes`.
        journal_problems: as `Stats.journal_problems`.
        rules: as `Stats.rules`.
    """
    spans, tasks = delivery.spans, delivery.tasks
    # Copied once, as other threads increment it.
    refused = Counter(refused)
    received = refused.total() + unread_spans + sum(each.received for each in pipelines)
    refused = sum((each.refused for each in pipelines), refused)
    filtered = sum((each.filtered for each in pipelines), Counter[str]())
    tasks_filtered = sum((each.filtered_tasks for each in pipelines), Counter[str]())
    undelivered = Counter(spans.refused) + Counter(spans.lost)
    open_tasks = sum(each.open_tasks for each in pipelines)
    return Stats(
        received=received,
        delivered=spans.delivered,
        queued=spans.queued,
        open=unread_spans + sum(each.open for each in pipelines),
        filtered=filtered.total(),
        refused=refused.total() + undelivered.total(),
        tasks_received=tasks.submitted + open_tasks + tasks_filtered.total(),
        tasks_delivered=tasks.delivered,
        tasks_queued=tasks.queued,
        tasks_open=open_tasks,
        tasks_filtered=tasks_filtered.total(),
        tasks_refused=sum(tasks.refused.values()) + sum(tasks.lost.values()),
        reasons=dict(filtered + refused + undelivered),
        tasks_reasons=dict(tasks_filtered),
        skipped_scopes=dict(skipped_scopes),
        undelivered=dict(undelivered),
        evicted=sum(each.evicted for each in pipelines),
        parts=sum(each.parts for each in pipelines),
        tasks_shrunk=delivery.shrunk,
        texts_withheld=sum(each.texts_withheld for each in pipelines),
        logs_dropped=sum(each.dropped_logs for each in pipelines),
        journal_problems=dict(journal_problems),
        rules=dict(rules),
    )
