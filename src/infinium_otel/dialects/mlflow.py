"""MLflow's tracing: every attribute is JSON, plain texts too.

Source: mlflow 3.18.0 and mlflow-tracing 3.17.2 (`mlflow.tracing.constant`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    amount,
    count,
    data,
    first,
    member,
    number,
    one_of,
    structure,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, put, put_members

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "chat_model": "llm",
    "tool": "tool",
    "agent": "agent",
    "retriever": "retrieval",
    "embedding": "embedding",
    "reranker": "rerank",
    "memory": "memory",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
}
GENERIC_KINDS = {
    "chain": "workflow",
    "workflow": "workflow",
    "task": "step",
    "parser": "step",
    "unknown": "step",
}

_USAGE = "mlflow.chat.tokenUsage"

FIELDS = {
    "kind": first(one_of(KINDS), "mlflow.spanType"),
    "weak_kind": first(one_of(GENERIC_KINDS), "mlflow.spanType"),
    "model": first(text, "mlflow.llm.model"),
    "provider": first(text, "mlflow.llm.provider"),
    "input_tokens": first(member("input_tokens", count), _USAGE),
    "output_tokens": first(member("output_tokens", count), _USAGE),
    "total_tokens": first(member("total_tokens", count), _USAGE),
    "cache_read": first(member("cache_read_input_tokens", count), _USAGE),
    "cache_write": first(member("cache_creation_input_tokens", count), _USAGE),
    "cost_usd": first(member("total_cost", amount), "mlflow.llm.cost"),
    "tool_name": first(text, "mlflow.spanFunctionName"),
    "conversation_id": first(text, "mlflow.trace.session", "session.id"),
    "user_id": first(text, "mlflow.trace.user", "user.id"),
    "input": first(data, "mlflow.spanInputs"),
    "output": first(data, "mlflow.spanOutputs"),
}

_REQUEST = {
    "model_requested": ("model", text),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "max_tokens": ("max_tokens", count),
}
_RESPONSE = {"model": ("model", text), "response_id": ("id", text)}


def refine(record: SpanRecord, facts: Facts) -> None:
    """What only the recorded inputs and outputs of a call tell."""
    kind = facts.get("kind")
    function = facts.pop("tool_name", None)
    if kind == "tool":
        as_tool(facts, function or record.name)
    elif kind == "agent":
        put(facts, "agent_name", record.name)
    elif kind in ("llm", "embedding"):
        put_members(facts, structure(facts.get("input")), _REQUEST)
        put_members(facts, structure(facts.get("output")), _RESPONSE)


MLFLOW = Dialect(
    name="mlflow",
    speaks=("mlflow",),
    fields=FIELDS,
    refine=refine,
    source="mlflow 3.18.0",
)
