"""Reduce a step to what HUD 0.6's own classes accept: they reject unknown values.

A word outside HUD's enumerations becomes None, or "system" for a source. A content block
or message of an unknown shape becomes its text. Our own records keep the original.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump
from infinium_otel.models.hud import mcp, v06
from infinium_otel.models.spans import canonical_json, to_json, to_trace_id, to_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = frozenset(
    {"user", "agent", "tool", "task", "subagent", "system"}
    | {"observation", "inference", "video_segment"}
)
STATUSES = frozenset({"completed", "error", "cancelled"})
STOP_REASONS = frozenset(
    {"done", "max_steps", "length", "timeout", "malformed_tool_call"}
)
STOP_CONDITIONS = frozenset({"length", "malformed_tool_call"})
PHASES = frozenset({"setup", "evaluate"})


def conform_trace(trace: v06.Trace) -> v06.Trace:
    """*trace* as `hud.types.Trace` accepts it."""
    return replace(
        trace,
        steps=tuple(conform_step(step) for step in trace.steps),
        status=_known_word(trace.status, STATUSES),
        stop_reason=_known_word(trace.stop_reason, STOP_REASONS),
    )


def conform_step(step: v06.Step) -> v06.Step:
    """*step* as HUD's class for its source accepts it."""
    call = step.task_call
    step = replace(
        step,
        source=step.source if step.source in SOURCES else "system",
        messages=tuple(_message(item) for item in step.messages),
        task_call=call if call and call.phase in PHASES else None,
    )
    if isinstance(step, v06.AgentStep):
        calls = tuple(_call(call) for call in step.tool_calls)
        return replace(
            step,
            tool_calls=calls,
            stop_reason=_known_word(step.stop_reason, STOP_CONDITIONS),
        )
    if isinstance(step, v06.ToolStep):
        return replace(
            step,
            call=_call(step.call) if step.call else None,
            result=_result(step.result) if step.result else None,
        )
    if isinstance(step, v06.SubagentStep):
        return replace(step, subagent=conform_trace(step.subagent))
    return step


def _known_word(word: str | None, words: frozenset[str]) -> str | None:
    return word if word in words else None


def _call(call: v06.MCPToolCall) -> v06.MCPToolCall:
    fits = call.arguments is None or isinstance(call.arguments, (str, dict))
    arguments = call.arguments if fits else to_json(dump(call.arguments))
    return replace(
        call,
        arguments=arguments,
        # HUD gives a call without an id a new one each time it reads it. This id is
        # stable, so that the model's request and the tool's run still match.
        id=call.id
        or to_uuid(to_trace_id(canonical_json(dump(call)), "hud.tool_call:")),
        meta=call.meta if isinstance(call.meta, dict) else None,
        other={},
    )


def _result(result: v06.MCPToolResult) -> v06.MCPToolResult:
    meta = result.meta if isinstance(result.meta, dict) else None
    blocks = tuple(_block(block) for block in result.content)
    return replace(result, content=blocks, meta=meta, other={})


def _block(block: Any) -> Any:
    if isinstance(block, (mcp.TextContent, mcp.ResourceLink)):
        return block
    media = isinstance(block, (mcp.ImageContent, mcp.AudioContent))
    if media and block.data is not None and block.mimeType is not None:
        return block
    if isinstance(block, mcp.EmbeddedResource) and _is_resource(block.resource):
        return block
    return mcp.TextContent(to_json(dump(block)))


def _is_resource(resource: Mapping[str, Any]) -> bool:
    held = resource.get("text", resource.get("blob"))
    return isinstance(resource.get("uri"), str) and isinstance(held, str)


def _message(item: Any) -> dict[str, Any]:
    """A prompt message: a role and one content block."""
    fields = item if isinstance(item, dict) else {}
    role = fields.get("role") if fields.get("role") in ("user", "assistant") else "user"
    content = fields.get("content")
    if isinstance(content, dict):
        block = _block(mcp.block_of(content))
    else:
        block = mcp.TextContent(content if isinstance(content, str) else to_json(item))
    return {"role": role, "content": dump(block)}
