"""Mastra: a span type of its own beside the GenAI keys, content under the type's name.

Source: @mastra/otel-exporter 1.4.0 with @mastra/core 1.71.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import data, first, one_of, text, texts
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool
from infinium_otel.dialects._provider_objects import put_response

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "model_inference": "llm",
    # around one inference, whose messages are only here
    "model_step": "llm",
    "llm_generation": "llm",
    "model_chunk": "lifecycle",
    "tool_call": "tool",
    "mcp_tool_call": "tool",
    "client_tool_call": "tool",
    "provider_tool_call": "tool",
    "agent_run": "agent",
    "rag_embedding": "embedding",
    "memory_operation": "memory",
    "scorer_run": "evaluator",
    "scorer_step": "evaluator",
    "classifier_evaluation": "evaluator",
}
GENERIC_KINDS = {
    "workflow_run": "workflow",
    "workflow_step": "step",
    "workflow_conditional": "step",
    "workflow_conditional_eval": "step",
    "workflow_parallel": "step",
    "workflow_loop": "step",
    "workflow_sleep": "step",
    "workflow_wait_event": "step",
    # the call itself, until inferences had spans of their own
    "model_generation": "step",
    "processor_run": "step",
    "mcp_server_request": "step",
    "workspace_action": "step",
    "rag_ingestion": "step",
    "generic": "step",
}

_TYPES = (*KINDS, *GENERIC_KINDS)

FIELDS = {
    "kind": first(one_of(KINDS), "mastra.span.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "mastra.span.type"),
    "tags": first(texts, "mastra.tags"),
    "conversation_id": first(text, "mastra.metadata.threadId"),
    "user_id": first(text, "mastra.metadata.userId", "mastra.metadata.resourceId"),
    # under the type's own name
    "input": first(data, *(f"mastra.{kind}.input" for kind in _TYPES)),
    "output": first(data, *(f"mastra.{kind}.output" for kind in _TYPES)),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result; a step keeps the whole response."""
    if facts.get("kind") == "tool":
        as_tool(facts, text(record.attributes.get("gen_ai.tool.name")))
    elif facts.get("kind") == "llm":
        put_response(facts, record.attributes.get("mastra.metadata.body"))


MASTRA = Dialect(
    name="mastra",
    key_segments=("mastra",),
    fields=FIELDS,
    refine=refine,
    source="@mastra/otel-exporter 1.4.0",
)
