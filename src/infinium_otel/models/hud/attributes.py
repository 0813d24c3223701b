"""Shared by both generations of HUD's types: ids, times, rewards, tool results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.hud.mcp import MCPToolResult, TextContent, tool_result_of
from infinium_otel.models.spans import (
    as_number,
    as_text,
    canonical_json,
    from_json,
    json_list,
    json_object,
    to_iso,
    to_json,
    to_ns,
    to_trace_id,
)
from infinium_otel.records import SpanEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import RunSpan
    from infinium_otel.records import SpanRecord

SCOPE = "hud"
NAMESPACE = "hud.task_run:"
"""HUD's own prefix for ids that are not a UUID."""

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
"""The provider of an agent type; other types may use any provider."""

_AGENT_TYPES = {
    "anthropic": "claude",
    "openai": "openai",
    "gcp.gemini": "gemini",
    "google": "gemini",
}


def agent_type_of(provider: str | None) -> str | None:
    """HUD's agent type for a provider of the conventions.

    Returns:
        "openai_compatible" for a provider without an agent type of its own; None if
        *provider* is None.
    """
    return _AGENT_TYPES.get(provider, "openai_compatible") if provider else None


def make_trace_id(run_id: str | None, document: Any) -> str:
    """The trace id of a run: from its own id, else from its content."""
    return to_trace_id(run_id or canonical_json(document), NAMESPACE)


def find_times(
    start: str | None, end: str | None, earliest_ns: int
) -> tuple[int, int, dict[str, Any]]:
    """A step's times in ns, and attributes that keep the original texts if needed.

    Args:
        start: ISO 8601; without a valid one the step begins at its end, or at
            *earliest_ns*.
        end: ISO 8601; a missing end, or one before the start, is the start.
        earliest_ns: end of the previous step.
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
        kept["hud.step.times"] = to_json([start, end])
    return first, last, kept


def read_times(record: SpanRecord) -> tuple[str | None, str | None]:
    """A step's original start and end; else the span's."""
    kept = json_list(record.attributes.get("hud.step.times"))
    if kept is not None and len(kept) == 2:
        return as_text(kept[0]), as_text(kept[1])
    return to_iso(record.start_ns), to_iso(record.end_ns)


def make_evaluation_event(
    name: str, value: Any, time_ns: int, why: Any = None
) -> SpanEvent:
    """An evaluation's score as an event of the conventions."""
    attributes = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": as_number(value),
        "gen_ai.evaluation.explanation": as_text(why),
    }
    given = {key: item for key, item in attributes.items() if item is not None}
    return SpanEvent(EVALUATION, time_ns, given)


def make_evaluation_events(
    reward: Any, scores: Iterable[tuple[str, Any, Any]], time_ns: int
) -> tuple[SpanEvent, ...]:
    """The reward and its subscores, as events."""
    events = [make_evaluation_event("reward", reward, time_ns)]
    events += [
        make_evaluation_event(name, value, time_ns, why) for name, value, why in scores
    ]
    return tuple(events)


def read_subscores(info: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name, value and explanation of each subscore in *info*."""
    found = info.get("subscores")
    if isinstance(found, dict):
        return [(str(name), value, None) for name, value in found.items()]
    listed = json_list(found) or []
    return [
        (
            as_text(item.get("name")) or "unknown",
            item.get("value"),
            item.get("explanation"),
        )
        for item in listed
        if isinstance(item, dict)
    ]


def read_reward(record: SpanRecord) -> float | None:
    """A run's reward: its attribute, the event of that name, or the only evaluation.

    Returns:
        None if the run was not graded.
    """
    reward = as_number(record.attributes.get("hud.trace.reward"))
    if reward is not None:
        return reward
    scored = [event.attributes for event in record.events if event.name == EVALUATION]
    named = [e for e in scored if e.get("gen_ai.evaluation.name") == "reward"]
    chosen = named[:1] or (scored if len(scored) == 1 else [])
    return as_number(chosen[0].get("gen_ai.evaluation.score.value")) if chosen else None


def to_tool_result(span: RunSpan) -> MCPToolResult | None:
    """A tool's result as an MCP result; None if the span has none.

    Any other result is wrapped: its text as a block, and a JSON object as structured
    content too.
    """
    failure = span.failure
    result = from_json(span.normalized.result)
    if result is None and failure is None:
        return None
    fields = json_object(result)
    if fields is not None and isinstance(fields.get("content"), list):
        return tool_result_of(fields)
    text = failure.message if result is None and failure else result
    text = text if isinstance(text, str) else to_json(text)
    return MCPToolResult(
        content=(TextContent(text),),
        structuredContent=fields,
        isError=failure is not None,
    )


def get_result_text(result: MCPToolResult) -> str:
    """The text of a result's blocks."""
    blocks = [b.text for b in result.content if isinstance(b, TextContent)]
    return "\n".join(blocks)


def to_argument_text(value: Any) -> str | None:
    """Arguments for an attribute: JSON, or the raw text that did not parse."""
    if value is None:
        return None
    raw = isinstance(value, str) and from_json(value) == value
    return value if raw else to_json(value)
