"""MLflow's tracing: every attribute is JSON, plain texts too.

Source: mlflow 3.18.0 and mlflow-tracing 3.17.2 (`mlflow.tracing.constant`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    amount,
    count,
    data,
    first,
    flag,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put, put_members, put_usage
from infinium_otel.jsontext import text_of

if TYPE_CHECKING:
    from infinium_otel.records import SpanEvent, SpanRecord

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
    "streaming": ("stream", flag),
}
_RESPONSE = {
    "model": ("model", text),
    "response_id": ("id", text),
    "finish_reasons": ("stop_reason", texts),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """What only the recorded inputs and outputs of a call tell."""
    kind = facts.get("kind")
    function = facts.pop("tool_name", None)
    if kind == "tool":
        as_tool(facts, function or record.name)
    elif kind == "agent":
        put(facts, "agent_name", record.name)
    elif kind in ("llm", "embedding"):
        _call(record, facts)


def _call(record: SpanRecord, facts: Facts) -> None:
    asked, answer = structure(facts.get("input")), structure(facts.get("output"))
    put_members(facts, asked, _REQUEST)
    put_members(facts, answer, _RESPONSE)
    put(facts, "finish_reasons", texts(dig(answer, "choices", 0, "finish_reason")))
    put_usage(facts, dig(answer, "usage"))
    if facts["kind"] == "embedding":
        facts["input"] = dig(asked, "input") or facts.get("input")
    elif record.events and not dig(answer, "choices", 0, "message", "content"):
        calls = _streamed_calls(record.events)
        if calls:
            facts["output"] = [{"role": "assistant", "tool_calls": calls}]


def _streamed_calls(events: tuple[SpanEvent, ...]) -> list[dict[str, Any]]:
    """The tools asked for in a stream: MLflow's sum of its chunks leaves them out."""
    calls: dict[Any, dict[str, Any]] = {}
    for event in events:
        chunk = structure(event.attributes.get("mlflow.chunk.value"))
        for piece in dig(chunk, "choices", 0, "delta", "tool_calls") or ():
            call = calls.setdefault(dig(piece, "index"), {"name": "", "arguments": ""})
            put(call, "id", dig(piece, "id"))
            for part in ("name", "arguments"):
                call[part] += text_of(dig(piece, "function", part) or "")
    return list(calls.values())


MLFLOW = Dialect(
    name="mlflow",
    speaks=("mlflow",),
    fields=FIELDS,
    refine=refine,
    source="mlflow 3.18.0",
)
