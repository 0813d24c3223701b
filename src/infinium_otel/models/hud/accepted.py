"""A step as HUD 0.6's own classes accept it: they refuse what they do not know.

A word outside HUD's lists becomes None, or "system" for a source; a content block or
message of a foreign shape becomes its text. Our own records keep what was said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump
from infinium_otel.models.hud import mcp, v06
from infinium_otel.models.spans import as_json, signature, trace_id_of, uuid_of

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


def accepted_trace(trace: v06.Trace) -> v06.Trace:
    """*trace* as `hud.types.Trace` accepts it."""
    return replace(
        trace,
        steps=tuple(accepted_step(step) for step in trace.steps),
        status=_known(trace.status, STATUSES),
        stop_reason=_known(trace.stop_reason, STOP_REASONS),
    )


def accepted_step(step: v06.Step) -> v06.Step:
    """*step* as the class of HUD's that its source names accepts it."""
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
            stop_reason=_known(step.stop_reason, STOP_CONDITIONS),
        )
    if isinstance(step, v06.ToolStep):
        return replace(
            step,
            call=_call(step.call) if step.call else None,
            result=_result(step.result) if step.result else None,
        )
    if isinstance(step, v06.SubagentStep):
        return replace(step, subagent=accepted_trace(step.subagent))
    return step


def _known(word: str | None, words: frozenset[str]) -> str | None:
    return word if word in words else None


def _call(call: v06.MCPToolCall) -> v06.MCPToolCall:
    fits = call.arguments is None or isinstance(call.arguments, (str, dict))
    arguments = call.arguments if fits else as_json(dump(call.arguments))
    return replace(
        call,
        arguments=arguments,
        # HUD gives a call without an id a new one each time it is read; by this one
        # the model's request and the tool's run still belong together.
        id=call.id or uuid_of(trace_id_of(signature(dump(call)), "hud.tool_call:")),
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
    return mcp.TextContent(as_json(dump(block)))


def _is_resource(resource: Mapping[str, Any]) -> bool:
    held = resource.get("text", resource.get("blob"))
    return isinstance(resource.get("uri"), str) and isinstance(held, str)


def _message(item: Any) -> dict[str, Any]:
    """A prompt message: a role and one content block."""
    said = item if isinstance(item, dict) else {}
    role = said.get("role") if said.get("role") in ("user", "assistant") else "user"
    content = said.get("content")
    if isinstance(content, dict):
        shown = _block(mcp.block_of(content))
    else:
        shown = mcp.TextContent(content if isinstance(content, str) else as_json(item))
    return {"role": role, "content": dump(shown)}
