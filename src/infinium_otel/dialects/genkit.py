"""Genkit: the kind of an action in its metadata, its content as JSON.

Source: the attributes as MLflow 3.18.0 and Langfuse's server (August 2026) read them.
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
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put_counts, put_members

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "model": "llm",
    "embedder": "embedding",
    "retriever": "retrieval",
    "reranker": "rerank",
    "tool": "tool",
    "tool.v2": "tool",
    "evaluator": "evaluator",
}
GENERIC_KINDS = {"flow": "workflow", "util": "step", "prompt": "step"}

FIELDS = {
    "kind": first(one_of(KINDS), "genkit:metadata:subtype"),
    "weak_kind": first(one_of(GENERIC_KINDS), "genkit:metadata:subtype"),
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
_CONFIG = {
    "temperature": ("temperature", number),
    "top_p": ("topP", number),
    "max_tokens": ("maxOutputTokens", count),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A model's counts and settings stand only in its recorded output and input."""
    kind = facts.get("kind")
    if kind == "tool":
        as_tool(facts, facts.get("label") or record.name)
    elif kind == "llm":
        facts.setdefault("model_requested", facts.get("label") or record.name)
        put_counts(facts, dig(structure(facts.get("output")), "usage"), _USAGE)
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
    source="genkit (2026), as its readers take it",
)
