"""What any span tells, as the request and result of a step of HUD 0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.messages import decode_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.hud import v04
from infinium_otel.models.hud.attributes import result_of
from infinium_otel.models.hud.mcp import MCPToolCall
from infinium_otel.models.runs import output_text
from infinium_otel.models.spans import from_json, plain, present, to_iso

if TYPE_CHECKING:
    from infinium_otel.models.runs import Told


def exchange(told: Told) -> tuple[Any, Any]:
    """What went in and what came out, as HUD would have it."""
    said = told.record.attributes
    given = [
        next((plain(from_json(said[key])) for key in keys if key in said), None)
        for keys in (
            ("request", "traceloop.entity.input"),
            ("result", "traceloop.entity.output"),
        )
    ]
    if given != [None, None]:
        return given[0], given[1]
    if told.kind == "tool":
        return _tool_exchange(told)
    if told.kind == "llm":
        return _model_exchange(told)
    return None, None


def _tool_exchange(told: Told) -> tuple[Any, Any]:
    reading = told.reading
    params = present(
        {
            "name": reading.tool_name or told.record.name,
            "arguments": plain(from_json(reading.arguments)),
            "id": reading.tool_call_id,
        }
    )
    result = result_of(told)
    return {"method": "tools/call", "params": params}, dump(result) if result else None


def _model_exchange(told: Told) -> tuple[Any, Any]:
    """The question as messages, the answer as an AgentResponse."""
    asked = decode_messages(told.reading.input)
    request = {"messages": [{"role": m.role, "content": m.said} for m in asked]}
    return (request if asked else None), dump(_response_in(told))


def _response_in(told: Told) -> v04.AgentResponse:
    """The answer that a model call's span tells of."""
    found = decode_messages(told.reading.output, "assistant")
    calls = tuple(
        MCPToolCall(name=r.name, arguments=plain(r.arguments), id=r.id)
        for message in found
        for r in message.requests
    )
    thoughts = [message.thought for message in found if message.thought]
    failed = told.failure is not None
    return v04.AgentResponse(
        tool_calls=calls,
        done=not calls and not failed,
        content=output_text(told),
        reasoning="\n".join(thoughts) or None,
        isError=failed,
        start_timestamp=to_iso(told.record.start_ns),
        end_timestamp=to_iso(told.record.end_ns),
    )
