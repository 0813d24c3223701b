"""What both generations of HUD's types need to become spans and to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.hud.mcp import MCPToolResult, TextContent, tool_result_of
from infinium_otel.models.spans import (
    as_json,
    from_json,
    json_list,
    json_object,
    number,
    signature,
    text,
    to_iso,
    to_ns,
    trace_id_of,
)
from infinium_otel.records import SpanEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import Told
    from infinium_otel.records import SpanRecord

SCOPE = "hud"
NAMESPACE = "hud.task_run:"
"""HUD's own prefix for ids that are no UUID."""

EVALUATION = "gen_ai.evaluation.result"

PROVIDERS = {
    "claude": "anthropic",
    "claude_cli": "anthropic",
    "openai": "openai",
    "operator": "openai",
    "codex_cli": "openai",
    "gemini": "gcp.gemini",
    "gemini_cua": "gcp.gemini",
}
"""The provider behind an agent type; any other type may use any provider."""

_AGENT_TYPES = {
    "anthropic": "claude",
    "openai": "openai",
    "gcp.gemini": "gemini",
    "google": "gemini",
}


def agent_type_of(provider: str | None) -> str | None:
    """HUD's agent type for a provider of the conventions.

    Returns:
        "openai_compatible" for a provider HUD has no agent of its own for; None where
        the provider is unknown.
    """
    return _AGENT_TYPES.get(provider, "openai_compatible") if provider else None


def run_trace_id(run_id: str | None, document: Any) -> str:
    """The trace id of a run: by its own id, else by what it holds."""
    return trace_id_of(run_id or signature(document), NAMESPACE)


def timing(
    start: str | None, end: str | None, earliest_ns: int
) -> tuple[int, int, dict[str, Any]]:
    """A step's times in ns, and the attributes that keep what these cannot say.

    Args:
        start: ISO 8601; None (or what is none) makes the step begin where it ends,
            or at *earliest_ns*.
        end: likewise; a missing end, or one before the start, is the start.
        earliest_ns: where the step before it ended.
    """
    end_ns = to_ns(end)
    start_ns = to_ns(start)
    first = (
        (end_ns if end_ns is not None else earliest_ns)
        if start_ns is None
        else start_ns
    )
    last = max(first, first if end_ns is None else end_ns)
    kept: dict[str, Any] = {}
    if start_ns is None:
        kept["hud.time_source"] = "synthetic"
    if (start, end) != (to_iso(first), to_iso(last)):
        kept["hud.step.times"] = as_json([start, end])
    return first, last, kept


def times_of(record: SpanRecord) -> tuple[str | None, str | None]:
    """A step's start and end as HUD had them; else as the span has them."""
    kept = json_list(record.attributes.get("hud.step.times"))
    if kept is not None and len(kept) == 2:
        return text(kept[0]), text(kept[1])
    return to_iso(record.start_ns), to_iso(record.end_ns)


def reward_event(name: str, value: Any, time_ns: int, why: Any = None) -> SpanEvent:
    """An evaluation's score, as the conventions tell it."""
    told = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": number(value),
        "gen_ai.evaluation.explanation": text(why),
    }
    kept = {key: item for key, item in told.items() if item is not None}
    return SpanEvent(EVALUATION, time_ns, kept)


def evaluations(
    reward: Any, scores: Iterable[tuple[str, Any, Any]], time_ns: int
) -> tuple[SpanEvent, ...]:
    """The reward, and what it was made of, as events."""
    events = [reward_event("reward", reward, time_ns)]
    events += [reward_event(name, value, time_ns, why) for name, value, why in scores]
    return tuple(events)


def subscores(info: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name, value and explanation of each part of a reward that *info* holds."""
    found = info.get("subscores")
    if isinstance(found, dict):
        return [(str(name), value, None) for name, value in found.items()]
    listed = json_list(found) or []
    return [
        (
            text(item.get("name")) or "unknown",
            item.get("value"),
            item.get("explanation"),
        )
        for item in listed
        if isinstance(item, dict)
    ]


def reward_of(record: SpanRecord) -> float | None:
    """A run's reward: its attribute, the event of that name, or the only evaluation.

    Returns:
        None if nobody graded the run.
    """
    told = number(record.attributes.get("hud.trace.reward"))
    if told is not None:
        return told
    scored = [event.attributes for event in record.events if event.name == EVALUATION]
    named = [e for e in scored if e.get("gen_ai.evaluation.name") == "reward"]
    chosen = named[:1] or (scored if len(scored) == 1 else [])
    return number(chosen[0].get("gen_ai.evaluation.score.value")) if chosen else None


def result_of(told: Told) -> MCPToolResult | None:
    """What a tool answered, as MCP has it; None if the span does not say.

    A result that is no MCP result becomes one: its text as a block, and a JSON
    object as structured content too.
    """
    failure = told.failure
    result = from_json(told.reading.result)
    if result is None and failure is None:
        return None
    said = json_object(result)
    if said is not None and isinstance(said.get("content"), list):
        return tool_result_of(said)
    shown = failure.message if result is None and failure else result
    shown = shown if isinstance(shown, str) else as_json(shown)
    return MCPToolResult(
        content=(TextContent(shown),),
        structuredContent=said,
        isError=failure is not None,
    )


def result_text(result: MCPToolResult) -> str:
    """The text of a result's blocks."""
    blocks = [b.text for b in result.content if isinstance(b, TextContent)]
    return "\n".join(blocks)


def argument_text(value: Any) -> str | None:
    """Arguments for an attribute: JSON, or the raw text that did not parse."""
    if value is None:
        return None
    raw = isinstance(value, str) and from_json(value) == value
    return value if raw else as_json(value)
