"""What one step of a task puts on its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.spans import as_json, attribute, number, plain, text
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
"""The convention's word for each action that it has one for."""

FAILURE_MARKS = frozenset({"error.type", "gen_ai.task.status"})
"""What a span without an error of its own says of one below it."""

SPOKEN = frozenset({"chat", "invoke_agent"})


def operation_of(step: ExecutionStep) -> str | None:
    """The convention's word for what a step did; None where it has none."""
    if step.action in OPERATIONS:
        return OPERATIONS[step.action]
    if step.llm_call is not None:
        return "chat"
    return "execute_tool" if step.tool_call is not None else None


def span_name(step: ExecutionStep, operation: str | None) -> str:
    """A span's name by the conventions."""
    about = step.llm_call.model if step.llm_call else None
    about = step.tool_call.tool_name if step.tool_call else about
    return " ".join(each for each in (operation or step.action, about) if each)


def duration_ms(step: ExecutionStep) -> int | None:
    """How long a step took, by whatever tells it; None if nothing does."""
    told = [
        step.duration_ms,
        step.tool_call.duration_ms if step.tool_call else None,
        step.llm_call.latency_ms if step.llm_call else None,
    ]
    return next((each for each in told if each is not None), None)


def step_attributes(step: ExecutionStep, operation: str | None) -> dict[str, Any]:
    """A step's attributes by the conventions."""
    said = step.metadata or {}
    ttft_ms = number(said.get("time_to_first_chunk_ms"))
    facts = {
        key: attribute(value)
        for key, value in said.items()
        if key.startswith(("gen_ai.", "http."))
    }
    if operation == "invoke_agent":
        # The agent named there is the one above; its own name stands in the sentence.
        _, _, facts["gen_ai.agent.name"] = step.description.rpartition("Ran agent ")
    return {
        **_kept(step),
        **facts,
        "gen_ai.operation.name": operation,
        "gen_ai.response.time_to_first_chunk": ttft_ms / 1e3 if ttft_ms else None,
        "infinium.step.action": step.action,
        **_texts(step, operation),
        **_call(step.llm_call, said),
    }


def _kept(step: ExecutionStep) -> dict[str, Any]:
    """The span's own attributes, where the step kept them."""
    kept = (step.metadata or {}).get("attributes")
    if not isinstance(kept, dict):
        return {}
    return {k: plain(v) for k, v in kept.items() if k not in FAILURE_MARKS}


def _texts(step: ExecutionStep, operation: str | None) -> dict[str, Any]:
    """What went in and what came out, where the operation has a place for it."""
    tool = step.tool_call
    if tool is not None:
        return {
            "gen_ai.tool.name": tool.tool_name,
            "gen_ai.tool.call.arguments": tool.input_summary or step.input_preview,
            "gen_ai.tool.call.result": tool.output_summary or step.output_preview,
            "http.response.status_code": tool.http_status,
        }
    if operation in SPOKEN:
        return {
            "gen_ai.input.messages": message("user", step.input_preview),
            "gen_ai.output.messages": message("assistant", step.output_preview),
        }
    return {"input.value": step.input_preview, "output.value": step.output_preview}


def _call(call: LlmCall | None, said: Mapping[str, Any]) -> dict[str, Any]:
    if call is None:
        return {}
    asked = text(said.get("gen_ai.request.model"))
    return {
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": asked or call.model,
        "gen_ai.response.model": None if asked == call.model else call.model,
        "gen_ai.usage.input_tokens": call.prompt_tokens,
        "gen_ai.usage.output_tokens": call.completion_tokens,
        "gen_ai.request.temperature": call.temperature,
        "infinium.step.purpose": call.purpose,
    }


def message(role: str, said: str | None) -> str | None:
    """One message of the conventions as JSON; None for no text."""
    return as_json([parts.message(role, [parts.text_part(said)])]) if said else None


def error_of(step: ExecutionStep) -> ErrorDetail | None:
    """What went wrong in a step; None if nothing did."""
    tool = step.tool_call.error if step.tool_call else None
    return step.error or tool


def failure_of(error: ErrorDetail) -> Failure:
    """An error as a span tells it."""
    return Failure(error.error_type, error.message, error.stack_trace)
