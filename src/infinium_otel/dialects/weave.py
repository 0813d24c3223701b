"""Weights & Biases' Weave: its spans of other SDKs' runs, its attributes on any span.

Source: weave 0.54.0 (`integrations/openai_agents/otel_processor.py`); `weave.span.kind`
and `wandb.*` are what its server reads, with OpenInference's words for kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    data,
    first,
    member,
    one_of,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put
from infinium_otel.dialects.openinference import GENERIC_KINDS, KINDS

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_AGENTS = "weave.openai_agents."

FIELDS = {
    "kind": first(one_of(KINDS), "weave.span.kind"),
    "weak_kind": first(one_of(GENERIC_KINDS), "weave.span.kind"),
    "model": first(text, f"{_AGENTS}transcription.model", f"{_AGENTS}speech.model"),
    "agent_name": first(
        text, f"{_AGENTS}turn.agent_name", f"{_AGENTS}handoff.to_agent"
    ),
    "task_name": first(text, f"{_AGENTS}task.workflow_name"),
    "label": first(text, f"{_AGENTS}guardrail.name", "wandb.display_name"),
    "input": first(data, f"{_AGENTS}speech.input"),
    "output": first(data, f"{_AGENTS}transcription.output"),
    "conversation_id": first(text, "wandb.thread_id"),
    "user_id": first(text, "wandb.user_id"),
    "failure_message": first(member("error", text), f"{_AGENTS}error.data"),
}

_KINDS = {
    "handoff.to_agent": "handoff",
    "guardrail.name": "guardrail",
    "transcription.model": "llm",
    "speech.model": "llm",
    "mcp.server": "mcp",
}
_FRAMES = {"task.workflow_name": "workflow", "turn.agent_name": "step"}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds of the Agents SDK's spans, by the keys on them."""
    for key, kind in _KINDS.items():
        if _AGENTS + key in record.attributes:
            put(facts, "kind", kind)
    for key, kind in _FRAMES.items():
        if _AGENTS + key in record.attributes:
            put(facts, "weak_kind", kind)


WEAVE = Dialect(
    name="weave",
    key_segments=("weave", "wandb"),
    scopes=("weave",),
    fields=FIELDS,
    refine=refine,
    source="weave 0.54.0",
)
