"""Tool runs that both the messages of a call and a trace of their own report."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from infinium_otel.mapping.dedup.copies import MAX_CANDIDATES
from infinium_otel.mapping.dedup.reported_calls import (
    MAX_PAUSE_NS,
    SLACK_NS,
    remove_spaces,
)
from infinium_otel.mapping.dedup.steps import get_start_ns, is_inferred, number_steps
from infinium_otel.mapping.tool_names import get_bare_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.taskdata import ExecutionStep, TaskData

LoneTools = dict[str, list["ExecutionStep"]]


def drop_reported_tools(tasks: Sequence[TaskData]) -> None:
    """Drop tool runs that only messages report, where a trace of its own reports them.

    A framework that loses its context while it streams has each tool in a trace of its
    own, between those of the calls.
    """
    if len(tasks) < 2:  # a run of nothing but tools has none that messages report
        return
    reported = _index_lone_tools(tasks)
    if not reported:
        return
    for task in tasks:
        steps = task.steps or []
        dropped = [s for s in steps if is_inferred(s) and _claim_tool(s, reported)]
        if dropped:
            gone = {id(step) for step in dropped}
            task.steps = [step for step in steps if id(step) not in gone]
            number_steps(task.steps)
            errors = [step.error for step in dropped if step.error]
            task.errors = [e for e in task.errors or () if e not in errors] or None


def _index_lone_tools(tasks: Sequence[TaskData]) -> LoneTools:
    """The tools of runs that have nothing else, by the tool's name, in order of time."""
    found: LoneTools = defaultdict(list)
    for task in tasks:
        steps = task.steps or ()
        if all(step.tool_call and not is_inferred(step) for step in steps):
            for step in steps:
                found[_get_tool_name(step)].append(step)
    return found


def _claim_tool(inferred: ExecutionStep, reported: LoneTools) -> bool:
    """Whether a run of the same tool ended before its result was passed on."""
    candidates = reported.get(_get_tool_name(inferred), [])
    passed_ns = get_start_ns(inferred)
    for step in candidates[:MAX_CANDIDATES]:
        end_ns = get_start_ns(step) + (step.duration_ms or 0) * 1_000_000
        is_before = passed_ns - MAX_PAUSE_NS <= end_ns <= passed_ns + SLACK_NS
        same = remove_spaces(step.input_preview or "") == remove_spaces(
            inferred.input_preview or ""
        )
        if is_before and same and inferred.input_preview:
            candidates.remove(step)
            return True
    return False


def _get_tool_name(step: ExecutionStep) -> str:
    return get_bare_name(step.tool_call.tool_name) if step.tool_call else ""
