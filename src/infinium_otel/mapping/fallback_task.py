"""A minimal task for a trace that could not be mapped because of a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.step_times import to_iso
from infinium_otel.redaction import find_cut
from infinium_otel.taskdata import EnvironmentContext, TaskData
from infinium_otel.taskdata.limits import MAX_DURATION_S, MAX_NAME_LENGTH

if TYPE_CHECKING:
    from infinium_otel.records import Trace

NS_PER_S = 1_000_000_000


def make_fallback_task(trace: Trace, problem: str) -> TaskData:
    """The task of *trace* without its spans' content: that it ran, and when.

    Args:
        trace: any trace.
        problem: why it could not be mapped; goes into the tag `otel.problem`.
    """
    first = min(record.start_ns for record in trace.records)
    last = max(record.end_ns for record in trace.records)
    tags = {
        "otel.trace_id": trace.trace_id,
        "otel.root_span_id": trace.root_id,
        "otel.problem": f"mapping failed: {problem}",
    }
    return TaskData(
        name=_find_name(trace),
        description=f"{len(trace.records)} spans that could not be read",
        current_datetime=to_iso(first),
        duration=min(max((last - first) / NS_PER_S, 0.0), MAX_DURATION_S),
        environment=EnvironmentContext(custom_tags=tags),
    )


def _find_name(trace: Trace) -> str:
    records = trace.records
    roots = (r.name for r in records if r.span_id == trace.root_id)
    name = next(roots, records[0].name)
    name = name.encode(errors="replace").decode().strip()
    return name[: find_cut(name, MAX_NAME_LENGTH)] or "unnamed"
