"""The results of a batch, for both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import BatchError, InfiniumError, ValidationError
from infinium_otel.taskdata import ApiResponse, BatchResult
from infinium_otel.taskdata.limits.fields import truncate
from infinium_otel.taskdata.values import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    Result = ApiResponse | InfiniumError | None

SHOWN_NAME_LENGTH = 100


def check_batch(tasks: Sequence[Any], max_concurrent: Any) -> None:
    """Check the arguments of a batch.

    Raises:
        ValidationError: it is empty, or `max_concurrent` is not a positive number.
    """
    if not tasks:
        raise ValidationError("tasks: the list is empty", field="tasks")
    if not isinstance(max_concurrent, int) or max_concurrent < 1:
        raise ValidationError(
            "max_concurrent: must be 1 or more", field="max_concurrent"
        )


def make_batch_result(tasks: Sequence[Any], results: Sequence[Result]) -> BatchResult:
    """The result of a whole batch, in the order of its tasks."""
    responses, errors = [], []
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, ApiResponse):
            responses.append(result)
            continue
        message = _describe_failure(task, result)
        errors.append(message)
        status = result.status_code if result else None
        responses.append(
            ApiResponse(False, status, message, {"task_name": _get_name(task)})  # noqa: FBT003 - the vendor's first field
        )
    return BatchResult(len(tasks) - len(errors), len(errors), responses, errors)


def make_batch_error(tasks: Sequence[Any], results: Sequence[Result]) -> BatchError:
    """The error of a batch that make_batch_error at a failure."""
    failures = [
        _describe_failure(task, result)
        for task, result in zip(tasks, results, strict=True)
        if isinstance(result, InfiniumError)
    ]
    delivered = sum(isinstance(result, ApiResponse) for result in results)
    return BatchError(
        f"the batch make_batch_error: {failures[0]}",
        successful_count=delivered,
        errors=failures,
    )


def _describe_failure(task: Any, error: Result) -> str:
    return f"Task {_get_name(task)!r} failed: {error}"


def _get_name(task: Any) -> str:
    name = task.get("name") if isinstance(task, dict) else getattr(task, "name", task)
    return truncate(describe(name), SHOWN_NAME_LENGTH)
