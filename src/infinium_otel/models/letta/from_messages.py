"""What a span said, as Letta's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.messages import decode_messages
from infinium_otel.models.letta.attributes import made_id
from infinium_otel.models.letta.types import Message, ToolReturn
from infinium_otel.models.spans import as_json, to_iso

if TYPE_CHECKING:
    from infinium_otel.messages import Message as Said
    from infinium_otel.models.letta.types import Step
    from infinium_otel.models.runs import Told
    from infinium_otel.records import Failure


def call_messages(told: Told, step: Step, *, asked: bool) -> list[Message]:
    """The messages of a model call: the user's before the first, and the answers.

    Args:
        asked: whether what the user said last is told too.
    """
    record, reading = told.record, told.reading
    found = []
    if asked:
        said = [m for m in decode_messages(reading.input) if m.role == "user"]
        found = [_message(told, step, m, "in", record.start_ns) for m in said[-1:]]
    for number, answer in enumerate(decode_messages(reading.output, "assistant")):
        place = f"out{number}"
        ended = max(record.start_ns, record.end_ns)
        found.append(_message(told, step, answer, place, ended))
    return found


def _message(told: Told, step: Step, said: Said, place: str, at_ns: int) -> Message:
    record = told.record
    calls = tuple(
        {
            "id": request.id or made_id("call", record.span_id, place, number),
            "type": "function",
            "function": {
                "name": request.name,
                "arguments": _json_text(request.arguments),
            },
        }
        for number, request in enumerate(said.requests)
    )
    return Message(
        id=made_id("message", record.trace_id, record.span_id, place),
        role="user" if place == "in" else "assistant",
        agent_id=step.agent_id,
        model=None if place == "in" else step.model,
        content=tuple(_content(said)),
        tool_calls=calls or None,
        step_id=step.id,
        run_id=step.run_id,
        created_at=to_iso(at_ns),
    )


def _content(said: Said) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if said.thought:
        found.append(
            {"type": "reasoning", "is_native": True, "reasoning": said.thought}
        )
    if said.text:
        found.append({"type": "text", "text": said.text})
    return found


def _json_text(arguments: Any) -> str:
    """Arguments as the JSON text that Letta keeps."""
    return "{}" if arguments is None else as_json(arguments)


def tool_message(told: Told, step_id: str | None) -> Message:
    """A tool's span as the message that brings its answer.

    Args:
        step_id: the step that asked for it; None where no step did.
    """
    record, reading, failure = told.record, told.reading, told.failure
    result = reading.result
    shown = result if result is None or isinstance(result, str) else as_json(result)
    if shown is None and failure is not None:
        shown = failure.message
    return Message(
        id=made_id("message", record.trace_id, record.span_id, "tool"),
        role="tool",
        name=reading.tool_name or record.name,
        content=({"type": "text", "text": shown},) if shown is not None else None,
        tool_call_id=reading.tool_call_id,
        tool_returns=(
            ToolReturn(
                status="success" if failure is None else "error",
                tool_call_id=reading.tool_call_id,
                stderr=_stderr(failure) if failure else None,
                func_response=shown,
            ),
        ),
        step_id=step_id,
        created_at=to_iso(max(record.start_ns, record.end_ns)),
    )


def _stderr(failure: Failure) -> tuple[str, ...]:
    """What Python prints last: the error's type and message."""
    return (failure.stack_trace or f"{failure.type}: {failure.message}",)
