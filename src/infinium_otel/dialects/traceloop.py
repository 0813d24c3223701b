"""OpenLLMetry (Traceloop), before and after its move to the GenAI conventions.

Source: opentelemetry-instrumentation-* (OpenLLMetry) 0.40.14 and 0.62.4,
opentelemetry-semantic-conventions-ai 0.5.1, traceloop-sdk 0.62.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    any_of,
    count,
    data,
    first,
    flag,
    one_of,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put
from infinium_otel.dialects._llama_index import find_current_agent
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {"agent": "agent", "tool": "tool", "handoff": "handoff"}
GENERIC_KINDS = {
    "workflow": "workflow",
    "task": "step",
    "unknown": "step",
    "server": "step",
    "session": "step",
}
REQUESTS = {
    "chat": "llm",
    "completion": "llm",
    "embedding": "embedding",
    "rerank": "rerank",
}

_PROPERTY = "traceloop.association.properties."

FIELDS = {
    "kind": first(one_of(KINDS), "traceloop.span.kind")
    | first(one_of(REQUESTS), "llm.request.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "traceloop.span.kind"),
    "operation": first(text, "llm.request.type"),
    "provider": first(text, _PROPERTY + "ls_provider"),
    "model_requested": first(text, _PROPERTY + "ls_model_name"),
    "input_tokens": first(count, "llm.usage.prompt_tokens"),
    "output_tokens": first(count, "llm.usage.completion_tokens"),
    "total_tokens": first(count, "llm.usage.total_tokens"),
    "reasoning": first(count, "llm.usage.reasoning_tokens"),
    "reasoning_effort": first(text, "llm.request.reasoning_effort"),
    "streaming": first(flag, "llm.is_streaming"),
    "task_name": first(text, "traceloop.workflow.name"),
    "agent_name": first(text, _PROPERTY + "lc_agent_name"),
    "label": first(text, "traceloop.entity.name", "gen_ai.task.name"),
    "input": first(data, "traceloop.entity.input", "gen_ai.task.input"),
    "output": first(data, "traceloop.entity.output", "gen_ai.task.output"),
    "arguments": first(data, "tool.arguments"),
    "tool_name": first(text, "tool.name"),
    "conversation_id": first(
        text,
        _PROPERTY + "session_id",
        _PROPERTY + "thread_id",
        _PROPERTY + "conversation_id",
    ),
    "user_id": first(text, _PROPERTY + "user_id"),
    "failed": first(any_of("failure"), "gen_ai.task.status"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Names that are only in the entity, and content wrapped by callbacks."""
    if "tool_name" in facts:
        facts.setdefault("kind", "tool")
    kind = facts.get("kind")
    if kind == "tool":
        put(facts, "weak_tool_name", facts.get("label") or record.name)
        put(facts, "arguments", _unwrap(facts.pop("input", None)))
        put(facts, "result", _unwrap(facts.pop("output", None)))
    elif kind == "agent" and facts.get("label"):
        put(facts, "weak_agent_name", facts["label"])
    if kind is None:
        put(facts, "agent_name", find_current_agent(facts.get("output")))


_INNER = (
    "tool_output",
    "input_str",
    "inputs",
    "outputs",
    "output",
    "kwargs",
    "args",
)


_MCP_CALL = frozenset({"tool_name", "arguments"})


def _unwrap(value: Any) -> Any:
    """The content inside a callback's `{"inputs": ..., "kwargs": ...}`."""
    found = loads(value)
    if not isinstance(found, Mapping):
        return value
    if found.keys() == _MCP_CALL:
        return found["arguments"]
    for key in _INNER:
        inner = loads(found.get(key))
        if inner:
            return inner
    return value


TRACELOOP = Dialect(
    name="traceloop",
    key_segments=("traceloop", "llm"),
    fields=FIELDS,
    refine=refine,
    source="OpenLLMetry 0.40.14 and 0.62.4",
)
