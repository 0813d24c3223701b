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
    one_of,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts

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
    if record.name == RAW:
        facts["dropped"] = True
    elif record.name in SERVER:
        facts["kind"] = "http"
    elif "service" in record.attributes and "call_type" in record.attributes:
        facts["kind"] = "db"


LITELLM = Dialect(
    name="litellm",
    speaks=("litellm", "hidden_params"),
    scopes=("litellm",),
    fields=FIELDS,
    refine=refine,
    source="litellm 1.109.1",
)
