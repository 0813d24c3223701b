"""Any spans to Infinium's tasks: the mapping, without redaction and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.assembly import Assembler
from infinium_otel.config import Config
from infinium_otel.mapping import map_trace
from infinium_otel.mapping.dedup import (
    add_missing,
    drop_reported_tools,
    find_copied_tasks,
)
from infinium_otel.models.infinium.details import restore_details
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent
    from infinium_otel.taskdata import TaskData

UNBOUNDED = 2**62


def from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[TaskData]:
    """One task for each agent run in *records*, of any instrumentation."""
    config = Config().but(
        max_open_traces=UNBOUNDED, max_open_spans=UNBOUNDED, max_open_bytes=UNBOUNDED
    )
    given = list(records)
    assembler = Assembler(config)
    traces = [*assembler.feed(given, 0.0), *assembler.flush(0.0)]
    mapped = (map_trace(trace, config) for trace in traces)
    tasks = [task for task in mapped if task is not None]
    repeated = set()
    for copy in find_copied_tasks(tasks):
        add_missing(tasks[copy.of], tasks[copy.index], copy.calls)
        repeated.add(copy.index)
    found = [task for place, task in enumerate(tasks) if place not in repeated]
    drop_reported_tools(found)
    restore_details(found, [r for r in given if isinstance(r, SpanRecord)])
    return found
