"""Strands Agents: GenAI keys, content in events, durations in milliseconds.

Source: strands-agents 1.10.0 and 1.62.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import amount, data, first, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects.messages import decode_messages

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

SCOPES = ("strands.telemetry.tracer", "strands-agents")

FIELDS = {
    "system": first(data, "system_prompt"),
    "ttft_ms": first(amount, "gen_ai.server.time_to_first_token"),
    "conversation_id": first(text, "session.id"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's status is an attribute, the reason of a failure only in its result."""
    attributes = record.attributes
    status = attributes.get("gen_ai.tool.status", attributes.get("tool.status"))
    if status == "error":
        facts["failed"] = True
        facts["error_type"] = "tool_error"
        result = _find_result(record)
        if result:
            facts["error_message"] = result
    if record.name.startswith("execute_event_loop_cycle"):
        facts["weak_kind"] = "step"


def _find_result(record: SpanRecord) -> str | None:
    for event in reversed(record.events):
        if event.name == "gen_ai.choice":
            messages = decode_messages(event.attributes.get("message"), "assistant")
            return next((m.text for m in messages if m.text), None)
    return None


STRANDS = Dialect(
    name="strands",
    key_segments=("event_loop", "system_prompt"),
    scopes=SCOPES,
    fields=FIELDS,
    refine=refine,
    source="strands-agents 1.10.0 and 1.62.0",
)
