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
from infinium_otel.dialects._facts import (
    as_tool,
    dig,
    put,
    put_counts,
    put_members,
    put_usage_details,
)
from infinium_otel.dialects._reading import CALLS

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
    """A call's counts, settings and answer stand only in its recorded content."""
    kind = facts.get("kind")
    named = facts.get("label") or record.name
    if kind == "tool":
        as_tool(facts, named)
    elif kind == "agent":
        put(facts, "agent_name", named)
    elif kind in CALLS:
        put(facts, "model_requested", named)
        _call(facts)


def _call(facts: Facts) -> None:
    answer = structure(facts.get("output"))
    put_counts(facts, dig(answer, "usage"), _USAGE)
    put(facts, "finish_reasons", texts(dig(answer, "finishReason")))
    raw = dig(answer, "raw")  # what the provider itself answered
    put_members(facts, raw, _RAW)
    put_usage_details(facts, dig(raw, "usage"))
    put_members(facts, dig(structure(facts.get("input")), "config"), _CONFIG)


GENKIT = Dialect(
    name="genkit",
    speaks=(
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
