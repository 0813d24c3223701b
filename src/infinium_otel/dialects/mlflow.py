"""MLflow's tracing: every attribute is JSON, plain texts too.

Source: mlflow 3.18.0 and mlflow-tracing 3.17.2 (`mlflow.tracing.constant`).
"""

from __future__ import annotations

import re
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
from infinium_otel.dialects.lenient_json import to_text

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
    """Facts that only the recorded inputs and outputs contain."""
    kind = facts.get("kind")
    function = facts.pop("tool_name", None)
    if kind == "tool":
        as_tool(facts, function or record.name)
    elif kind == "agent":
        put(facts, "agent_name", text(record.attributes.get("name")))
        put(facts, "weak_agent_name", _find_agent_name(record.name))
    elif kind in ("llm", "embedding"):
        _refine_call(record, facts)


def _find_agent_name(name: str) -> str | None:
    """The agent's name by its span's; none if that is a method of a class."""
    return None if _METHOD.fullmatch(name) else name


_METHOD = re.compile(r"[A-Z]\w*\.[a-z_]\w*")


def _refine_call(record: SpanRecord, facts: Facts) -> None:
    request, response = structure(facts.get("input")), structure(facts.get("output"))
    put_members(facts, request, _REQUEST)
    response_model = text(dig(response, "model_name")) or text(dig(response, "model"))
    if response_model and facts.get("model") not in (None, response_model):
        # MLflow's own attribute is the requested model then
        put(facts, "model_requested", facts["model"])
        facts["model"] = response_model
    put_members(facts, response, _RESPONSE)
    put(facts, "finish_reasons", texts(dig(response, "choices", 0, "finish_reason")))
    put_usage(facts, dig(response, "usage"))
    _restore_last_counts(facts, dig(response, "generations", 0))
    if facts["kind"] == "embedding":
        facts["input"] = dig(request, "input") or facts.get("input")
    elif record.events and not dig(response, "choices", 0, "message", "content"):
        calls = _collect_streamed_calls(record.events)
        if calls:
            facts["output"] = [{"role": "assistant", "tool_calls": calls}]


def _restore_last_counts(facts: Facts, chunks: Any) -> None:
    """Put the counts of a stream's last chunk where MLflow up to 3.7 has their sum.

    Each of LangChain's chunks has the whole prompt, and the output so far.
    """
    if not isinstance(chunks, list) or len(chunks) < 2:
        return
    usages = [dig(chunk, "message", "usage_metadata") for chunk in chunks]
    for fact in ("input_tokens", "output_tokens", "total_tokens"):
        counts = [number_of for u in usages if (number_of := count(dig(u, fact)))]
        if len(counts) > 1 and sum(counts) == facts.get(fact):
            facts[fact] = counts[-1]


def _collect_streamed_calls(events: tuple[SpanEvent, ...]) -> list[dict[str, Any]]:
    """The tool calls in a stream's chunks, which MLflow's output of a stream lacks."""
    calls: dict[Any, dict[str, Any]] = {}
    for event in events:
        chunk = structure(event.attributes.get("mlflow.chunk.value"))
        for piece in dig(chunk, "choices", 0, "delta", "tool_calls") or ():
            call = calls.setdefault(dig(piece, "index"), {"name": "", "arguments": ""})
            put(call, "id", dig(piece, "id"))
            for part in ("name", "arguments"):
                call[part] += to_text(dig(piece, "function", part) or "")
    return list(calls.values())


MLFLOW = Dialect(
    name="mlflow",
    key_segments=("mlflow",),
    fields=FIELDS,
    refine=refine,
    source="mlflow 3.18.0",
)
