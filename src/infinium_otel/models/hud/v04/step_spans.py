"""The conventions' attributes for tool calls and model calls of HUD 0.4."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.hud import v04
from infinium_otel.models.hud.attributes import get_result_text, to_argument_text
from infinium_otel.models.hud.mcp import tool_result_of
from infinium_otel.models.spans import as_text, json_object, to_json
from infinium_otel.records import Failure, SpanRecord


def enrich(
    draft: SpanRecord, step: v04.TraceStep, provider: str | None
) -> tuple[SpanRecord, Failure | None]:
    """*draft* with the attributes of the step's tool or model call, and its failure."""
    call = _tool_call(step)
    if call is not None:
        return _tool(draft, step, call)
    response = _response(step) if step.category == "agent" else None
    if response is not None:
        return _chat(draft, response, provider)
    return draft, None


def _tool_call(step: v04.TraceStep) -> dict[str, Any] | None:
    """The parameters of an MCP `tools/call` request; None for any other step."""
    request = json_object(step.request) or {}
    if request.get("method") != "tools/call":
        return None
    params = json_object(request.get("params")) or {}
    return params if isinstance(params.get("name"), str) else None


def _tool(
    draft: SpanRecord, step: v04.TraceStep, call: dict[str, Any]
) -> tuple[SpanRecord, Failure | None]:
    attributes = {
        **tool_attributes(
            call["name"],
            call_id=as_text(call.get("id")),
            arguments=to_argument_text(call.get("arguments")),
            result=to_argument_text(step.result),
            tool_type="extension",
        ),
        "mcp.method.name": "tools/call",
    }
    result = json_object(step.result)
    failed = result is not None and result.get("isError") is True
    why = (
        Failure("tool_error", get_result_text(tool_result_of(result)))
        if failed
        else None
    )
    return _add_attributes(draft, f"execute_tool {call['name']}", attributes), why


def _response(step: v04.TraceStep) -> v04.AgentResponse | None:
    result = json_object(step.result)
    if result is None or not {"content", "tool_calls", "done"} & set(result):
        return None
    try:
        return v04.response_of(result)
    except InfiniumError:
        return None


def _chat(
    draft: SpanRecord, response: v04.AgentResponse, provider: str | None
) -> tuple[SpanRecord, Failure | None]:
    found: list[parts.Part] = []
    if response.reasoning is not None:
        found.append(parts.reasoning_part(response.reasoning))
    if response.content is not None:
        found.append(parts.text_part(response.content))
    calls = response.tool_calls
    found += [parts.tool_call_part(c.id, c.name, c.arguments) for c in calls]
    reason = "tool_calls" if calls else "stop"
    message = parts.message("assistant", found, finish_reason=reason)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": as_text(response.info.get("model")),
        "gen_ai.output.messages": to_json([message]),
        "gen_ai.response.finish_reasons": [reason],
    }
    failed = Failure("error", response.content or "") if response.isError else None
    name = f"chat {attributes['gen_ai.request.model'] or ''}".strip()
    return replace(_add_attributes(draft, name, attributes), kind=draft.kind), failed


def _add_attributes(
    draft: SpanRecord, name: str, attributes: dict[str, Any]
) -> SpanRecord:
    return replace(draft, name=name, attributes={**attributes, **draft.attributes})
