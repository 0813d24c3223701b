"""Remove content from spans; lengths, counts and ids stay.

This is an allowlist: a vendor's free mapping may hold a prompt under any name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.spans import from_json, to_json, to_plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from infinium_otel.records import SpanEvent, SpanRecord

SAFE = frozenset(
    {
        "error.type",
        "exception.type",
        "category",
        "decision",
        "span.kind",
        "mcp.method.name",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.response.id",
        "gen_ai.response.finish_reasons",
        "gen_ai.tool.name",
        "gen_ai.tool.type",
        "gen_ai.tool.call.id",
        "gen_ai.agent.name",
        "gen_ai.agent.id",
        "gen_ai.conversation.id",
        "gen_ai.evaluation.name",
        "infinium.step.action",
        "infinium.task.name",
        "hud.agent.type",
        "hud.group_id",
        "hud.job_id",
        "hud.model",
        "hud.schema",
        "hud.step.source",
        "hud.step.stop_reason",
        "hud.step.times",
        "hud.task.id",
        "hud.task.phase",
        "hud.task_run_id",
        "hud.time_source",
        "hud.trace.status",
        "hud.trace.stop_reason",
        "agentix.outcome.reason",
        "agentix.outcome.status",
        "agentix.run.id",
        "agentix.time_source",
        "agentix.tool.decision",
        "server.address",
        "step_id",
        "letta.run.id",
        "letta.step.error_type",
        "letta.step.feedback",
        "letta.step.id",
        "letta.step.model_handle",
        "letta.step.origin",
        "letta.step.project_id",
        "letta.step.provider_category",
        "letta.step.provider_id",
        "letta.step.provider_name",
        "letta.step.request_id",
        "letta.step.status",
        "letta.step.stop_reason",
        "letta.step.time_source",
        "letta.step.trace_id",
        "letta.tool.key",
        "gen_ai.evaluation.score.label",
        "xpander.auth.type",
        "xpander.entry",
        "xpander.organization.id",
        "xpander.reasoning.type",
        "xpander.task.id",
        "xpander.task.parent_execution",
        "xpander.task.source",
        "xpander.task.status",
        "xpander.thread.id",
        "xpander.time_source",
        "xpander.tool.graph_node_id",
        "xpander.tool.id",
        "xpander.tool.operation_id",
        "xpander.tool.plan_task_id",
        "xpander.tool.request_id",
    }
)
"""Attributes whose text is a name, an id or an enumeration's value."""

TOOL_ERROR_TYPES = ("tool_error",)
"""Error types whose message is a tool's output."""


def remove_content(
    records: Iterable[SpanRecord], answers: Collection[str] = TOOL_ERROR_TYPES
) -> list[SpanRecord]:
    """*records* with each text that may be content replaced by its length.

    Args:
        answers: error types whose message is content: an answer or a tool's output.
    """
    return [_remove_content(record, answers) for record in records]


def _remove_content(record: SpanRecord, answers: Collection[str]) -> SpanRecord:
    is_answer = record.attributes.get("error.type") in answers
    return replace(
        record,
        attributes=_keep_safe(record.attributes),
        events=tuple(_remove_event_content(event, answers) for event in record.events),
        status_message=None if is_answer else record.status_message,
    )


def _remove_event_content(event: SpanEvent, answers: Collection[str]) -> SpanEvent:
    attributes = event.attributes
    if event.name == "exception" and attributes.get("exception.type") not in answers:
        return event
    return replace(event, attributes=_keep_safe(attributes))


def _keep_safe(attributes: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in attributes.items():
        if key in SAFE or isinstance(value, (bool, int, float)):
            kept[key] = value
        else:
            kept[f"{key}.length"] = len(value) if hasattr(value, "__len__") else 0
    return kept


def shrink_media(attribute: str | None, most: int) -> str | None:
    """Remove media longer than *most* characters of base64 from an attribute's JSON.

    Such a block keeps its type and gets its size in `bytes`.

    Args:
        attribute: JSON text; None and text that is not JSON are returned unchanged.
    """
    if attribute is None or len(attribute) <= most:
        return attribute
    found = from_json(attribute)
    return attribute if found is attribute else to_json(_shrink(to_plain(found), most))


def _shrink(value: Any, most: int) -> Any:
    if isinstance(value, list):
        return [_shrink(item, most) for item in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data", value.get("blob"))
    if isinstance(data, str) and len(data) > most and _is_media(value):
        left = {k: v for k, v in value.items() if k not in {"data", "blob"}}
        return {**left, "bytes": len(data) * 3 // 4}
    return {key: _shrink(item, most) for key, item in value.items()}


def _is_media(block: Mapping[str, Any]) -> bool:
    return bool({"mimeType", "mime_type", "media_type"} & block.keys())
