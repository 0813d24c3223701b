"""LiteLLM, both generations of its telemetry; often on the application's own span.

Source: litellm 1.109.1 (`integrations/opentelemetry.py`, `integrations/otel`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    amount,
    count,
    first,
    flag,
    indexed,
    one_of,
    structure,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import dig, put, put_usage

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_CALLS = {
    "llm": "completion text_completion responses anthropic_messages generate_content",
    "embedding": "embedding",
    "rerank": "rerank",
}
KINDS = {
    prefix + name: kind
    for kind, names in _CALLS.items()
    for name in names.split()
    for prefix in ("", "a")
}
"""LiteLLM writes the function's name where an operation belongs."""

RAW = "raw_gen_ai_request"
SERVER = frozenset({"Received Proxy Server Request", "Failed Proxy Server Request"})

FIELDS = {
    "kind": first(one_of(KINDS), "gen_ai.operation.name", "llm.request.type"),
    "response_id": first(text, "gen_ai.response.id", "gen_ai.request.id"),
    "cost_usd": first(amount, "litellm.cost.total", "gen_ai.cost.total_cost"),
    "replayed": first(flag, "litellm.cache_hit"),
    "purpose": first(text, "litellm.request.purpose"),
    "user_id": first(text, "litellm.end_user.id", "llm.user"),
    "streaming": first(flag, "llm.is_streaming"),
    "error_code": first(text, "litellm.provider.error.code", "error.code"),
    "http_status": first(count, "http.response.status_code", "error.code"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """The raw request retells its parent; the proxy and its services are transport."""
    _asked_tools(record, facts)
    if record.name == RAW:
        _raw(record, facts)
    elif record.name in SERVER:
        facts["kind"] = "http"
    elif "service" in record.attributes and "call_type" in record.attributes:
        facts["kind"] = "db"


def _raw(record: SpanRecord, facts: Facts) -> None:
    """The provider's own answer, as Python's repr.

    It counts as the call inside its parent: the caller's span, written on by every
    call made under it, keeps only the last.
    """
    raw = {
        key.split(".", 2)[2]: value
        for key, value in record.attributes.items()
        if key.startswith("llm.") and key.count(".") > 1
    }
    usage = structure(raw.get("usage"))
    put_usage(facts, usage)
    if "input_tokens" not in facts:
        facts["dropped"] = True
        return
    facts["excludes_cache"] = dig(usage, "cache_read_input_tokens") is not None
    answer = raw.get("choices", raw.get("content", raw.get("output")))
    facts["kind"] = "embedding" if answer is None else "llm"
    put(facts, "model", text(raw.get("model")))
    put(facts, "response_id", text(raw.get("id")))
    put(facts, "input", structure(raw.get("messages")))
    put(facts, "output", structure(answer))


def _asked_tools(record: SpanRecord, facts: Facts) -> None:
    """Tools asked for stand beside the messages, which leave them out."""
    asked = indexed(record.attributes, "gen_ai.completion")
    calls = [
        call for call in asked or () if isinstance(dig(call, "function_call"), dict)
    ]
    if calls:
        functions = [{"function": call["function_call"]} for call in calls]
        facts["output"] = [{"role": "assistant", "tool_calls": functions}]


LITELLM = Dialect(
    name="litellm",
    speaks=("litellm", "hidden_params"),
    scopes=("litellm",),
    fields=FIELDS,
    refine=refine,
    source="litellm 1.109.1",
)
