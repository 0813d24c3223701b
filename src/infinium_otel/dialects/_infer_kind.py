"""Decides the kind of work where no dialect names it: by shape, name, protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects._operations import OPERATIONS
from infinium_otel.dialects.tool_definitions import FLATTENED
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import Attributes, SpanRecord

_OF_TOOLS = (
    r"(?:calls?|calling|execut\w+|run|runs|runner|use|lists?|results?|approval|registry|load|"
    r"select\w*|choice|rout\w+|errors?|inputs?|outputs?|definitions?|schemas?|discovery|init|"
    r"setup|loop|spans?|steps?|start|end|manager|servers?|nodes?)\b"
)
"""Words behind `tool.` that are no tool's name."""

# `{operation} {target}`, as the GenAI conventions name spans
_NAMES = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"(chat|text_completion|generate_content) \S", "llm"),
        (r"embeddings \S", "embedding"),
        (r"execute_tool \S", "tool"),
        (r"(?:[\w-]{1,40}\.){0,3}tool(?:: ?|[./ ](?!" + _OF_TOOLS + r"))\w", "tool"),
        (r"(?:[\w-]{1,40}[. ])?(?:execute_)?guardrails?(?:[.: ]|$)", "guardrail"),
        (r"invoke_agent( |$)", "agent"),
        (r"invoke_workflow( |$)", "workflow"),
        (r"retrieval( |$)", "retrieval"),
    )
)

TOOL_KEYS = ("gen_ai.tool.name", "gen_ai.tool.call.id")
_PROTOCOLS = (
    ("http.request.method", "http"),
    ("http.method", "http"),
    ("http.response.status_code", "http"),
    ("url.full", "http"),
    ("http.url", "http"),
    ("db.system", "db"),
    ("db.system.name", "db"),
    ("db.operation", "db"),
    ("rpc.system", "http"),
    ("asgi.event.type", "http"),
    ("messaging.system", "messaging"),
    ("messaging.operation", "messaging"),
)


def infer_from_facts(record: SpanRecord, facts: Facts) -> str:
    """The kind that the facts of *record*'s own dialects show; "" if they show none."""
    attributes = record.attributes
    for key in TOOL_KEYS:
        if key in attributes:
            return "tool"
    if (
        _is_call(facts)
        or _is_truncated_call(record, facts)
        or _is_served_call(attributes, facts)
    ):
        return "llm"
    return ""


@cache_names(maxsize=1024)
def infer_from_name(name: str) -> str:
    """The kind by the span's name; cached, as names recur."""
    for pattern, kind in _NAMES:
        if pattern.match(name):
            return kind
    operation = _OPERATION.match(name)
    return OPERATIONS.get(operation[1], "") if operation else ""


_OPERATION = re.compile(r"gen_ai\.(?!other)(\w{1,40})(?= |$)")
"""A span that is named after its operation in the namespace of its attributes."""


_CLIENT_METHOD = re.compile(
    r"(?:async_?)?(?:openai|azure_?openai|anthropic|mistral(?:ai)?|cohere|groq|together|ollama"
    r"|gemini|google_?genai|bedrock(?:[-_]runtime)?|litellm)(?:\.\w{1,20})?\."
    r"(?:messages|chat|chat\.completions|completions?|responses|generate_content|converse"
    r"|invoke_model)(?:\.(?:create|stream|parse|complete))?",
    re.IGNORECASE,
)


@cache_names(maxsize=1024)
def is_client_method(name: str) -> bool:
    """Whether a span is named after the method of a client that calls a model."""
    return _CLIENT_METHOD.fullmatch(name) is not None


def infer_from_protocol(keys: Iterable[str]) -> str:
    """The kind of a span of transport, a database or a queue, by its convention's keys."""
    present = frozenset(keys)
    for key, kind in _PROTOCOLS:
        if key in present:
            return kind
    return ""


def _is_call(facts: Facts) -> bool:
    """A model together with usage or messages; a model alone is on agents too."""
    model = facts.get("model") or facts.get("model_requested")
    has_answer = (
        facts.get("input_tokens") is not None or facts.get("output") is not None
    )
    agent = facts.get("agent_name") or facts.get("weak_kind")
    return bool(model and has_answer and not agent)


_SERVED = ("gen_ai.request.id", "gen_ai.latency.")


def _is_served_call(attributes: Attributes, facts: Facts) -> bool:
    """A model server's own span of a request: it has no model, but knows what it served.

    Source: vLLM 0.11, `vllm/tracing.py` (`llm_request`).
    """
    if None in (facts.get("input_tokens"), facts.get("output_tokens")):
        return False
    if facts.get("agent_name") or facts.get("weak_kind"):
        return False
    return facts.get("max_tokens") is not None or any(
        key.startswith(_SERVED) for key in attributes
    )


def _is_truncated_call(record: SpanRecord, facts: Facts) -> bool:
    """A call whose model the SDK's attribute limit removed, with output and tokens.

    Or with nothing but the tools that it was offered: flattened, they evict what was set
    before them.
    """
    if not record.dropped_attributes or facts.get("agent_name"):
        return False
    has_answer = None not in (facts.get("output"), facts.get("output_tokens"))
    return has_answer or any(map(_is_offered_tool, record.attributes))


@cache_names(maxsize=1024)
def _is_offered_tool(key: str) -> bool:
    return key.startswith(_REQUESTED_TOOLS)


_REQUESTED_TOOLS = tuple(f"{place}." for place in FLATTENED)
