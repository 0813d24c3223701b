"""Request and result of a HUD 0.4 step, from any instrumentation's span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.messages import decode_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.hud import v04
from infinium_otel.models.hud.attributes import to_tool_result
from infinium_otel.models.hud.mcp import MCPToolCall
from infinium_otel.models.runs import get_output_text
from infinium_otel.models.spans import drop_nulls, from_json, to_iso, to_plain

if TYPE_CHECKING:
    from infinium_otel.models.runs import RunSpan


def get_exchange(span: RunSpan) -> tuple[Any, Any]:
    """Input and output of a span, in HUD's form."""
    attributes = span.record.attributes
    exchange = [
        next(
            (to_plain(from_json(attributes[key])) for key in keys if key in attributes),
            None,
        )
        for keys in (
            ("request", "traceloop.entity.input"),
            ("result", "traceloop.entity.output"),
        )
    ]
    if exchange != [None, None]:
        return exchange[0], exchange[1]
    if span.kind == "tool":
        return _get_tool_exchange(span)
    if span.kind == "llm":
        return _get_model_exchange(span)
    return None, None


def _get_tool_exchange(span: RunSpan) -> tuple[Any, Any]:
    normalized = span.normalized
    params = drop_nulls(
        {
            "name": normalized.tool_name or span.record.name,
            "arguments": to_plain(from_json(normalized.arguments)),
            "id": normalized.tool_call_id,
        }
    )
    result = to_tool_result(span)
    return {"method": "tools/call", "params": params}, dump(result) if result else None


def _get_model_exchange(span: RunSpan) -> tuple[Any, Any]:
    """The input as messages, the output as an `AgentResponse`."""
    messages = decode_messages(span.normalized.input)
    request = {
        "messages": [{"role": m.role, "content": m.text_and_calls} for m in messages]
    }
    return (request if messages else None), dump(_to_response(span))


def _to_response(span: RunSpan) -> v04.AgentResponse:
    """The output of a model call's span."""
    found = decode_messages(span.normalized.output, "assistant")
    calls = tuple(
        MCPToolCall(name=r.name, arguments=to_plain(r.arguments), id=r.id)
        for message in found
        for r in message.tool_calls
    )
    thoughts = [message.reasoning for message in found if message.reasoning]
    failed = span.failure is not None
    return v04.AgentResponse(
        tool_calls=calls,
        done=not calls and not failed,
        content=get_output_text(span),
        reasoning="\n".join(thoughts) or None,
        isError=failed,
        start_timestamp=to_iso(span.record.start_ns),
        end_timestamp=to_iso(span.record.end_ns),
    )
