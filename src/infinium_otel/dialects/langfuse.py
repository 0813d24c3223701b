"""Langfuse's client: observations, as JSON in attributes.

Source: langfuse 5.0.4 (Python).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    MAX_TOKENS,
    amount,
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
from infinium_otel.jsontext import decode

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
_PARAMETERS = _OBSERVATION + "model.parameters"
_USAGE = _OBSERVATION + "usage_details"

FIELDS = {
    "kind": first(one_of(KINDS), _OBSERVATION + "type"),
    "weak_kind": first(one_of(GENERIC_KINDS), _OBSERVATION + "type"),
    "model": first(text, _OBSERVATION + "model.name"),
    "temperature": first(member("temperature", number), _PARAMETERS),
    "top_p": first(member("top_p", number), _PARAMETERS),
    "max_tokens": first(member(MAX_TOKENS, count), _PARAMETERS),
    "input_tokens": first(member("input", count), _USAGE)
    | first(member("input_tokens", count), _USAGE)
    | first(member("prompt_tokens", count), _USAGE),
    "output_tokens": first(member("output", count), _USAGE)
    | first(member("output_tokens", count), _USAGE)
    | first(member("completion_tokens", count), _USAGE),
    "total_tokens": first(member("total", count), _USAGE)
    | first(member("total_tokens", count), _USAGE),
    "cache_read": first(member("input_cached_tokens", count), _USAGE)
    | first(member("input_cache_read", count), _USAGE)
    | first(member("cache_read_input_tokens", count), _USAGE),
    "cache_write": first(member("input_cache_creation", count), _USAGE)
    | first(member("cache_creation_input_tokens", count), _USAGE),
    "reasoning": first(member("output_reasoning_tokens", count), _USAGE)
    | first(member("output_reasoning", count), _USAGE),
    "cost_usd": first(member("total", amount), _OBSERVATION + "cost_details"),
    "input": first(data, _OBSERVATION + "input", "langfuse.trace.input"),
    "output": first(data, _OBSERVATION + "output", "langfuse.trace.output"),
    "task_name": first(text, "langfuse.trace.name"),
    "conversation_id": first(text, "langfuse.session.id", "session.id"),
    "user_id": first(text, "langfuse.user.id", "user.id"),
    "tags": first(texts, "langfuse.trace.tags"),
    "error_message": first(text, _OBSERVATION + "status_message"),
    "finish_reasons": first(texts, _OBSERVATION + "metadata.finish_reason"),
}

_NESTED_COUNTS = (
    ("cache_read", ("prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
    (
        "reasoning",
        ("completion_tokens_details", "output_tokens_details"),
        "reasoning_tokens",
    ),
)


def refine(record: SpanRecord, facts: Facts) -> None:
    """Roles of input and output by kind, levels, and nested counts."""
    attributes = record.attributes
    if attributes.get(_OBSERVATION + "level") == "ERROR":
        facts["failed"] = True
    else:
        facts.pop("error_message", None)
    if facts.get("weak_kind") == "step" and "input_tokens" in facts:
        facts["kind"] = "llm"
    _usage_details(structure(attributes.get(_USAGE)), facts)
    _name(record, facts)
    if facts.get("kind") == "tool":
        for fact, side in (("arguments", "input"), ("result", "output")):
            if side in facts:
                facts[fact] = facts.pop(side)
    elif facts.get("kind") == "llm":
        _first_token(record, facts)


def _usage_details(usage: Any, facts: Facts) -> None:
    """OpenAI's details nest; Langfuse's own split the input into exclusive parts."""
    if not isinstance(usage, Mapping):
        return
    for fact, groups, name in _NESTED_COUNTS:
        for group in groups:
            details = usage.get(group)
            if isinstance(details, Mapping) and count(details.get(name)) is not None:
                facts.setdefault(fact, count(details[name]))
    if "input" in usage and "input_cached_tokens" in usage:
        facts["excludes_cache"] = True


def _name(record: SpanRecord, facts: Facts) -> None:
    if facts.get("kind") == "agent":
        facts.setdefault("agent_name", record.name)
    elif facts.get("kind") == "tool":
        facts.setdefault("tool_name", record.name)


def _first_token(record: SpanRecord, facts: Facts) -> None:
    """The time of the first token, an ISO text, sometimes quoted."""
    said = decode(record.attributes.get(_OBSERVATION + "completion_start_time"))
    if not isinstance(said, str):
        return
    try:
        moment = datetime.fromisoformat(said.replace("Z", "+00:00"))
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
    speaks=("langfuse",),
    fields=FIELDS,
    refine=refine,
    source="langfuse 5.0.4",
)
