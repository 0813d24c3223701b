"""Google's Agent Development Kit: JSON blobs beside the GenAI keys.

Source: google-adk 1.14.1 and 2.13.0, schema versions 1 and 2; google-adk for Java
(`Telemetry.java`, `Functions.java`), which writes a tool's call and its response on two
spans and the model's response in camel case.
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
    texts,
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
    "model": first(member("model_version modelVersion", text), _RESPONSE),
    "finish_reasons": first(member("finish_reason finishReason", texts), _RESPONSE),
}

_NAMED_AGENT = re.compile(r"agent_run \[(.*)\]|invoke_agent (.+)")
_NAMED_TOOL = re.compile(r"tool_(call|response) \[(.*)\]")
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
    """Kinds by name, the merged-tools placeholder, and facts only in the blobs."""
    attributes = record.attributes
    if record.name == "call_llm":
        facts["kind"] = "llm"
    elif record.name == "invocation":
        facts["weak_kind"] = "workflow"
    elif record.name.startswith("execute_tool"):
        facts["kind"] = "tool"
        facts["dropped"] = (
            attributes.get("gen_ai.tool.name") == "(merged tools)"
            or record.name == "execute_tool (merged)"
        )
    _put_named_tool(record.name, facts)
    named = _NAMED_AGENT.fullmatch(record.name)
    if named:
        facts["agent_name"] = named[1] or named[2]
        # OpenInference suppresses the call's own span and writes the call on the agent's
        if attributes.get("gen_ai.operation.name") != "generate_content":
            facts["kind"] = "agent"
    _put_blob_facts(attributes, facts)
    if facts.get("kind") == "tool":
        facts.pop("input", None)
        facts.pop("output", None)


def _put_named_tool(name: str, facts: Facts) -> None:
    """Java's two spans of a tool: the second only repeats what the next call is given."""
    named = _NAMED_TOOL.fullmatch(name)
    if named:
        facts["kind"] = "tool"
        facts["dropped"] = named[1] == "response"
        put(facts, "weak_tool_name", named[2])


def _get(found: Mapping[str, Any], name: str) -> Any:
    """A member by its name in Python's spelling or in Java's."""
    first_word, *words = name.split("_")
    return found.get(name, found.get(first_word + "".join(map(str.title, words))))


def _put_blob_facts(attributes: Mapping[str, Any], facts: Facts) -> None:
    response = structure(attributes.get(_RESPONSE))
    if isinstance(response, Mapping):
        usage = _get(response, "usage_metadata")
        if isinstance(usage, Mapping):
            for fact, name in _USAGE:
                put(facts, fact, count(_get(usage, name)))
        put(facts, "error_message", text(_get(response, "error_message")))
        code = text(_get(response, "error_code"))
        if code:  # the span's status stays OK
            facts.update(failed=True, error_code=code)
    request = structure(attributes.get(_REQUEST))
    config = request.get("config") if isinstance(request, Mapping) else None
    if isinstance(config, Mapping):
        for fact, name, coerce in _CONFIG:
            put(facts, fact, coerce(_get(config, name)))
        put(facts, "system", data(_get(config, "system_instruction")))


GOOGLE_ADK = Dialect(
    name="google_adk",
    key_segments=("gcp",),
    scopes=("gcp.vertex.agent", "openinference.instrumentation.google_adk"),
    fields=FIELDS,
    refine=refine,
    source="google-adk 1.14.1 and 2.13.0",
)
