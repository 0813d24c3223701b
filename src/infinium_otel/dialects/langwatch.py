"""LangWatch's client: values in envelopes that name their type.

Source: langwatch 1.4.0 (Python), its client's wrappers of OpenAI and LangChain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    MAX_TOKENS,
    Coercion,
    count,
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
from infinium_otel.dialects._facts import as_tool, dig, put
from infinium_otel.dialects.lenient_json import MAPPING, loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "tool": "tool",
    "agent": "agent",
    "rag": "retrieval",
    "guardrail": "guardrail",
    "evaluation": "evaluator",
}
GENERIC_KINDS = {
    "chain": "workflow",
    "workflow": "workflow",
    **dict.fromkeys(
        "span component module task prompt server client producer consumer "
        "unknown".split(),
        "step",
    ),
}


def value(envelope: Any) -> Any:
    """The value inside `{"type": ..., "value": ...}`; None for an empty one."""
    found = structure(envelope)
    return found.get("value") if isinstance(found, MAPPING) else None


def metric(names: str) -> Coercion:
    """A count in an object, which JavaScript's client puts into an envelope too."""
    direct = member(names, count)

    def coerce(metrics: Any) -> int | None:
        found: int | None = direct(metrics)
        return direct(value(metrics)) if found is None else found

    return coerce


_PARAMS = "langwatch.params"
_METRICS = "langwatch.metrics"

FIELDS = {
    "kind": first(one_of(KINDS), "langwatch.span.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "langwatch.span.type"),
    "temperature": first(member("temperature", number), _PARAMS),
    "top_p": first(member("top_p", number), _PARAMS),
    "max_tokens": first(member(MAX_TOKENS, count), _PARAMS),
    "streaming": first(member("stream", flag), _PARAMS),
    "input_tokens": first(metric("prompt_tokens promptTokens"), _METRICS),
    "output_tokens": first(metric("completion_tokens completionTokens"), _METRICS),
    "reasoning": first(metric("reasoning_tokens reasoningTokens"), _METRICS),
    "conversation_id": first(text, "langwatch.thread.id"),
    "user_id": first(text, "langwatch.user.id"),
    "tags": first(texts, "langwatch.labels"),
    "documents": first(structure, "langwatch.rag_contexts", "langwatch.contexts"),
    "input": first(value, "langwatch.input"),
    "output": first(value, "langwatch.output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result; names are the spans'."""
    kind = facts.get("kind")
    if kind == "tool":
        if isinstance(facts.get("input"), str):
            facts["input"] = loads(facts["input"])  # the repr of its arguments
        if _is_one_message(facts.get("output")):
            facts["output"] = dig(facts["output"], 0, "content")
        as_tool(facts, record.name)
    elif kind == "agent":
        put(facts, "weak_agent_name", record.name)
    elif kind == "llm" and facts.get("streaming") is None:
        times = structure(record.attributes.get("langwatch.timestamps"))
        if dig(times, "first_token_at") is not None:
            facts["streaming"] = True


def _is_one_message(output: Any) -> bool:
    """Whether LangChain's callback wrote a tool's result as the one message it is."""
    message = dig(output, 0) if isinstance(output, list) and len(output) == 1 else None
    return isinstance(message, MAPPING) and "role" in message


LANGWATCH = Dialect(
    name="langwatch",
    key_segments=("langwatch",),
    scopes=("langwatch",),
    fields=FIELDS,
    refine=refine,
    source="langwatch 1.4.0",
)
