"""Infinium's tasks to spans; the reverse is the mapping itself.

A task that this package made names its spans (`otel.trace_id`, `otel.span_id`, ...):
their ids, tree and start times are restored exactly. Any other task's steps are placed
one after the other.

| not converted | to spans | from spans |
| --- | --- | --- |
| texts beyond a preview's length | the preview | truncated |
| a step's duration | to the millisecond | rounded |
| spans that were not a step | lost: their children go below the root | - |
| descriptions of steps | - | generated |
| a step's number | its order | its order |
| errors of the run that no step has, except the first | - | - |
| `recoverable`, `retry_count`, tags of a caller, a tool step's own previews | as `infinium.*` | restored from there |
| `environment.sdk_version` | as `infinium.*` | restored; else this package's version |
| `environment.framework_version` without a framework | as `infinium.*` | restored |
| `llm_usage` beside the calls' own counts, cost, latencies | only where no call has any; model and provider always | summed anew |
| metadata outside `gen_ai.*` and `http.*` | - | - |
| links and events other than exceptions | - | - |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.infinium._from_spans import from_spans
from infinium_otel.models.infinium._to_spans import to_spans
from infinium_otel.taskdata import TaskData, task_from_dict, task_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dump", "from_spans", "load", "to_spans"]


def load(mapping: Mapping[str, Any]) -> TaskData:
    """A task from Infinium's JSON.

    Raises:
        ValidationError: a required field is missing, or a value is not an object
            where one is required.
    """
    return task_from_dict(mapping)


def dump(document: TaskData) -> dict[str, Any]:
    """A task as Infinium's JSON."""
    return task_to_dict(document)
