"""The older official spans of OpenAI's Agents SDK: GenAI keys, defaults for names.

Source: opentelemetry-instrumentation-openai-agents-v2 0.1.0 with openai-agents 0.24.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import first, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {"agent_name": first(text, "gen_ai.handoff.to_agent")}

_DEFAULTS = {
    "gen_ai.agent.name": ("agent_name", "OpenAI Agent"),
    "gen_ai.agent.id": ("agent_id", "agent"),
    "gen_ai.agent.description": (
        "agent_description",
        "OpenAI Agents instrumentation",
    ),
}
"""The instrumentation writes these on every span, whichever agent it belongs to."""


def refine(record: SpanRecord, facts: Facts) -> None:
    """Defaults name no agent; tasks and turns have no name at all."""
    for key, (fact, default) in _DEFAULTS.items():
        if record.attributes.get(key) == default:
            facts.setdefault(fact, None)
    if record.name == "unknown":
        put(facts, "weak_kind", "step")


OPENAI_AGENTS = Dialect(
    name="openai_agents",
    scopes=("opentelemetry.instrumentation.openai_agents",),
    fields=FIELDS,
    refine=refine,
    source="opentelemetry-instrumentation-openai-agents-v2 0.1.0",
)
