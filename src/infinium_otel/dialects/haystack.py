"""Haystack: kinds by component class, everything else in its outputs.

Source: haystack-ai 3.4.1 (`haystack.tracing`, pipelines and agents).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    data,
    first,
    flag,
    number,
    structure,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put, put_members, put_usage
from infinium_otel.dialects._provider_objects import put_counts_of
from infinium_otel.dialects._repr_text import REPR_STRING, parse_repr_string

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

NAMES = {
    "haystack.agent.run": "agent",
    "Agent.run": "agent",  # OpenInference's name; its kind is CHAIN
    "haystack.agent.step.llm": "llm",
    "haystack.agent.step.tool": "tool",
    "haystack.chat_generator.run": "llm",
}
GENERIC_NAMES = {
    "haystack.pipeline.run": "workflow",
    "haystack.async_pipeline.run": "workflow",
    "haystack.agent.step": "step",
    "haystack.component.run": "step",
}
_TYPES = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"Generator$", "llm"),
        (r"Embedder$", "embedding"),
        (r"Retriever$", "retrieval"),
        (r"Ranker$", "rerank"),
    )
)
_LLM, _TOOL = "haystack.agent.step.llm.", "haystack.agent.step.tool."

FIELDS = {
    "label": first(text, "haystack.component.name"),
    "tool_name": first(text, "haystack.tool.name"),
    "tool_call_id": first(text, "haystack.tool.call.id"),
    "failed": first(flag, "haystack.tool.error"),
    "arguments": first(data, _TOOL + "input"),
    "result": first(data, _TOOL + "output"),
    "input": first(
        data,
        _LLM + "input",
        "haystack.component.input",
        "haystack.agent.input",
        "haystack.pipeline.input_data",
    ),
    "output": first(
        data,
        _LLM + "output",
        "haystack.component.output",
        "haystack.agent.output",
        "haystack.pipeline.output_data",
    ),
}

_TRACING = re.compile(r"^(?:Langfuse|OpenTelemetry|Opik|Weave)Connector$")
"""Components that switch tracing on, and do nothing when they run."""

_SETTINGS = {"temperature": ("temperature", number), "top_p": ("top_p", number)}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by name and class; model and counts from the replies' metadata."""
    component = text(record.attributes.get("haystack.component.type"))
    kind = NAMES.get(record.name) or _find_kind(component)
    if kind:
        facts["kind"] = kind
    else:
        put(facts, "weak_kind", GENERIC_NAMES.get(record.name))
    if component and _TRACING.search(component):
        facts["dropped"] = True
    if component == "Agent":
        put(facts, "agent_name", facts.get("label"))
    if kind == "agent":
        put(facts, "weak_agent_name", facts.get("label"))
    elif kind == "tool":
        as_tool(facts, facts.get("label"))
        put(facts, "error_message", text(dig(structure(facts.get("result")), "error")))
    elif kind in ("llm", "embedding"):
        _refine_call(facts)
    _unwrap_content(facts)


_MESSAGE_REPR = re.compile(
    r"ChatMessage\(_role=<ChatRole\.\w{1,20}: '(?P<role>\w{1,20})'>"
    rf"|TextContent\(text=(?P<text>{REPR_STRING})"
    rf"|ToolCallResult\(result=(?P<result>{REPR_STRING})"
)


def _parse_message_reprs(value: Any) -> list[dict[str, Any]] | None:
    """The messages in the repr of an input that has tools, which are not serializable."""
    if not isinstance(value, str) or "ChatMessage(_role=" not in value:
        return None
    messages: list[dict[str, Any]] = []
    for found in _MESSAGE_REPR.finditer(value):
        if found["role"]:
            messages.append({"role": found["role"], "content": []})
        elif messages:
            content = parse_repr_string(found["text"] or found["result"])
            messages[-1]["content"].append({"type": "text", "text": content})
    return messages


def _find_kind(component: str | None) -> str | None:
    """A component's kind by the end of its class name."""
    for pattern, kind in _TYPES:
        if component and pattern.search(component):
            return kind
    return None


def _refine_call(facts: Facts) -> None:
    output = structure(facts.get("output"))
    meta = _find_meta(output)
    put(facts, "model", text(dig(meta, "model")))
    put_usage(facts, dig(meta, "usage"))
    put_counts_of(facts, meta)  # Ollama's are beside it: `prompt_eval_count`
    reason = text(dig(meta, "finish_reason"))
    put(facts, "finish_reasons", (reason,) if reason else None)
    settings = dig(structure(facts.get("input")), "generation_kwargs")
    put_members(facts, settings, _SETTINGS)


def _find_meta(output: Any) -> Any:
    """The metadata of the first reply: in the message, or in a list of its own."""
    reply = dig(output, "replies", 0)
    if isinstance(reply, Mapping):
        return reply.get("meta", reply.get("_meta"))
    meta = dig(output, "meta")
    return meta[0] if isinstance(meta, list) and meta else meta


_INSIDE = {"input": ("messages", "prompt", "query", "text"), "output": ("replies",)}


def _unwrap_content(facts: Facts) -> None:
    """The messages or the question inside a component's inputs and outputs."""
    messages = _parse_message_reprs(facts.get("input"))
    if messages:
        facts["input"] = messages
    for side, names in _INSIDE.items():
        found = structure(facts.get(side))
        if isinstance(found, Mapping):
            components = (c for c in found.values() if isinstance(c, Mapping))
            _put_first(facts, side, (found, *components), names)


def _put_first(
    facts: Facts, side: str, sources: Iterable[Mapping[str, Any]], names: Iterable[str]
) -> None:
    """Replace *side* by the first member of *names* that a source has."""
    found = (source[name] for source in sources for name in names if source.get(name))
    facts[side] = next(found, facts[side])


HAYSTACK = Dialect(
    name="haystack",
    key_segments=("haystack",),
    scopes=("openinference.instrumentation.haystack",),
    fields=FIELDS,
    refine=refine,
    source="haystack-ai 3.4.1",
)
