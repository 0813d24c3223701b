"""What one step, or one tool run of it, puts on its span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.models.carrying import carried
from infinium_otel.models.documents import compact, dump
from infinium_otel.models.letta.attributes import (
    INDEX,
    MARK,
    MESSAGES,
    METRICS,
    PROVIDER_TRACES,
    TIME_SOURCE,
    TOOL_MARK,
    step_attributes,
)
from infinium_otel.models.letta.messages import input_of, output_of
from infinium_otel.models.letta.provider_traces import provider_attributes
from infinium_otel.models.spans import as_json, from_json, present, text
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models import parts
    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.timing import Laid
    from infinium_otel.models.letta.types import (
        Message,
        ProviderTrace,
        Step,
        StepLog,
        StepMetrics,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """A step with all that Letta keeps of it."""

    index: int
    step: Step
    metrics: StepMetrics | None
    messages: tuple[Message, ...]
    provider_traces: tuple[ProviderTrace, ...]

    @property
    def all_messages(self) -> tuple[Message, ...]:
        """Those kept apart, else those the step itself holds."""
        return self.messages or self.step.messages


def step_span(account: Account, laid: Laid) -> dict[str, Any]:
    """The attributes of a step's own span."""
    step = account.step
    known = {
        **step_attributes(step),
        INDEX: account.index,
        TIME_SOURCE: laid.source,
        "gen_ai.input.messages": listed(input_of(account.all_messages)),
        "gen_ai.output.messages": listed(output_of(account.all_messages)),
        "letta.step.messages": dumped(step.messages),
        METRICS: as_json(compact(dump(account.metrics))) if account.metrics else None,
        MESSAGES: dumped(account.messages),
        PROVIDER_TRACES: dumped(account.provider_traces),
        MARK: step.id,
    }
    return {**provider_attributes(account.provider_traces), **present(known)}


def listed(messages: list[parts.Message]) -> str | None:
    """Messages as an attribute; None where there are none."""
    return as_json(messages) if messages else None


def dumped(records: Sequence[Any]) -> str | None:
    """Records as JSON; nulls on the first level are left out."""
    listed = [dump(record) for record in records]
    short = [{k: v for k, v in each.items() if v is not None} for each in listed]
    return as_json(short) if short else None


def log_attributes(log: StepLog) -> dict[str, Any]:
    """What belongs to no step, as attributes of the root."""
    return {
        "metrics": dumped(log.metrics),
        "messages": dumped(log.messages),
        "provider_traces": dumped(log.provider_traces),
        **carried(
            log, "", skip={"steps", "metrics", "messages", "provider_traces", "otel"}
        ),
    }


def failure_of_step(step: Step) -> Failure:
    """Why a step failed, by its error fields."""
    said = step.error_data or {}
    return Failure(
        step.error_type or step.stop_reason or "error",
        text(said.get("message")) or "",
        text(said.get("traceback")),
    )


def feedback_events(step: Step, record: SpanRecord) -> tuple[SpanEvent, ...]:
    """The feedback on a step, as the conventions tell an evaluation."""
    if step.feedback is None:
        return ()
    scores = {"positive": 1.0, "negative": 0.0}
    said = {
        "gen_ai.evaluation.name": "feedback",
        "gen_ai.evaluation.score.label": step.feedback,
    }
    if step.feedback in scores:
        said["gen_ai.evaluation.score.value"] = scores[step.feedback]  # type: ignore[assignment]  # attributes are of any kind
    return (SpanEvent("gen_ai.evaluation.result", record.end_ns, said),)


def tool_attributes(run: ToolRun) -> dict[str, Any]:
    """The attributes of a tool's span."""
    result = run.result
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": run.name,
        "gen_ai.tool.call.id": run.call_id,
        "gen_ai.tool.call.arguments": run.arguments,
        "gen_ai.tool.call.result": result
        if result is None or isinstance(result, str)
        else as_json(result),
        TOOL_MARK: run.key,
    }


def failure_of_tool(run: ToolRun) -> Failure:
    """Why a tool failed: its last line of stderr, else what it answered."""
    said = run.stderr or (run.result if isinstance(run.result, str) else "")
    kind, colon, message = (said or "").strip().rpartition("\n")[2].partition(": ")
    if run.stderr and colon and kind.replace(".", "").replace("_", "").isalnum():
        return Failure(kind, message, run.stderr if "\n" in run.stderr else None)
    answered = run.result if isinstance(run.result, str) else None
    message = answered or said or as_json(from_json(run.result))
    return Failure("tool_error", message)
