"""LlamaIndex's own OpenTelemetry integration: everything is in span events.

A span has a pair of events, `LLMChatStartEvent` and `LLMChatEndEvent`, with the members
of the objects flattened. Workflows' steps have cut reprs of what they take and return.

Source: llama-index-observability-otel 0.7.0 with llama-index-core 0.14.25.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    number,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import dig, put
from infinium_otel.dialects._llama_index import find_current_agent
from infinium_otel.dialects._repr_text import (
    REPR_STRING,
    parse_repr,
    parse_repr_string,
)
from infinium_otel.dialects._token_keys import find_count
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord

KINDS = {
    "LLMChat": "llm",
    "LLMCompletion": "llm",
    "Embedding": "embedding",
    "SparseEmbedding": "embedding",
    "ReRank": "rerank",
    "Retrieval": "retrieval",
}
GENERIC_KINDS = {"Query": "workflow"}

_EVENT = re.compile(r"(\w{1,40}?)(Start|End)Event")
_TEXT_BLOCK = re.compile(rf"TextBlock\(block_type='text', text=(?P<text>{REPR_STRING})")
_TOOL_NAME = re.compile(r"tool_name='([^']{1,200})'")
_TOOL_ID = re.compile(r"tool_id='([^']{1,200})'")
_SUMMARY = "llamaindex.step.input_summary"

FIELDS: dict[str, Any] = {
    "agent_name": first(find_current_agent, _SUMMARY),
    "tags": first(texts, "llamaindex.tags"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds and facts by the pair of events, of steps by the events they pass on."""
    facts["weak_kind"] = "step"
    for event in record.events:
        match = _EVENT.fullmatch(event.name)
        if match:
            _put_event(match[1], event.attributes, facts)
        elif event.name == "workflow.output":
            put(facts, "output", _find_text(event.attributes.get("output")))
    name = record.name
    summary = record.attributes.get(_SUMMARY)
    if name.endswith((".call_tool", ".call", ".acall")) and isinstance(summary, str):
        _put_tool(record, summary, facts)
    elif name.endswith(".run") and "Agent" in name:
        facts["kind"] = "workflow" if name.endswith("Workflow.run") else "agent"
    if facts.get("kind") == "llm" and "stream" in name:
        facts["streaming"] = True


def _put_event(what: str, attributes: Mapping[str, Any], facts: Facts) -> None:
    if what in KINDS:
        facts["kind"] = KINDS[what]
    elif what in GENERIC_KINDS:
        facts["weak_kind"] = GENERIC_KINDS[what]
    kind = facts.get("kind")
    if kind in ("llm", "embedding", "rerank"):
        _put_model(attributes, facts)
    if kind == "llm":
        _put_messages(attributes, facts)
    elif kind == "embedding":
        put(facts, "input", structure(attributes.get("chunks")))
    else:
        _put_query(attributes, facts)


def _put_model(attributes: Mapping[str, Any], facts: Facts) -> None:
    for key in ("model_dict.model_name", "model_dict.model", "model_name"):
        put(facts, "model_requested", text(attributes.get(key)))
    put(facts, "temperature", number(attributes.get("model_dict.temperature")))
    put(facts, "max_tokens", count(attributes.get("model_dict.max_tokens")))
    put(facts, "model", text(attributes.get("response.raw.model")))
    put(facts, "response_id", text(attributes.get("response.raw.id")))
    reason = dig(
        structure(attributes.get("response.raw.choices")), 0, "finish_reason"
    ) or attributes.get("response.raw.stop_reason")
    put(facts, "finish_reasons", texts(reason))
    for key, value in attributes.items():
        if key.startswith(("response.raw.usage", "response.additional_kwargs.")):
            fact = find_count(key)
            if fact:
                put(facts, fact, count(value))


def _put_messages(attributes: Mapping[str, Any], facts: Facts) -> None:
    put(facts, "input", data(attributes.get("messages")))
    put(facts, "input", text(attributes.get("prompt")))
    role = attributes.get("response.message.role")
    if role is not None:
        message = {"role": role, "blocks": []}
        for name in ("blocks", "content"):
            found = loads(attributes.get(f"response.message.{name}"))
            if found:
                message[name] = found
        facts["output"] = [message]
    else:
        put(facts, "output", text(attributes.get("response.text")))


def _put_query(attributes: Mapping[str, Any], facts: Facts) -> None:
    for key in ("str_or_query_bundle.query_str", "query.query_str", "query"):
        put(facts, "input", text(attributes.get(key)))
    put(facts, "input", text(attributes.get("str_or_query_bundle")))
    put(facts, "documents", structure(attributes.get("nodes")))
    put(facts, "output", text(attributes.get("response.response")))


def _put_tool(record: SpanRecord, summary: str, facts: Facts) -> None:
    """Add a tool's run from the printed call, and its result from the step's output."""
    call = parse_repr(summary)
    name = dig(call, "tool_name") or dig(_TOOL_NAME.search(summary), 1)
    if not isinstance(name, str):
        return
    facts["kind"] = "tool"
    facts["tool_name"] = name
    facts["arguments"] = dig(call, "tool_kwargs")
    facts["tool_call_id"] = dig(call, "tool_id") or dig(_TOOL_ID.search(summary), 1)
    for event in record.events:
        if event.name == "step.output":
            put(facts, "result", _find_text(event.attributes.get("output")))


def _find_text(printed: Any) -> str | None:
    """The text in a printed result, which may be cut."""
    if not isinstance(printed, str):
        return None
    blocks = _TEXT_BLOCK.finditer(printed[:MAX_PRINTED])
    return "\n".join(parse_repr_string(block["text"]) for block in blocks) or None


MAX_PRINTED = 20_000


LLAMA_INDEX = Dialect(
    name="llama_index",
    key_segments=("llamaindex",),
    scopes=("llamaindex",),
    fields=FIELDS,
    refine=refine,
    source="llama-index-observability-otel 0.7.0 with llama-index-core 0.14.25",
)
