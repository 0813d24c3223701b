"""AgentOps: older GenAI keys, flattened messages, kinds of its own.

Source: agentops 0.4.21 (`agentops.semconv`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    any_of,
    count,
    data,
    first,
    flag,
    one_of,
    text,
    texts,
    times,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "llm.call": "llm",
    "tool": "tool",
    "agent": "agent",
    "guardrail": "guardrail",
    "http": "http",
    "agent.thinking": "planning",
    "agent.decision": "planning",
}
REQUESTS = {"chat": "llm", "completion": "llm", "embedding": "embedding"}
GENERIC_KINDS = {
    "session": "workflow",
    "workflow": "workflow",
    "workflow.step": "step",
    "agent.action": "step",
    "task": "step",
    "operation": "step",
    "chain": "step",
    "text": "step",
    "unknown": "step",
}
_STREAM = "gen_ai.openai.chat_completions."

FIELDS = {
    "kind": first(one_of(KINDS), "agentops.span.kind")
    | first(one_of(REQUESTS), "gen_ai.request.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "agentops.span.kind"),
    "label": first(text, "agentops.entity.name", "operation.name"),
    "cache_read": first(count, "gen_ai.usage.cache_read_input_tokens"),
    "cache_write": first(count, "gen_ai.usage.cache_creation_input_tokens"),
    "reasoning": first(count, "gen_ai.usage.reasoning_tokens"),
    "streaming": first(flag, "gen_ai.request.streaming"),
    "finish_reasons": first(texts, "gen_ai.response.stop_reason"),
    "ttft_ms": first(
        times(1000),
        "gen_ai.streaming.time_to_first_token",
        _STREAM + "streaming_time_to_first_token",
    ),
    "agent_name": first(text, "agent.name"),
    "agent_id": first(text, "agent.id"),
    "agent_description": first(text, "agent.role"),
    "tool_name": first(text, "tool.name"),
    "tool_call_id": first(text, "tool.id"),
    "arguments": first(data, "tool.parameters"),
    "result": first(data, "tool.result"),
    "task_name": first(text, "workflow.name"),
    "conversation_id": first(text, "workflow.session_id"),
    "user_id": first(text, "workflow.user_id"),
    "tags": first(texts, "agentops.tags"),
    "failed": first(
        any_of("error fail failed failure"), "tool.status", "agentops.session.end_state"
    ),
    "input": first(
        data,
        "agentops.entity.input",
        "agentops.tool.input",
        "agentops.task.input",
        "agentops.operation.input",
        "agentops.guardrail.input",
        "workflow.input",
    ),
    "output": first(
        data,
        "agentops.entity.output",
        "agentops.tool.output",
        "agentops.task.output",
        "agentops.operation.output",
        "agentops.guardrail.output",
        "workflow.final_output",
        "workflow.output",
    ),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Anthropic's counts exclude cached tokens; names and content by kind."""
    attributes = record.attributes
    if "anthropic" in str(attributes.get("gen_ai.system", "")).lower():
        facts["excludes_cache"] = True
    kind = facts.get("kind")
    if "tool.call.type" in attributes:
        # a tool call in the response, whether the tool ran or not
        facts["dropped"] = True
    elif kind == "tool":
        as_tool(facts, facts.get("label") or record.name)
    elif kind == "agent":
        put(facts, "weak_agent_name", facts.get("label"))


AGENTOPS = Dialect(
    name="agentops",
    key_segments=("agentops",),
    scopes=("agentops", "openai", "anthropic"),
    fields=FIELDS,
    refine=refine,
    source="agentops 0.4.21",
)
