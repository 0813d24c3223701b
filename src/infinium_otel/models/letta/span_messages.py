"""The messages of spans, as Letta's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.models.letta.attributes import make_id
from infinium_otel.models.letta.types import Message, ToolReturn
from infinium_otel.models.spans import to_iso, to_json

if TYPE_CHECKING:
    from infinium_otel.dialects.messages import Message as DecodedMessage
    from infinium_otel.models.letta.types import Step
    from infinium_otel.models.runs import RunSpan
    from infinium_otel.records import Failure


def call_messages(span: RunSpan, step: Step, *, with_prompt: bool) -> list[Message]:
    """The messages of a model call: its answers, and before the first the prompt.

    Args:
        with_prompt: whether to include the user's last message.
    """
    record, normalized = span.record, span.normalized
    found = []
    if with_prompt:
        prompts = [m for m in decode_messages(normalized.input) if m.role == "user"]
        found = [_message(span, step, m, "in", record.start_ns) for m in prompts[-1:]]
    for number, answer in enumerate(decode_messages(normalized.output, "assistant")):
        place = f"out{number}"
        ended = max(record.start_ns, record.end_ns)
        found.append(_message(span, step, answer, place, ended))
    return found


def _message(
    span: RunSpan, step: Step, decoded: DecodedMessage, place: str, at_ns: int
) -> Message:
    record = span.record
    calls = tuple(
        {
            "id": request.id or make_id("call", record.span_id, place, number),
            "type": "function",
            "function": {
                "name": request.name,
                "arguments": _to_json_text(request.arguments),
            },
        }
        for number, request in enumerate(decoded.tool_calls)
    )
    return Message(
        id=make_id("message", record.trace_id, record.span_id, place),
        role="user" if place == "in" else "assistant",
        agent_id=step.agent_id,
        model=None if place == "in" else step.model,
        content=tuple(_content(decoded)),
        tool_calls=calls or None,
        step_id=step.id,
        run_id=step.run_id,
        created_at=to_iso(at_ns),
    )


def _content(decoded: DecodedMessage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if decoded.reasoning:
        found.append(
            {"type": "reasoning", "is_native": True, "reasoning": decoded.reasoning}
        )
    if decoded.text:
        found.append({"type": "text", "text": decoded.text})
    return found


def _to_json_text(arguments: Any) -> str:
    """Arguments as JSON text, which is how Letta stores them."""
    return "{}" if arguments is None else to_json(arguments)


def tool_message(span: RunSpan, step_id: str | None) -> Message:
    """A tool's span as the message with its result.

    Args:
        step_id: the step that called it; None where no step did.
    """
    record, normalized, failure = span.record, span.normalized, span.failure
    result = normalized.result
    response = result if result is None or isinstance(result, str) else to_json(result)
    if response is None and failure is not None:
        response = failure.message
    return Message(
        id=make_id("message", record.trace_id, record.span_id, "tool"),
        role="tool",
        name=normalized.tool_name or record.name,
        content=({"type": "text", "text": response},) if response is not None else None,
        tool_call_id=normalized.tool_call_id,
        tool_returns=(
            ToolReturn(
                status="success" if failure is None else "error",
                tool_call_id=normalized.tool_call_id,
                stderr=_stderr(failure) if failure else None,
                func_response=response,
            ),
        ),
        step_id=step_id,
        created_at=to_iso(max(record.start_ns, record.end_ns)),
    )


def _stderr(failure: Failure) -> tuple[str, ...]:
    """The stack trace, or the error's type and message as Python prints them."""
    return (failure.stack_trace or f"{failure.type}: {failure.message}",)
