"""LiveKit's voice agents: `lk.*` beside the GenAI keys.

Source: livekit-agents 1.8.9 (`telemetry/trace_types.py`); the keys of earlier versions,
without `pii`, as MLflow 3.18.0 reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    flag,
    structure,
    text,
    times,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import dig, put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {"llm_request": "llm", "function_tool": "tool", "agent_handoff": "handoff"}
GENERIC_KINDS = {
    "job_entrypoint": "workflow",
    "agent_session": "workflow",
    "agent_turn": "step",
    "user_turn": "step",
    "llm_node": "step",
    "tts_node": "step",
    "tts_request": "step",
}

FIELDS = {
    "agent_name": first(text, "lk.agent_name", "lk.agent_label"),
    "retry_count": first(count, "lk.retry_count"),
    "ttft_ms": first(times(1000), "lk.response.ttft"),
    "tool_name": first(text, "lk.function_tool.name"),
    "tool_call_id": first(text, "lk.function_tool.id"),
    "arguments": first(
        data, "lk.pii.function_tool.arguments", "lk.function_tool.arguments"
    ),
    "result": first(data, "lk.pii.function_tool.output", "lk.function_tool.output"),
    "failed": first(flag, "lk.function_tool.is_error"),
    "system": first(text, "lk.pii.instructions", "lk.instructions"),
    "input": first(data, "lk.pii.chat_ctx", "lk.chat_ctx")
    | first(text, "lk.pii.user_input", "lk.user_input")
    | first(text, "lk.pii.user_transcript", "lk.user_transcript")
    | first(text, "lk.pii.input_text", "lk.input_text"),
    "output": first(text, "lk.pii.response.text", "lk.response.text")
    | first(data, "lk.pii.response.function_calls", "lk.response.function_calls"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by the span's name, which is fixed here."""
    if record.name in KINDS:
        facts["kind"] = KINDS[record.name]
    else:
        put(facts, "weak_kind", GENERIC_KINDS.get(record.name))
    # A chat context is an object around its list of messages.
    items = dig(structure(facts.get("input")), "items")
    if items:
        facts["input"] = items


LIVEKIT = Dialect(
    name="livekit",
    key_segments=("lk",),
    scopes=("livekit-agents",),
    fields=FIELDS,
    refine=refine,
    source="livekit-agents 1.8.9",
)
