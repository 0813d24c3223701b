"""The span of each kind of step of HUD 0.6."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.models import parts
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import get_result_text, to_argument_text
from infinium_otel.models.spans import to_json
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord


def skeleton(step: v06.Step) -> dict[str, Any]:
    """The attributes that all kinds of steps have."""
    return {
        "hud.schema": step.schema,
        "hud.step.source": step.source,
        "hud.step.id": step.step_id,
        "hud.step.error": step.error,
        "hud.step.messages": to_json(dump(step.messages)) if step.messages else None,
        "hud.step.task_call": to_json(dump(step.task_call)) if step.task_call else None,
        "hud.step.extra": to_json(dump(step.extra)) if step.extra else None,
    }


def to_chat_span(
    draft: SpanRecord, step: v06.AgentStep, provider: str | None
) -> SpanRecord:
    """The model's turn."""
    usage = step.usage or v06.Usage()
    reasons = [step.finish_reason] if step.finish_reason is not None else None
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": None if FACTS in step.extra else step.model,
        "gen_ai.response.model": step.model if FACTS in step.extra else None,
        "gen_ai.response.finish_reasons": reasons,
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "hud.usage.cost_usd": usage.cost_usd,
        "gen_ai.usage.cost": usage.cost_usd,
        "hud.usage.llm_call_count": usage.llm_call_count,
        "gen_ai.output.messages": _answer(step),
        "hud.step.done": step.done,
        "hud.step.stop_reason": step.stop_reason,
        "hud.response.refusal": step.refusal,
        "hud.response.citations": to_json(dump(step.citations))
        if step.citations
        else None,
    }
    name = f"chat {step.model}" if step.model else "chat"
    return replace(
        draft, name=name, kind="client", attributes={**draft.attributes, **attributes}
    )


def _answer(step: v06.AgentStep) -> str | None:
    found: list[parts.Part] = []
    if step.reasoning is not None:
        found.append(parts.reasoning_part(step.reasoning))
    if step.content is not None:
        found.append(parts.text_part(step.content))
    found += [_call_part(call) for call in step.tool_calls]
    message = parts.message("assistant", found, finish_reason=step.finish_reason)
    return to_json([message]) if found else None


def _call_part(call: v06.MCPToolCall) -> parts.Part:
    part = parts.tool_call_part(call.id, call.name, call.arguments)
    marks = {
        **_call_attributes(call),
        "_meta": call.meta,
        "hud.other": dict(call.other) or None,
    }
    return {**part, **{k: v for k, v in marks.items() if v is not None}}


def _call_attributes(call: v06.MCPToolCall) -> Mapping[str, Any]:
    return {
        "hud.tool.annotation": call.annotation,
        "hud.tool.provider_name": call.provider_name,
    }


def to_tool_span(draft: SpanRecord, step: v06.ToolStep) -> SpanRecord:
    """A tool call with its result."""
    call, result = step.call, step.result
    attributes: dict[str, Any] = {
        **tool_attributes(
            call.name if call else None,
            call_id=call.id if call else None,
            arguments=to_argument_text(call.arguments) if call else None,
            result=None if result is None else to_json(dump(result)),
            tool_type="extension",
        ),
        "mcp.method.name": "tools/call",
    }
    if call is not None:
        attributes |= {
            **_call_attributes(call),
            "hud.tool.meta": None if call.meta is None else to_json(call.meta),
            "hud.tool.other": to_json(dict(call.other)) if call.other else None,
        }
    name = f"execute_tool {call.name}" if call else "execute_tool"
    return replace(draft, name=name, attributes={**draft.attributes, **attributes})


def to_task_span(draft: SpanRecord, call: v06.TaskCall) -> SpanRecord:
    """The span of a setup or evaluation call: a tool call, but not by a model."""
    attributes = {
        **tool_attributes(
            call.name,
            arguments=to_argument_text(call.arguments),
            result=to_argument_text(call.result),
            tool_type="extension",
        ),
        "hud.task.phase": call.phase,
    }
    name = f"execute_tool {call.name}"
    return replace(draft, name=name, attributes={**draft.attributes, **attributes})


def to_step_failure(step: v06.Step) -> Failure | None:
    """The failure of a step; None if it did not fail."""
    if step.error is not None:
        return Failure("error", step.error)
    if isinstance(step, v06.ToolStep) and step.result and step.result.isError:
        return Failure("tool_error", get_result_text(step.result))
    return None
