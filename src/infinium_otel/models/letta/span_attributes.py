"""The attributes of a step's span and of its tools' spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.models.documents import drop_all_nulls, dump
from infinium_otel.models.field_attributes import write_fields
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
from infinium_otel.models.letta.messages import to_input, to_output
from infinium_otel.models.letta.provider_traces import provider_attributes
from infinium_otel.models.spans import as_text, drop_nulls, from_json, to_json
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models import parts
    from infinium_otel.models.letta.layout import Layout
    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.types import (
        Message,
        ProviderTrace,
        Step,
        StepLog,
        StepMetrics,
    )


@dataclass(frozen=True, slots=True)
class StepRecords:
    """A step with all its records.

    Args:
        index: its place in the log.
        metrics: None if there are none.
        messages: those that Letta keeps apart from the step.
    """

    index: int
    step: Step
    metrics: StepMetrics | None
    messages: tuple[Message, ...]
    provider_traces: tuple[ProviderTrace, ...]

    @property
    def all_messages(self) -> tuple[Message, ...]:
        """The messages kept apart from the step, else those in the step itself."""
        return self.messages or self.step.messages


def step_span_attributes(records: StepRecords, layout: Layout) -> dict[str, Any]:
    """The attributes of a step's own span."""
    step = records.step
    known = {
        **step_attributes(step),
        INDEX: records.index,
        TIME_SOURCE: layout.source,
        "gen_ai.input.messages": to_attribute(to_input(records.all_messages)),
        "gen_ai.output.messages": to_attribute(to_output(records.all_messages)),
        "letta.step.messages": dump_records(step.messages),
        METRICS: to_json(drop_all_nulls(dump(records.metrics)))
        if records.metrics
        else None,
        MESSAGES: dump_records(records.messages),
        PROVIDER_TRACES: dump_records(records.provider_traces),
        MARK: step.id,
    }
    return {**provider_attributes(records.provider_traces), **drop_nulls(known)}


def to_attribute(messages: list[parts.Message]) -> str | None:
    """Messages as an attribute; None where there are none."""
    return to_json(messages) if messages else None


def dump_records(records: Sequence[Any]) -> str | None:
    """Records as JSON, without their null fields; None for no records."""
    listed = [dump(record) for record in records]
    short = [{k: v for k, v in each.items() if v is not None} for each in listed]
    return to_json(short) if short else None


def log_attributes(log: StepLog) -> dict[str, Any]:
    """The records that belong to no step, as attributes of the root."""
    return {
        "metrics": dump_records(log.metrics),
        "messages": dump_records(log.messages),
        "provider_traces": dump_records(log.provider_traces),
        **write_fields(
            log, "", skip={"steps", "metrics", "messages", "provider_traces", "otel"}
        ),
    }


def to_step_failure(step: Step) -> Failure:
    """The failure of a step, from its error fields."""
    error = step.error_data or {}
    return Failure(
        step.error_type or step.stop_reason or "error",
        as_text(error.get("message")) or "",
        as_text(error.get("traceback")),
    )


def feedback_events(step: Step, record: SpanRecord) -> tuple[SpanEvent, ...]:
    """The feedback on a step, as an evaluation event of the conventions."""
    if step.feedback is None:
        return ()
    scores = {"positive": 1.0, "negative": 0.0}
    attributes = {
        "gen_ai.evaluation.name": "feedback",
        "gen_ai.evaluation.score.label": step.feedback,
    }
    if step.feedback in scores:
        attributes["gen_ai.evaluation.score.value"] = scores[step.feedback]  # type: ignore[assignment]  # attributes are of any kind
    return (SpanEvent("gen_ai.evaluation.result", record.end_ns, attributes),)


def to_tool_attributes(run: ToolRun) -> dict[str, Any]:
    """The attributes of a tool's span."""
    result = run.result
    return {
        **tool_attributes(
            run.name,
            call_id=run.call_id,
            arguments=run.arguments,
            result=result
            if result is None or isinstance(result, str)
            else to_json(result),
        ),
        TOOL_MARK: run.key,
    }


def to_tool_failure(run: ToolRun) -> Failure:
    """The failure of a tool: its last line of stderr, else its result."""
    output = run.stderr or (run.result if isinstance(run.result, str) else "")
    kind, colon, message = (output or "").strip().rpartition("\n")[2].partition(": ")
    if run.stderr and colon and kind.replace(".", "").replace("_", "").isalnum():
        return Failure(kind, message, run.stderr if "\n" in run.stderr else None)
    response = run.result if isinstance(run.result, str) else None
    message = response or output or to_json(from_json(run.result))
    return Failure("tool_error", message)
