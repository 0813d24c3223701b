"""How a step ended, from its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.messages import decode_messages
from infinium_otel.models.spans import json_list

if TYPE_CHECKING:
    from infinium_otel.models.runs import Told

_REASONS = {
    "stop": "end_turn",
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "completed": "end_turn",
    "length": "max_tokens_exceeded",
    "max_tokens": "max_tokens_exceeded",
    "max_output_tokens": "max_tokens_exceeded",
    "content_filter": "invalid_llm_response",
    "safety": "invalid_llm_response",
    "refusal": "invalid_llm_response",
    "error": "llm_api_error",
}
_ASKED_FOR_TOOLS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call"})


def status_of(told: Told) -> str:
    """The status of a step: never "success" for a span that has not ended."""
    if told.failure is not None:
        return "cancelled" if _is_cancelled(told) else "failed"
    if _is_cancelled(told):
        return "cancelled"
    return "pending" if told.record.end_ns <= 0 else "success"


def _is_cancelled(told: Told) -> bool:
    kind = told.record.attributes.get("error.type")
    if told.failure is not None:
        kind = told.failure.type
    return isinstance(kind, str) and "cancel" in kind.lower()


def stop_reason_of(told: Told, *, last: bool) -> str | None:
    """Why a step ended; None where more steps follow, or the span does not say.

    Args:
        last: no step of the run follows.
    """
    status = status_of(told)
    if status == "cancelled":
        return "cancelled"
    if status == "failed":
        return "llm_api_error"
    if status == "pending":
        return None
    if _asks_for_unknown_tool(told):
        return "invalid_tool_call"
    reasons = [reason.lower() for reason in told.reading.finish_reasons]
    if any(reason in _ASKED_FOR_TOOLS for reason in reasons):
        return "tool_rule" if last else None
    return next((_REASONS[each] for each in reasons if each in _REASONS), None)


def _asks_for_unknown_tool(told: Told) -> bool:
    """Whether the answer calls a tool that the request did not offer."""
    offered = json_list(told.record.attributes.get("gen_ai.tool.definitions"))
    if not offered:
        return False
    names = {_name_in(each) for each in offered}
    answers = decode_messages(told.reading.output, "assistant")
    return any(r.name not in names for answer in answers for r in answer.requests)


def _name_in(definition: Any) -> str | None:
    if not isinstance(definition, dict):
        return None
    function = definition.get("function")
    found = function if isinstance(function, dict) else definition
    return found.get("name")


def error_of(told: Told) -> dict[str, Any]:
    """`error_type` and `error_data` as the server writes them; empty without one."""
    failure = told.failure
    if failure is None:
        return {}
    return {
        "error_type": failure.type,
        "error_data": {
            "message": failure.message,
            "traceback": failure.stack_trace,
            "details": None,
        },
    }
