"""The spans agentix itself emits, in the conventions' words.

`agentix.run`, `agentix.model` and `agentix.tool.<name>`: no model's name, no messages,
no failed status. Source: agentix-toolkit 0.5.0, agentix/tracing.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.spans import flag, present, text, whole
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import Attributes, LogEvent

TOOL = "agentix.tool."


def translated(
    records: Iterable[SpanRecord | LogEvent],
) -> list[SpanRecord | LogEvent]:
    """*records*, where agentix's own also say it as the conventions do."""
    return [
        _translated(each) if isinstance(each, SpanRecord) else each for each in records
    ]


def _translated(record: SpanRecord) -> SpanRecord:
    if "gen_ai.operation.name" in record.attributes:
        return record
    said = _words(record)
    if said is None:
        return record
    return replace(record, attributes={**present(said), **record.attributes})


def _words(record: SpanRecord) -> Mapping[str, Any] | None:
    if record.name == "agentix.run":
        return {"gen_ai.operation.name": "invoke_agent"}
    if record.name == "agentix.model":
        return _model(record.attributes)
    if record.name.startswith(TOOL):
        return _tool(record)
    return None


def _model(said: Attributes) -> Mapping[str, Any]:
    final = flag(said.get("agentix.is_final"))
    reasons = None if final is None else ["stop" if final else "tool_calls"]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "unknown",
        "gen_ai.usage.input_tokens": whole(said.get("agentix.input_tokens")),
        "gen_ai.usage.output_tokens": whole(said.get("agentix.output_tokens")),
        "gen_ai.response.finish_reasons": reasons,
    }


def _tool(record: SpanRecord) -> Mapping[str, Any]:
    named = text(record.attributes.get("agentix.tool.name"))
    failed = flag(record.attributes.get("agentix.tool.ok")) is False
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": named or record.name.removeprefix(TOOL),
        "error.type": "tool_error" if failed else None,
    }
