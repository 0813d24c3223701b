"""Infinium's tasks to spans; the other way is the mapping itself.

A task that this package made names its spans (`otel.trace_id`, `otel.span_id`, ...):
their ids, tree and starts come back exactly. Any other task's steps are laid end to
end.

| what cannot be carried | to spans | from spans |
| --- | --- | --- |
| texts beyond a preview's length | the preview | cut |
| a step's length | to the millisecond | rounded |
| spans that were no step | gone: their children hang under the root | - |
| descriptions of steps | - | written anew |
| a step's number, unless its start tells it | order | order |
| errors of the run that no step has, but for the first | - | - |
| `llm_usage` beside the calls' own counts, cost, latencies | only where no call has any | summed anew |
| metadata outside `gen_ai.*` and `http.*` | - | - |
| links and events other than exceptions | - | - |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.assembly import Assembler
from infinium_otel.config import Config
from infinium_otel.mapping import map_trace
from infinium_otel.mapping.copies import copies
from infinium_otel.models.infinium.run_to_spans import task_to_spans as to_spans
from infinium_otel.taskdata import TaskData, task_from_dict, task_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import LogEvent, SpanRecord

__all__ = ["dump", "from_spans", "load", "to_spans"]

UNBOUNDED = 2**62


def load(mapping: Mapping[str, Any]) -> TaskData:
    """A task from the JSON of the wire.

    Raises:
        ValidationError: a required field is missing, or a value is no object where
            one belongs.
    """
    return task_from_dict(mapping)


def dump(document: TaskData) -> dict[str, Any]:
    """A task as the JSON of the wire."""
    return task_to_dict(document)


def from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[TaskData]:
    """The tasks that spans tell: the mapping, without redaction and limits."""
    config = Config().but(
        max_open_traces=UNBOUNDED, max_open_spans=UNBOUNDED, max_open_bytes=UNBOUNDED
    )
    assembler = Assembler(config)
    traces = [*assembler.feed(records, 0.0), *assembler.flush(0.0)]
    mapped = (map_trace(trace, config) for trace in traces)
    tasks = [task for task in mapped if task is not None]
    repeated = copies(tasks)
    return [task for place, task in enumerate(tasks) if place not in repeated]
