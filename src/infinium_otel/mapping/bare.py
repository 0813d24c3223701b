"""What can be said of a trace that a defect keeps from being mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.steps import iso
from infinium_otel.taskdata import EnvironmentContext, TaskData

if TYPE_CHECKING:
    from infinium_otel.records import Trace

NS_PER_S = 1_000_000_000
MAX_DURATION_S = 86_400.0
MAX_NAME = 200


def bare_task(trace: Trace, problem: str) -> TaskData:
    """What can be said of *trace* without reading its spans: that it ran, and when.

    Args:
        trace: any trace.
        problem: why there is no more; stands in the tag `otel.problem`.
    """
    first = min(record.start_ns for record in trace.records)
    last = max(record.end_ns for record in trace.records)
    tags = {
        "otel.trace_id": trace.trace_id,
        "otel.root_span_id": trace.root_id,
        "otel.problem": f"mapping failed: {problem}",
    }
    return TaskData(
        name=_name(trace),
        description=f"{len(trace.records)} spans that could not be read",
        current_datetime=iso(first),
        duration=min(max((last - first) / NS_PER_S, 0.0), MAX_DURATION_S),
        environment=EnvironmentContext(custom_tags=tags),
    )


def _name(trace: Trace) -> str:
    records = trace.records
    roots = (r.name for r in records if r.span_id == trace.root_id)
    name = next(roots, records[0].name)
    return name.encode(errors="replace").decode().strip()[:MAX_NAME] or "unnamed"
