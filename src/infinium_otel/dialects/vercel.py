"""Vercel's AI SDK up to version 6 (`ai.*`); version 7 follows the GenAI conventions.

Source: the `ai` package 7.0.77, classes `LegacyOpenTelemetry` and `OpenTelemetry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    amount,
    count,
    data,
    first,
    number,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import dig, put, split_prompt
from infinium_otel.dialects.lenient_json import MAPPING, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord

KINDS = {
    "doGenerate": "llm",
    "doStream": "llm",
    "doEmbed": "embedding",
    "doRerank": "rerank",
    "toolCall": "tool",
    "generateText": "agent",
    "streamText": "agent",
    "generateObject": "agent",
    "streamObject": "agent",
}
"""By the last word of `ai.operationId`; the outer operations contain the inner ones."""

GENERIC_KINDS = {"embed": "step", "embedMany": "step", "rerank": "step"}

_METADATA = "ai.telemetry.metadata."
_IN, _OUT = "ai.usage.inputTokenDetails.", "ai.usage.outputTokenDetails."


def each(value: Any) -> Any:
    """A list of JSON texts, decoded."""
    return [loads(item) for item in value] if isinstance(value, tuple) else data(value)


FIELDS = {
    "operation": first(text, "ai.operationId"),
    "model": first(text, "ai.response.model"),
    "model_requested": first(text, "ai.model.id"),
    "provider": first(text, "ai.model.provider"),
    # promptTokens and completionTokens until version 4
    "input_tokens": first(
        count, "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"
    ),
    "output_tokens": first(count, "ai.usage.outputTokens", "ai.usage.completionTokens"),
    "total_tokens": first(count, "ai.usage.totalTokens"),
    "cache_read": first(count, _IN + "cacheReadTokens", "ai.usage.cachedInputTokens"),
    "cache_write": first(count, _IN + "cacheWriteTokens"),
    "reasoning": first(count, _OUT + "reasoningTokens", "ai.usage.reasoningTokens"),
    "temperature": first(number, "ai.settings.temperature"),
    "top_p": first(number, "ai.settings.topP"),
    "max_tokens": first(count, "ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
    "response_id": first(text, "ai.response.id"),
    "finish_reasons": first(texts, "ai.response.finishReason", "ai.finishReason"),
    "ttft_ms": first(amount, "ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
    "purpose": first(text, "ai.telemetry.functionId"),
    "tool_name": first(text, "ai.toolCall.name"),
    "tool_call_id": first(text, "ai.toolCall.id"),
    "arguments": first(data, "ai.toolCall.args"),
    "result": first(data, "ai.toolCall.result"),
    "conversation_id": first(
        text,
        _METADATA + "sessionId",
        _METADATA + "session.id",
        "ai.settings.context.sessionId",
    ),
    "user_id": first(text, _METADATA + "userId", _METADATA + "user.id"),
    "input": first(data, "ai.prompt.messages", "ai.prompt", "ai.value")
    | first(each, "ai.values", "ai.documents"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by operation, the output from its parts, Anthropic's cached tokens."""
    attributes = record.attributes
    operation = facts.get("operation") or text(attributes.get("operation.name")) or ""
    last = operation.partition(" ")[0].rpartition(".")[2]
    if not operation.startswith("ai."):
        facts.pop("operation", None)
    elif last in KINDS:
        facts["kind"] = KINDS[last]
    elif last in GENERIC_KINDS:
        facts["weak_kind"] = GENERIC_KINDS[last]
    if facts.get("kind") == "agent":
        put(facts, "agent_name", facts.pop("purpose", None))
    if last in ("doStream", "streamText", "streamObject"):
        facts["streaming"] = True
    split_prompt(facts)
    put(facts, "output", _build_output(attributes))
    _put_first_chunk(record, facts)
    _put_anthropic_cache(attributes, facts)


def _build_output(attributes: Mapping[str, Any]) -> Any:
    """The text and the tool calls as one message. `ai.result.*` is version 3's."""
    for prefix in ("ai.response.", "ai.result."):
        content = attributes.get(prefix + "text") or attributes.get(prefix + "object")
        calls = structure(attributes.get(prefix + "toolCalls"))
        if content or calls:
            message = {"role": "assistant", "content": content or ""}
            reasoning = attributes.get(prefix + "reasoning")
            if reasoning:
                message["reasoning"] = reasoning
            results = _find_results(attributes, prefix)
            answer = {**message, "tool_calls": calls} if calls else message
            return [answer, *results] if results else [answer]
    return None


def _find_results(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """The results of tools that the provider ran within the call, as messages."""
    for name in ("tool_results", "toolResults"):
        found = structure(attributes.get(prefix + name))
        if isinstance(found, (list, tuple)):
            results = (part for part in found if isinstance(part, MAPPING))
            parts = [{"type": "tool-result", **part} for part in results]
            return [{"role": "tool", "content": parts}]
    return []


def _put_first_chunk(record: SpanRecord, facts: Facts) -> None:
    for event in record.events:
        if event.name == "ai.stream.firstChunk":
            for key in ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"):
                put(facts, "ttft_ms", amount(event.attributes.get(key)))


def _put_anthropic_cache(attributes: Mapping[str, Any], facts: Facts) -> None:
    """Add cached tokens, which Anthropic's input count excludes up to version 5."""
    if not str(facts.get("provider", "")).startswith("anthropic"):
        return
    if any(key.startswith(_IN) for key in attributes):
        return
    metadata = structure(attributes.get("ai.response.providerMetadata"))
    anthropic = dig(metadata, "anthropic")
    put(facts, "cache_read", count(dig(anthropic, "cacheReadInputTokens")))
    put(facts, "cache_write", count(dig(anthropic, "cacheCreationInputTokens")))
    facts["excludes_cache"] = True


VERCEL = Dialect(
    name="vercel",
    key_segments=("ai",),
    fields=FIELDS,
    refine=refine,
    source="ai 7.0.77 and its legacy telemetry",
)
