"""Translate the spans that agentix itself emits to the conventions.

These are `agentix.run`, `agentix.model` and `agentix.tool.<name>`. They have no model
name, no messages and no error status.

Source: agentix-toolkit 0.5.0, agentix/tracing.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.models.spans import as_bool, as_int, as_text, drop_nulls
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import Attributes, LogEvent

TOOL = "agentix.tool."


def translate(
    records: Iterable[SpanRecord | LogEvent],
) -> list[SpanRecord | LogEvent]:
    """*records*, with the conventions' attributes added to agentix's own spans."""
    return [
        _translate(each) if isinstance(each, SpanRecord) else each for each in records
    ]


def _translate(record: SpanRecord) -> SpanRecord:
    if "gen_ai.operation.name" in record.attributes:
        return record
    attributes = _to_semconv(record)
    if attributes is None:
        return record
    return replace(record, attributes={**drop_nulls(attributes), **record.attributes})


def _to_semconv(record: SpanRecord) -> Mapping[str, Any] | None:
    if record.name == "agentix.run":
        return {"gen_ai.operation.name": "invoke_agent"}
    if record.name == "agentix.model":
        return _model(record.attributes)
    if record.name.startswith(TOOL):
        return _tool(record)
    return None


def _model(attributes: Attributes) -> Mapping[str, Any]:
    final = as_bool(attributes.get("agentix.is_final"))
    reasons = None if final is None else ["stop" if final else "tool_calls"]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "unknown",
        "gen_ai.usage.input_tokens": as_int(attributes.get("agentix.input_tokens")),
        "gen_ai.usage.output_tokens": as_int(attributes.get("agentix.output_tokens")),
        "gen_ai.response.finish_reasons": reasons,
    }


def _tool(record: SpanRecord) -> Mapping[str, Any]:
    named = as_text(record.attributes.get("agentix.tool.name"))
    failed = as_bool(record.attributes.get("agentix.tool.ok")) is False
    return {
        **tool_attributes(named or record.name.removeprefix(TOOL)),
        "error.type": "tool_error" if failed else None,
    }
