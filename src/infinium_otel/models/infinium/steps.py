"""The attributes of the span of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.infinium.details import error_attributes, preview_attributes
from infinium_otel.models.spans import (
    as_number,
    as_text,
    to_attribute,
    to_json,
    to_plain,
)
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.taskdata import ErrorDetail, ExecutionStep, LlmCall

OPERATIONS = {
    "llm_inference": "chat",
    "llm_call": "chat",
    "embedding": "embeddings",
    "tool_use": "execute_tool",
    "agent": "invoke_agent",
    "subagent": "invoke_agent",
    "workflow": "invoke_workflow",
    "retrieval": "retrieval",
}
"""The conventions' operation name by action, where there is one."""

FAILURE_MARKS = frozenset({"error.type", "gen_ai.task.status"})
"""Attributes that mark a failure further down, on a span without its own error."""

MESSAGE_OPERATIONS = frozenset({"chat", "invoke_agent"})


def get_operation(step: ExecutionStep) -> str | None:
    """The conventions' operation name for a step; None where there is none."""
    if step.action in OPERATIONS:
        return OPERATIONS[step.action]
    if step.llm_call is not None:
        return "chat"
    return "execute_tool" if step.tool_call is not None else None


def make_span_name(step: ExecutionStep, operation: str | None) -> str:
    """A span's name as the conventions form it."""
    about = step.llm_call.model if step.llm_call else None
    about = step.tool_call.tool_name if step.tool_call else about
    return " ".join(each for each in (operation or step.action, about) if each)


def find_duration_ms(step: ExecutionStep) -> int | None:
    """A step's duration: its own, its tool's or its model call's; None if unknown."""
    candidates = [
        step.duration_ms,
        step.tool_call.duration_ms if step.tool_call else None,
        step.llm_call.latency_ms if step.llm_call else None,
    ]
    return next((each for each in candidates if each is not None), None)


def step_attributes(step: ExecutionStep, operation: str | None) -> dict[str, Any]:
    """A step's attributes under the conventions' names."""
    metadata = step.metadata or {}
    ttft_ms = as_number(metadata.get("time_to_first_chunk_ms"))
    facts = {
        key: to_attribute(value)
        for key, value in metadata.items()
        if key.startswith(("gen_ai.", "http."))
    }
    if operation == "invoke_agent":
        # `gen_ai.agent.name` in the metadata is the calling agent; the mapping writes
        # the called one into the description.
        _, _, facts["gen_ai.agent.name"] = step.description.rpartition("Ran agent ")
    return {
        **_native_attributes(step),
        **facts,
        "gen_ai.operation.name": operation,
        "gen_ai.response.time_to_first_chunk": ttft_ms / 1e3 if ttft_ms else None,
        "infinium.step.action": step.action,
        **_content_attributes(step, operation),
        **preview_attributes(step),
        **error_attributes(get_error(step)),
        **_call_attributes(step.llm_call, metadata),
    }


def _native_attributes(step: ExecutionStep) -> dict[str, Any]:
    """The span's original attributes, where the step has kept them."""
    kept = (step.metadata or {}).get("attributes")
    if not isinstance(kept, dict):
        return {}
    return {k: to_plain(v) for k, v in kept.items() if k not in FAILURE_MARKS}


def _content_attributes(step: ExecutionStep, operation: str | None) -> dict[str, Any]:
    """Input and output, under the keys that fit the operation."""
    tool = step.tool_call
    if tool is not None:
        return {
            "gen_ai.tool.name": tool.tool_name,
            "gen_ai.tool.call.arguments": tool.input_summary or step.input_preview,
            "gen_ai.tool.call.result": tool.output_summary or step.output_preview,
            "http.response.status_code": tool.http_status,
        }
    if operation in MESSAGE_OPERATIONS:
        return {
            "gen_ai.input.messages": to_message("user", step.input_preview),
            "gen_ai.output.messages": to_message("assistant", step.output_preview),
        }
    return {"input.value": step.input_preview, "output.value": step.output_preview}


def _call_attributes(
    call: LlmCall | None, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    if call is None:
        return {}
    requested = as_text(metadata.get("gen_ai.request.model"))
    return {
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": requested or call.model,
        "gen_ai.response.model": None if requested == call.model else call.model,
        "gen_ai.usage.input_tokens": call.prompt_tokens,
        "gen_ai.usage.output_tokens": call.completion_tokens,
        "gen_ai.request.temperature": call.temperature,
        "infinium.step.purpose": call.purpose,
    }


def to_message(role: str, content: str | None) -> str | None:
    """One message of the conventions as JSON; None if there is no text."""
    return (
        to_json([parts.message(role, [parts.text_part(content)])]) if content else None
    )


def get_error(step: ExecutionStep) -> ErrorDetail | None:
    """The error of a step or of its tool; None if there is none."""
    tool = step.tool_call.error if step.tool_call else None
    return step.error or tool


def to_failure(error: ErrorDetail) -> Failure:
    """An error as a span's failure."""
    return Failure(error.error_type, error.message, error.stack_trace)
