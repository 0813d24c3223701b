"""Other instrumentations' spans as steps of HUD 0.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads
from infinium_otel.dialects.messages import decode_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, write_facts
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import read_times, to_tool_result
from infinium_otel.models.runs import get_output_text
from infinium_otel.models.spans import to_json

if TYPE_CHECKING:
    from infinium_otel.dialects.messages import ToolCallPart
    from infinium_otel.models.runs import RunSpan


def derive_skeleton(span: RunSpan) -> dict[str, Any]:
    """The fields that any step of another instrumentation has."""
    started_at, ended_at = read_times(span.record)
    return {
        "started_at": started_at,
        "ended_at": ended_at,
        "extra": {FACTS: write_facts(span)},
    }


def derive_step(span: RunSpan) -> v06.Step:
    """The step for a span."""
    if span.kind == "llm":
        return _derive_turn(span)
    if span.kind == "tool":
        return _derive_tool(span)
    failure = span.failure
    error = failure.message or failure.type if failure else None
    return v06.Step(source="system", error=error, **derive_skeleton(span))


def _derive_turn(span: RunSpan) -> v06.AgentStep:
    normalized, failure = span.normalized, span.failure
    found = decode_messages(normalized.output, "assistant")
    calls = tuple(_to_tool_call(r) for message in found for r in message.tool_calls)
    thoughts = [message.reasoning for message in found if message.reasoning]
    usage = normalized.usage
    return v06.AgentStep(
        **derive_skeleton(span),
        error=(failure.message or failure.type) if failure else None,
        content=get_output_text(span),
        reasoning="\n".join(thoughts) or None,
        tool_calls=calls,
        done=not calls and failure is None,
        finish_reason=normalized.finish_reasons[0]
        if normalized.finish_reasons
        else None,
        stop_reason="length" if "length" in normalized.finish_reasons else None,
        model=normalized.model or normalized.model_requested,
        usage=v06.Usage(
            prompt_tokens=usage.input,
            completion_tokens=usage.output,
            cached_tokens=usage.cache_read,
            cost_usd=normalized.cost_usd,
        )
        if usage
        else None,
    )


def _to_tool_call(request: ToolCallPart) -> v06.MCPToolCall:
    return v06.MCPToolCall(
        name=request.name, arguments=_arguments(request.arguments), id=request.id
    )


def _arguments(value: Any) -> Any:
    """Arguments as HUD accepts them: an object, or the text that did not parse."""
    found = loads(value)
    if found is None or isinstance(found, (str, dict)):
        return found
    return to_json(found)


def _derive_tool(span: RunSpan) -> v06.ToolStep:
    normalized = span.normalized
    call = v06.MCPToolCall(
        name=normalized.tool_name or span.record.name,
        arguments=_arguments(normalized.arguments),
        id=normalized.tool_call_id,
    )
    tool_result = to_tool_result(span)
    result = v06.tool_result_of(dump(tool_result)) if tool_result else None
    return v06.ToolStep(**derive_skeleton(span), call=call, result=result)
