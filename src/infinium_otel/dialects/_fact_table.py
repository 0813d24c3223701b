"""Every fact a dialect can contribute: its name, its type and its meaning.

A dialect's table and its `refine` write these names; `normalize` makes one
`NormalizedSpan` of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """One name of the table.

    Args:
        name: the key in `Facts`.
        type: what a value is, as `isinstance` takes it; `object` is anything that can
            be read later (a text, JSON text, a mapping, a list).
        meaning: in a sentence, with the unit.
    """

    name: str
    type: Any
    meaning: str


CALLS = frozenset({"llm", "embedding", "rerank"})
"""Kinds that are one model call, with token counts of its own."""

NUMBER = (int, float)

FACT_TABLE = (
    # What kind of work the span is
    Fact("kind", str, "kind of work, one of `NormalizedSpan.kind`"),
    Fact("weak_kind", str, "kind of work if no dialect has a `kind`"),
    Fact("fallback_kind", str, "kind if a call lies below: `kind` is only inferred"),
    Fact("maybe_call", bool, "true if it is a call in a trace that has no other"),
    Fact("unconfirmed", bool, "true if `kind` holds only beside a model's work"),
    Fact("operation", str, "the operation's own name, such as `chat`"),
    Fact("label", str, "name of the step"),
    Fact("purpose", str, "what the call is made for"),
    Fact("dropped", bool, "true if the span stands for no work of its own"),
    Fact("replayed", bool, "true if a cache responded, at no cost"),
    Fact("utility", bool, "true for a side call, whose output is never the run's"),
    # The model call
    Fact("model", str, "model that responded"),
    Fact("model_requested", str, "model that was requested"),
    Fact("provider", str, "provider, in any spelling"),
    Fact("server", str, "host that responded"),
    Fact("temperature", NUMBER, "sampling temperature"),
    Fact("top_p", NUMBER, "nucleus sampling"),
    Fact("max_tokens", int, "limit of output tokens"),
    Fact("seed", NUMBER, "seed of the sampling"),
    Fact("reasoning_effort", str, "requested level of reasoning"),
    Fact("streaming", bool, "whether the output was streamed"),
    Fact("response_id", str, "the provider's id of the response"),
    Fact("finish_reasons", tuple, "why the output ended, one per choice"),
    Fact("ttft_ms", NUMBER, "time to the first chunk, milliseconds"),
    Fact("latency_ms", NUMBER, "duration, if the span's own times are not it"),
    Fact("cost_usd", NUMBER, "cost, US dollars"),
    Fact("service_tier", str, "tier that served the call: priority, flex, batch"),
    Fact("speed", str, "speed that was paid for: fast"),
    # Token counts of this call
    Fact("input_tokens", int, "input tokens"),
    Fact("output_tokens", int, "output tokens"),
    Fact("total_tokens", int, "input and output tokens"),
    Fact("cache_read", int, "input tokens read from a cache"),
    Fact("cache_write", int, "input tokens written to a cache"),
    Fact("reasoning", int, "output tokens spent on reasoning"),
    Fact("usage_parts", dict, "further parts with prices of their own; `Usage.parts`"),
    Fact("excludes_cache", bool, "true if `input_tokens` lacks the cached ones"),
    Fact("excludes_reasoning", bool, "true if `output_tokens` lacks the reasoning"),
    # Sums over the calls inside an agent's span
    Fact("aggregate_input", int, "input tokens of the calls inside"),
    Fact("aggregate_output", int, "output tokens of the calls inside"),
    Fact("aggregate_cache_read", int, "cached input tokens of the calls inside"),
    Fact("aggregate_cache_write", int, "tokens the calls inside wrote to a cache"),
    Fact("aggregate_reasoning", int, "reasoning tokens of the calls inside"),
    # Content
    Fact("input", object, "messages or data that went in"),
    Fact("output", object, "messages or data that came out"),
    Fact("system", object, "system instructions"),
    Fact("query", str, "unused: what a retrieval searched for is its `input`"),
    Fact("documents", object, "what a retrieval found"),
    # Tools
    Fact("tool_name", str, "name of the tool"),
    Fact("tool_call_id", str, "id that ties the run of a tool to the model's request"),
    Fact("arguments", object, "arguments of the tool"),
    Fact("result", object, "result of the tool"),
    # Who and what for
    Fact("agent_name", str, "name of the agent"),
    Fact("agent_id", str, "id of the agent"),
    Fact("agent_description", str, "the agent's own description"),
    Fact("agent_version", str, "version of the agent"),
    Fact("task_name", str, "name of the whole run"),
    Fact("objective", str, "what the run was to achieve"),
    Fact("deliverables", tuple, "what the run was to deliver"),
    Fact("conversation_id", str, "id of the session or thread"),
    Fact("user_id", str, "id of the end user"),
    Fact("tags", tuple, "tags of the run"),
    Fact("metadata", dict, "what the application adds, by name: `tenant`, `release`"),
    # Names derived from a span's name, a graph's node or a class
    Fact("weak_tool_name", str, "name of the tool if no dialect has a `tool_name`"),
    Fact("weak_agent_name", str, "name of the agent if no dialect has an `agent_name`"),
    Fact("weak_task_name", str, "name of the run if no dialect has a `task_name`"),
    Fact("weak_facts", tuple, "the facts that no dialect has a row for"),
    # Failures and transport
    Fact("failed", bool, "true if the work failed, whatever the span's status"),
    Fact("error_type", str, "type of the error"),
    Fact("error_message", str, "message of the error"),
    Fact("error_code", str, "the vendor's code of the error, or a status"),
    Fact("stack_trace", str, "stack trace of the error"),
    Fact("failure_type", str, "type, in preference to a recorded exception's"),
    Fact("failure_message", str, "message, in preference to a recorded exception's"),
    Fact("http_status", int, "HTTP status of the response"),
    Fact("retry_count", int, "retries before this attempt"),
)

FACTS = frozenset(fact.name for fact in FACT_TABLE)
"""The names of `FACT_TABLE`."""
