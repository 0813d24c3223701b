"""Mastra: a span type of its own beside the GenAI keys.

Source: the attributes as LangWatch and Langfuse's server (August 2026) read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import data, first, one_of, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "model_generation": "llm",
    "llm_generation": "llm",
    "tool_call": "tool",
    "mcp_tool_call": "tool",
    "agent_run": "agent",
}
GENERIC_KINDS = {
    "workflow_run": "workflow",
    "workflow_step": "step",
    "model_step": "step",
    "model_chunk": "step",
    "generic": "step",
}

FIELDS = {
    "kind": first(one_of(KINDS), "mastra.span.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "mastra.span.type"),
    "input": first(data, "mastra.input", "mastra.span.input"),
    "output": first(data, "mastra.output", "mastra.span.output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result."""
    if facts.get("kind") == "tool":
        as_tool(facts, text(record.attributes.get("gen_ai.tool.name")))


MASTRA = Dialect(
    name="mastra",
    speaks=("mastra",),
    fields=FIELDS,
    refine=refine,
    source="mastra (2026), as its readers take it",
)
