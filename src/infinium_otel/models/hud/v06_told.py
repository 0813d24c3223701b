"""What other instrumentations' spans tell, as steps of HUD 0.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import decode
from infinium_otel.messages import decode_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, facts_of
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import result_of, times_of
from infinium_otel.models.runs import output_text
from infinium_otel.models.spans import as_json

if TYPE_CHECKING:
    from infinium_otel.messages import ToolRequest
    from infinium_otel.models.runs import Told


def told_skeleton(told: Told) -> dict[str, Any]:
    """What any step of another instrumentation says."""
    started_at, ended_at = times_of(told.record)
    return {
        "started_at": started_at,
        "ended_at": ended_at,
        "extra": {FACTS: facts_of(told)},
    }


def told_step(told: Told) -> v06.Step:
    """The step that a span tells of."""
    if told.kind == "llm":
        return _told_turn(told)
    if told.kind == "tool":
        return _told_tool(told)
    failure = told.failure
    error = failure.message or failure.type if failure else None
    return v06.Step(source="system", error=error, **told_skeleton(told))


def _told_turn(told: Told) -> v06.AgentStep:
    reading, failure = told.reading, told.failure
    found = decode_messages(reading.output, "assistant")
    calls = tuple(_requested(r) for message in found for r in message.requests)
    thoughts = [message.thought for message in found if message.thought]
    usage = reading.usage
    return v06.AgentStep(
        **told_skeleton(told),
        error=(failure.message or failure.type) if failure else None,
        content=output_text(told),
        reasoning="\n".join(thoughts) or None,
        tool_calls=calls,
        done=not calls and failure is None,
        finish_reason=reading.finish_reasons[0] if reading.finish_reasons else None,
        stop_reason="length" if "length" in reading.finish_reasons else None,
        model=reading.model or reading.model_requested,
        usage=v06.Usage(
            prompt_tokens=usage.input,
            completion_tokens=usage.output,
            cached_tokens=usage.cache_read,
            cost_usd=reading.cost_usd,
        )
        if usage
        else None,
    )


def _requested(request: ToolRequest) -> v06.MCPToolCall:
    return v06.MCPToolCall(
        name=request.name, arguments=_arguments(request.arguments), id=request.id
    )


def _arguments(value: Any) -> Any:
    """Arguments as HUD takes them: an object, or the text that did not parse."""
    found = decode(value)
    if found is None or isinstance(found, (str, dict)):
        return found
    return as_json(found)


def _told_tool(told: Told) -> v06.ToolStep:
    reading = told.reading
    call = v06.MCPToolCall(
        name=reading.tool_name or told.record.name,
        arguments=_arguments(reading.arguments),
        id=reading.tool_call_id,
    )
    said = result_of(told)
    result = v06.tool_result_of(dump(said)) if said else None
    return v06.ToolStep(**told_skeleton(told), call=call, result=result)
