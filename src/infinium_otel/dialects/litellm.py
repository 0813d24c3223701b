"""LiteLLM, both generations of its telemetry; often on the application's own span.

Source: litellm 1.109.1 (`integrations/opentelemetry.py`, `integrations/otel`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    amount,
    count,
    data,
    first,
    flag,
    indexed,
    member,
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
    "tool": "call_mcp_tool",
}
KINDS = {
    prefix + name: kind
    for kind, names in _CALLS.items()
    for name in names.split()
    for prefix in ("", "a")
}
"""LiteLLM writes the function's name in place of an operation."""

RAW = "raw_gen_ai_request"
SERVER = frozenset({"Received Proxy Server Request", "Failed Proxy Server Request"})

_MCP_CALL = "metadata.mcp_tool_call_metadata"
"""The call of an MCP tool that the proxy made, as an object or its repr."""

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
    "weak_tool_name": first(member("name", text), _MCP_CALL),
    "arguments": first(member("arguments", structure), _MCP_CALL),
    "result": first(member("result", data), _MCP_CALL),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """The raw request repeats its parent; the proxy and its services are transport."""
    _put_tool_calls(record, facts)
    if record.name == RAW:
        _refine_raw_request(record, facts)
    elif record.name in SERVER:
        facts["kind"] = "http"
    elif "service" in record.attributes and "call_type" in record.attributes:
        facts["kind"] = "db"


def _refine_raw_request(record: SpanRecord, facts: Facts) -> None:
    """Read the provider's own response, which is a Python repr.

    It counts as the call: every call under the caller's span overwrites the attributes
    of that span, so that only the last would be left. A request without an answer is one
    too: the facts of a span around it may have been evicted.
    """
    raw = {
        key.split(".", 2)[2]: value
        for key, value in record.attributes.items()
        if key.startswith("llm.") and key.count(".") > 1
    }
    usage = structure(raw.get("usage"))
    put_usage(facts, usage)
    if "input_tokens" not in facts and "messages" not in raw:
        facts["dropped"] = True
        return
    facts["excludes_cache"] = dig(usage, "cache_read_input_tokens") is not None
    output = raw.get("choices", raw.get("content", raw.get("output")))
    is_chat = output is not None or "messages" in raw
    facts["kind"] = "llm" if is_chat else "embedding"
    put(facts, "model", text(raw.get("model")))
    put(facts, "response_id", text(raw.get("id")))
    put(facts, "input", structure(raw.get("messages")))
    put(facts, "output", structure(output))


def _put_tool_calls(record: SpanRecord, facts: Facts) -> None:
    """Add the tool calls, which are beside the messages and not in them."""
    choices = indexed(record.attributes, "gen_ai.completion")
    calls = [
        call for call in choices or () if isinstance(dig(call, "function_call"), dict)
    ]
    if calls:
        functions = [{"function": call["function_call"]} for call in calls]
        facts["output"] = [{"role": "assistant", "tool_calls": functions}]


LITELLM = Dialect(
    name="litellm",
    key_segments=("litellm", "hidden_params"),
    scopes=("litellm",),
    fields=FIELDS,
    refine=refine,
    source="litellm 1.109.1",
)
