"""Google's Agent Development Kit: JSON blobs beside the GenAI keys.

Source: google-adk 1.14.1 and 2.13.0, schema versions 1 and 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    member,
    number,
    structure,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_AGENT = "gcp.vertex.agent."
_REQUEST, _RESPONSE = _AGENT + "llm_request", _AGENT + "llm_response"

FIELDS = {
    "conversation_id": first(text, _AGENT + "session_id"),
    "arguments": first(data, _AGENT + "tool_call_args"),
    "result": first(data, _AGENT + "tool_response"),
    "input": first(member("contents", structure), _REQUEST),
    "output": first(member("content", structure), _RESPONSE),
    "model_requested": first(member("model", text), _REQUEST),
    "model": first(member("model_version", text), _RESPONSE),
}

_NAMED_AGENT = re.compile(r"agent_run \[(.*)\]|invoke_agent (.+)")
_USAGE = (
    ("input_tokens", "prompt_token_count"),
    ("output_tokens", "candidates_token_count"),
    ("total_tokens", "total_token_count"),
    ("cache_read", "cached_content_token_count"),
    ("reasoning", "thoughts_token_count"),
)
_CONFIG = (
    ("temperature", "temperature", number),
    ("top_p", "top_p", number),
    ("max_tokens", "max_output_tokens", count),
)


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by name, the merged-tools placeholder, and what only the blobs hold."""
    attributes = record.attributes
    if record.name == "call_llm":
        facts["kind"] = "llm"
    elif record.name == "invocation":
        facts["weak_kind"] = "workflow"
    elif record.name.startswith("execute_tool"):
        facts["kind"] = "tool"
        facts["dropped"] = attributes.get("gen_ai.tool.name") == "(merged tools)"
    named = _NAMED_AGENT.fullmatch(record.name)
    if named:
        facts["agent_name"] = named[1] or named[2]
        # OpenInference quiets the call's own span and writes the call on the agent's
        if attributes.get("gen_ai.operation.name") != "generate_content":
            facts["kind"] = "agent"
    _from_blobs(attributes, facts)
    if facts.get("kind") == "tool":
        facts.pop("input", None)
        facts.pop("output", None)


def _from_blobs(attributes: Mapping[str, Any], facts: Facts) -> None:
    response = structure(attributes.get(_RESPONSE))
    if isinstance(response, Mapping):
        usage = response.get("usage_metadata")
        if isinstance(usage, Mapping):
            for fact, name in _USAGE:
                put(facts, fact, count(usage.get(name)))
        put(facts, "error_message", text(response.get("error_message")))
        put(facts, "error_code", text(response.get("error_code")))
    request = structure(attributes.get(_REQUEST))
    config = request.get("config") if isinstance(request, Mapping) else None
    if isinstance(config, Mapping):
        for fact, name, coerce in _CONFIG:
            put(facts, fact, coerce(config.get(name)))
        put(facts, "system", data(config.get("system_instruction")))


GOOGLE_ADK = Dialect(
    name="google_adk",
    speaks=("gcp",),
    scopes=("gcp.vertex.agent",),
    fields=FIELDS,
    refine=refine,
    source="google-adk 1.14.1 and 2.13.0",
)
