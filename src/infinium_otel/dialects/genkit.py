"""Genkit: the kind of an action in its metadata, its content as JSON.

Source: genkit 1.42.0 (JavaScript).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    number,
    one_of,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._fact_table import CALLS
from infinium_otel.dialects._facts import (
    as_tool,
    dig,
    put,
    put_counts,
    put_members,
    put_usage_details,
)

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "model": "llm",
    "background-model": "llm",
    "agent": "agent",
    "embedder": "embedding",
    "retriever": "retrieval",
    "reranker": "rerank",
    "tool": "tool",
    "tool.v2": "tool",
    "evaluator": "evaluator",
}
GENERIC_KINDS = {
    "flow": "workflow",
    "executable-prompt": "step",
    "prompt": "step",
    "util": "step",
    "flowstep": "step",
}

FIELDS = {
    "kind": first(one_of(KINDS), "genkit:metadata:subtype"),
    "weak_kind": first(one_of(GENERIC_KINDS), "genkit:metadata:subtype", "genkit:type"),
    "label": first(text, "genkit:name"),
    "input": first(data, "genkit:input"),
    "output": first(data, "genkit:output"),
}

_USAGE = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "total_tokens": "totalTokens",
    "cache_read": "cachedContentTokens",
    "reasoning": "thoughtsTokens",
}
_RAW = {"model": ("model", text), "response_id": ("id", text)}
_CONFIG = {
    "temperature": ("temperature", number),
    "top_p": ("topP", number),
    "max_tokens": ("maxOutputTokens", count),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A call's counts, settings and response are only in its recorded content."""
    if "genkit:type" in record.attributes:
        put(facts, "weak_kind", "step")  # prompts, templates and whatever is new
        _put_reported_failure(facts)
    kind = facts.get("kind")
    name = facts.get("label") or record.name
    if kind == "tool":
        as_tool(facts, name)
    elif kind == "agent":
        put(facts, "weak_agent_name", name)
    elif kind in CALLS:
        put(facts, "model_requested", name)
        _refine_call(facts)


def _put_reported_failure(facts: Facts) -> None:
    """Add the failure of an agent in the background, whose state is `success`."""
    response = structure(facts.get("output"))
    if dig(response, "finishReason") == "failed":
        facts["failed"] = True
        put(facts, "error_message", text(dig(response, "error", "message")))
        put(facts, "error_type", text(dig(response, "error", "status")))


def _refine_call(facts: Facts) -> None:
    response = structure(facts.get("output"))
    put_counts(facts, dig(response, "usage"), _USAGE)
    put(facts, "finish_reasons", texts(dig(response, "finishReason")))
    raw = dig(response, "raw")  # the provider's own response
    put_members(facts, raw, _RAW)
    put_usage_details(facts, dig(raw, "usage"))
    put_members(facts, dig(structure(facts.get("input")), "config"), _CONFIG)


GENKIT = Dialect(
    name="genkit",
    key_segments=(
        "genkit:type",
        "genkit:name",
        "genkit:metadata:subtype",
        "genkit:input",
        "genkit:output",
    ),
    fields=FIELDS,
    refine=refine,
    source="genkit 1.42.0",
)
