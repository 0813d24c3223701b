"""Finding the tasks that repeat another task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.dedup.copies import Copy, ReportedRun, find_copies
from infinium_otel.mapping.dedup.reported_calls import ReportedCall
from infinium_otel.mapping.dedup.steps import (
    get_metadata_text,
    get_start_ns,
    get_tokens,
    is_inferred,
    is_log,
    list_call_steps,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.taskdata import ExecutionStep, TaskData

RESPONSE = "gen_ai.response.id"

TEXT_WEIGHT = 100
"""How many other facts a question or an answer is worth, to choose the richer report."""


def find_copied_tasks(tasks: Sequence[TaskData]) -> list[Copy]:
    """Which of *tasks* repeat another of them; see `find_copies`."""
    if len(tasks) < 2 or not _may_have_copies(tasks):
        return []
    return find_copies([_to_reported_run(task) for task in tasks])


def _may_have_copies(tasks: Sequence[TaskData]) -> bool:
    """Whether several instrumentations report calls, or one also by log records.

    Mostly one does, and reading all that it reports takes longer than this.
    """
    scopes = set()
    for task in tasks:
        for step in list_call_steps(task):
            scopes.add(get_metadata_text(step, "otel.scope"))
            if len(scopes) > 1 or is_log(step):
                return True
    return False


def _to_reported_run(task: TaskData) -> ReportedRun:
    steps = task.steps or []
    calls = list_call_steps(task)
    tags = (task.environment and task.environment.custom_tags) or {}
    service = tags.get("service.name")
    return ReportedRun(
        tuple(_to_reported_call(step, service) for step in calls),
        sum(not is_inferred(step) for step in steps),
        sum(map(_count_facts, calls)),
        all(step.llm_call or is_inferred(step) for step in steps),
    )


def _to_reported_call(step: ExecutionStep, service: str | None) -> ReportedCall:
    start_ns = get_start_ns(step)
    return ReportedCall(
        scope=get_metadata_text(step, "otel.scope"),
        start_ns=start_ns,
        end_ns=start_ns + (step.duration_ms or 0) * 1_000_000,
        response_id=get_metadata_text(step, RESPONSE),
        tokens=get_tokens(step.llm_call),
        question=step.input_preview,
        answer=step.output_preview,
        model=step.llm_call.model if step.llm_call else None,
        service=service,
        failed=step.error is not None,
        is_log=is_log(step),
    )


def _count_facts(step: ExecutionStep) -> int:
    texts = (step.input_preview, step.output_preview)
    known = sum(text is not None for text in texts)
    has_tokens = get_tokens(step.llm_call) is not None
    return TEXT_WEIGHT * known + has_tokens + len(step.metadata or {})
