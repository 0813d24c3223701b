"""Runs told twice: a client's own traces of calls that a framework's trace tells.

Where a framework does not make its spans current, the client library's spans under it
become traces of their own. Only the response id ties the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.taskdata import ExecutionStep, TaskData

RESPONSE = "gen_ai.response.id"


def copies(tasks: Sequence[TaskData | None]) -> set[int]:
    """Which of *tasks* only repeat what a larger one among them tells.

    Args:
        tasks: those that leave together; None for a trace that is no task.

    Returns:
        Indices of tasks whose every model call stands, by its response id, in a task
        of more steps, or an earlier one of as many. A task with any other work of its own is no copy.
    """
    told = [_response_ids(task) for task in tasks]
    if sum(map(bool, told)) < 2:
        return set()
    sizes = [len(task.steps or ()) if task else 0 for task in tasks]
    return {
        index
        for index, ids in enumerate(told)
        if ids
        and _has_only_calls(tasks[index])
        and any(
            ids <= others and (sizes[other], -other) > (sizes[index], -index)
            for other, others in enumerate(told)
            if other != index
        )
    }


def _response_ids(task: TaskData | None) -> frozenset[str]:
    """The answers a task's calls got; empty where one of them has no id."""
    steps = (task.steps if task else None) or []
    ids = [_response_id(step) for step in steps if step.llm_call]
    return frozenset(i for i in ids if i) if all(ids) else frozenset()


def _has_only_calls(task: TaskData | None) -> bool:
    """Whether a task has nothing but model calls and what their messages tell."""
    return task is not None and all(
        step.llm_call or (step.metadata or {}).get("source") == "messages"
        for step in task.steps or ()
    )


def _response_id(step: ExecutionStep) -> str | None:
    found = (step.metadata or {}).get(RESPONSE)
    return found if isinstance(found, str) else None
