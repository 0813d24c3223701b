"""Langfuse's client: observations, as JSON in attributes.

Source: langfuse 5.0.4 (Python).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    MAX_TOKENS,
    amount,
    any_of,
    count,
    data,
    first,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put, put_usage_details
from infinium_otel.dialects._provider_objects import put_counts_of
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "generation": "llm",
    "embedding": "embedding",
    "tool": "tool",
    "retriever": "retrieval",
    "agent": "agent",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
}
GENERIC_KINDS = {"chain": "workflow", "span": "step", "event": "step"}

_OBSERVATION = "langfuse.observation."
_METADATA = _OBSERVATION + "metadata."
_PARAMETERS = _OBSERVATION + "model.parameters"
_USAGE = _OBSERVATION + "usage_details"

FIELDS = {
    "kind": first(one_of(KINDS), _OBSERVATION + "type"),
    "weak_kind": first(one_of(GENERIC_KINDS), _OBSERVATION + "type"),
    "model": first(text, _OBSERVATION + "model.name"),
    # LangChain's own metadata, which the handler copies
    "model_requested": first(text, _METADATA + "ls_model_name"),
    "provider": first(text, _METADATA + "ls_provider"),
    "agent_name": first(text, _METADATA + "lc_agent_name"),
    "temperature": first(member("temperature", number), _PARAMETERS),
    "top_p": first(member("top_p", number), _PARAMETERS),
    "max_tokens": first(member(MAX_TOKENS, count), _PARAMETERS),
    "input_tokens": first(member("input input_tokens prompt_tokens", count), _USAGE),
    "output_tokens": first(
        member("output output_tokens completion_tokens", count), _USAGE
    ),
    "total_tokens": first(member("total total_tokens", count), _USAGE),
    "cache_read": first(
        member("input_cached_tokens input_cache_read cache_read_input_tokens", count),
        _USAGE,
    ),
    "cache_write": first(
        member("input_cache_creation cache_creation_input_tokens", count), _USAGE
    ),
    "reasoning": first(
        member("output_reasoning_tokens output_reasoning", count), _USAGE
    ),
    "cost_usd": first(member("total", amount), _OBSERVATION + "cost_details"),
    "input": first(data, _OBSERVATION + "input", "langfuse.trace.input"),
    "output": first(data, _OBSERVATION + "output", "langfuse.trace.output"),
    "task_name": first(text, "langfuse.trace.name"),
    "conversation_id": first(text, "langfuse.session.id", "session.id"),
    "user_id": first(text, "langfuse.user.id", "user.id"),
    "tags": first(texts, "langfuse.trace.tags"),
    "failed": first(any_of("error"), _OBSERVATION + "level"),
    "error_message": first(text, _OBSERVATION + "status_message"),
    "finish_reasons": first(texts, _METADATA + "finish_reason"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Input and output by kind, levels, and nested counts."""
    if not facts.get("failed"):
        facts.pop("error_message", None)  # a remark, not an error
    if facts.get("weak_kind") == "step" and "input_tokens" in facts:
        facts["kind"] = "llm"
    usage = structure(record.attributes.get(_USAGE))
    put_usage_details(facts, usage)
    if "input_tokens" not in facts and "output_tokens" not in facts:
        put_counts_of(facts, usage)
    if None not in (dig(usage, "input"), dig(usage, "input_cached_tokens")):
        facts["excludes_cache"] = True  # Langfuse's own names split the input
    kind = facts.get("kind")
    if kind == "tool":
        as_tool(facts, record.name)
    elif kind == "agent":
        put(facts, "weak_agent_name", record.name)
    elif kind == "llm":
        _put_first_token(record, facts)


def _put_first_token(record: SpanRecord, facts: Facts) -> None:
    """Add the time to the first token, from its ISO time, which may be quoted."""
    iso = loads(record.attributes.get(_OBSERVATION + "completion_start_time"))
    if not isinstance(iso, str):
        return
    try:
        moment = datetime.fromisoformat(iso.replace("Z", "+00:00"))
    except ValueError:
        return
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    elapsed_ms = moment.timestamp() * 1000 - record.start_ns / 1e6
    facts["streaming"] = True
    if elapsed_ms >= 0:
        facts["ttft_ms"] = round(elapsed_ms, 3)


LANGFUSE = Dialect(
    name="langfuse",
    key_segments=("langfuse",),
    fields=FIELDS,
    refine=refine,
    source="langfuse 5.0.4",
)
