"""Braintrust: whole objects as JSON in a few attributes.

Source: braintrust 0.48.1 (`span_types`, `otel`) and public uses of its attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    member,
    number,
    one_of,
    text,
    texts,
    times,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "tool": "tool",
    "score": "evaluator",
    "classifier": "evaluator",
    "review": "evaluator",
    "decision": "planning",
}
GENERIC_KINDS = {"function": "step", "task": "workflow", "eval": "workflow"}

_SPAN = "braintrust.span_attributes"
_METRICS = "braintrust.metrics"
_METADATA = "braintrust.metadata"

FIELDS = {
    "kind": first(member("type", one_of(KINDS)), _SPAN),
    "weak_kind": first(member("type", one_of(GENERIC_KINDS)), _SPAN),
    "label": first(member("name", text), _SPAN),
    "model_requested": first(member("model", text), _METADATA),
    "provider": first(member("provider", text), _METADATA),
    "temperature": first(member("temperature", number), _METADATA),
    "top_p": first(member("top_p", number), _METADATA),
    "max_tokens": first(member("max_tokens", count), _METADATA),
    "input_tokens": first(member("prompt_tokens", count), _METRICS),
    "output_tokens": first(member("completion_tokens", count), _METRICS),
    "total_tokens": first(member("tokens", count), _METRICS),
    "cache_read": first(member("prompt_cached_tokens", count), _METRICS),
    "cache_write": first(member("prompt_cache_creation_tokens", count), _METRICS),
    "reasoning": first(member("completion_reasoning_tokens", count), _METRICS),
    "ttft_ms": first(member("time_to_first_token", times(1000)), _METRICS),
    "tags": first(texts, "braintrust.tags"),
    "input": first(data, "braintrust.input_json", "braintrust.input"),
    "output": first(data, "braintrust.output_json", "braintrust.output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result."""
    if facts.get("kind") == "tool":
        as_tool(facts, facts.get("label") or record.name)


BRAINTRUST = Dialect(
    name="braintrust",
    key_segments=("braintrust",),
    fields=FIELDS,
    refine=refine,
    source="braintrust 0.48.1",
)
