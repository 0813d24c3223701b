"""What the steps of a task report, as merging and comparing tasks read it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.taskdata import ExecutionStep, LlmCall, TaskData


def list_call_steps(task: TaskData) -> list[ExecutionStep]:
    """The steps of *task* that are model calls."""
    return [step for step in task.steps or () if step.llm_call]


def is_inferred(step: ExecutionStep) -> bool:
    """Whether only messages report the step: no span does."""
    return get_metadata_text(step, "source") == "messages"


def is_log(step: ExecutionStep) -> bool:
    """Whether a log record reports the step."""
    return get_metadata_text(step, "source") == "log"


def get_start_ns(step: ExecutionStep) -> int:
    """When the step began, in ns since the epoch."""
    return parse_ns(str(get_metadata_text(step, "start_time")))


def parse_ns(iso: str) -> int:
    """An ISO 8601 time as ns since the epoch, to the microsecond."""
    moment = datetime.fromisoformat(iso.replace("Z", "+00:00"))
    return int(moment.timestamp() * 1_000_000) * 1_000


def get_tokens(call: LlmCall | None) -> tuple[int, int] | None:
    """Prompt and completion tokens of *call*; None where either is unknown."""
    if call is None or call.prompt_tokens is None or call.completion_tokens is None:
        return None
    return call.prompt_tokens, call.completion_tokens


def get_metadata_text(step: ExecutionStep, name: str) -> str | None:
    """The text of an entry of the step's metadata; None where it has no text."""
    found = (step.metadata or {}).get(name)
    return found if isinstance(found, str) else None


def number_steps(steps: Sequence[ExecutionStep]) -> None:
    """Number *steps* from 1, in their order."""
    for place, step in enumerate(steps, 1):
        step.step_number = place
