"""What kind of work a span is, where no vocabulary names it: by shape, name, protocol."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import Attributes, SpanRecord

_NAMES = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"(chat|text_completion|generate_content) \S", "llm"),
        (r"(Responses API|Chat [Cc]ompletion) with ", "llm"),
        (r"embeddings \S", "embedding"),
        (r"execute_tool \S", "tool"),
        (r"Function: ", "tool"),
        (r"(invoke_agent|create_agent)( |$)", "agent"),
        (r"Agent run: ", "agent"),
        (r"invoke_workflow( |$)", "workflow"),
        (r"retrieval( |$)", "retrieval"),
        (r"Handoff: ", "handoff"),
        (r"Guardrail ", "guardrail"),
    )
)

_TOOL_KEYS = ("gen_ai.tool.name", "gen_ai.tool.call.id", "tool.name", "tool_arguments")
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


def shape_of(record: SpanRecord, facts: Facts) -> str:
    """The kind that *record*'s shape shows; "" where it shows none."""
    attributes = record.attributes
    for key in _TOOL_KEYS:
        if key in attributes:
            return "tool"
    if _is_call(facts) or _was_call(record, facts):
        return "llm"
    return _named(record.name) or _protocol(attributes)


@lru_cache(maxsize=1024)
def _named(name: str) -> str:
    """The kind that a span's name tells; the names of spans recur."""
    for pattern, kind in _NAMES:
        if pattern.match(name):
            return kind
    return ""


def _protocol(attributes: Attributes) -> str:
    for key, kind in _PROTOCOLS:
        if key in attributes:
            return kind
    return ""


def _is_call(facts: Facts) -> bool:
    """A model together with usage or messages; a model alone is on agents too."""
    model = facts.get("model") or facts.get("model_requested")
    told = facts.get("input_tokens") is not None or facts.get("output") is not None
    agent = facts.get("agent_name") or facts.get("weak_kind")
    return bool(model and told and not agent)


def _was_call(record: SpanRecord, facts: Facts) -> bool:
    """A call whose model the SDK's limits evicted: an answer and its tokens are left."""
    told = facts.get("output") is not None and facts.get("output_tokens") is not None
    return bool(record.dropped_attributes and told and not facts.get("agent_name"))
