"""A step's status, stop reason and error, from its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.models.spans import json_list

if TYPE_CHECKING:
    from infinium_otel.models.runs import RunSpan

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
_TOOL_REASONS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call"})


def get_status(span: RunSpan) -> str:
    """The status of a step: never "success" for a span that has not ended."""
    if span.failure is not None:
        return "cancelled" if _is_cancelled(span) else "failed"
    if _is_cancelled(span):
        return "cancelled"
    return "pending" if span.record.end_ns <= 0 else "success"


def _is_cancelled(span: RunSpan) -> bool:
    kind = span.record.attributes.get("error.type")
    if span.failure is not None:
        kind = span.failure.type
    return isinstance(kind, str) and "cancel" in kind.lower()


def get_stop_reason(span: RunSpan, *, last: bool) -> str | None:
    """Why a step ended; None where more steps follow, or if it is unknown.

    Args:
        last: no step of the run follows.
    """
    status = get_status(span)
    if status == "cancelled":
        return "cancelled"
    if status == "failed":
        return "llm_api_error"
    if status == "pending":
        return None
    if _calls_unknown_tool(span):
        return "invalid_tool_call"
    reasons = [reason.lower() for reason in span.normalized.finish_reasons]
    if any(reason in _TOOL_REASONS for reason in reasons):
        return "tool_rule" if last else None
    return next((_REASONS[each] for each in reasons if each in _REASONS), None)


def _calls_unknown_tool(span: RunSpan) -> bool:
    """Whether the answer calls a tool that the request did not define."""
    offered = json_list(span.record.attributes.get("gen_ai.tool.definitions"))
    if not offered:
        return False
    names = {_name_in(each) for each in offered}
    answers = decode_messages(span.normalized.output, "assistant")
    return any(r.name not in names for answer in answers for r in answer.tool_calls)


def _name_in(definition: Any) -> str | None:
    if not isinstance(definition, dict):
        return None
    function = definition.get("function")
    found = function if isinstance(function, dict) else definition
    return found.get("name")


def get_error_fields(span: RunSpan) -> dict[str, Any]:
    """`error_type` and `error_data` as the server writes them; empty without a failure."""
    failure = span.failure
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
