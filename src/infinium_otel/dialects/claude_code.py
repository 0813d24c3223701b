"""Claude Code: the command line's own spans, with keys without a prefix.

Source: the attributes as MLflow 3.18.0 and LangWatch (August 2026) read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

SCOPE = "com.anthropic.claude_code.tracing"

KINDS = {
    "interaction": "agent",
    "llm_request": "llm",
    "tool": "tool",
    "tool.execution": "step",
    "tool.blocked_on_user": "waiting",
    "hook": "step",
}
UTILITIES = frozenset({"prompt_suggestion", "generate_session_title", "quota"})
"""Side calls whose answers are never the run's (docs/reference/traps.md T31)."""

FIELDS = {
    "model": first(text, "model"),
    "input_tokens": first(count, "input_tokens"),
    "output_tokens": first(count, "output_tokens"),
    "cache_read": first(count, "cache_read_tokens"),
    "cache_write": first(count, "cache_creation_tokens"),
    "finish_reasons": first(texts, "stop_reason"),
    "purpose": first(text, "query_source"),
    "tool_name": first(text, "tool_name"),
    "arguments": first(
        data, "tool_input", "full_command", "file_path", "skill_name", "subagent_type"
    ),
    "conversation_id": first(text, "session.id"),
    "input": first(text, "user_prompt", "new_context"),
    "output": first(text, "response.model_output"),
    "system": first(text, "system_prompt_preview"),
    "error_message": first(text, "error"),
    "http_status": first(count, "status_code"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by span type; counts without cached tokens; a tool's output event."""
    is_own = record.name.startswith("claude_code.")
    if not is_own and record.scope_name != SCOPE:
        facts.clear()
        return
    span_type = text(record.attributes.get("span.type")) or record.name
    kind = KINDS.get(span_type.removeprefix("claude_code."), "step")
    facts["kind"] = kind
    facts["excludes_cache"] = True
    if kind == "llm":
        put(facts, "provider", "anthropic")
        _put_attempts(record, facts)
        facts["utility"] = facts.get("purpose") in UTILITIES
    elif kind == "agent":
        put(facts, "weak_agent_name", "claude_code")
        _put_logged_content(record, facts)
    elif kind == "tool":
        _put_tool_output(record, facts)


def _put_attempts(record: SpanRecord, facts: Facts) -> None:
    """Add the attempts before the last, which are events."""
    attempts = sum(event.name == "gen_ai.request.attempt" for event in record.events)
    if attempts > 1:
        put(facts, "retry_count", attempts - 1)


def _put_logged_content(record: SpanRecord, facts: Facts) -> None:
    """Add what only log events contain: the answer, and the tools' inputs."""
    calls: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for event in record.events:
        attributes = event.attributes
        if event.name.endswith("tool_result"):
            call = {
                "name": text(attributes.get("tool_name")),
                "id": text(attributes.get("tool_use_id")),
                "arguments": structure(attributes.get("tool_input")),
            }
            if None not in call.values():
                calls.append(call)
        elif event.name.endswith("assistant_response"):
            answer = text(attributes.get("response"))
            if answer and attributes.get("query_source") not in UTILITIES:
                messages.append({"role": "assistant", "content": answer})
    if calls:
        messages.insert(0, {"role": "assistant", "tool_calls": calls})
    put(facts, "output", messages or None)


def _put_tool_output(record: SpanRecord, facts: Facts) -> None:
    for event in record.events:
        if event.name == "tool.output":
            for key in ("output", "content", "diff"):
                put(facts, "result", data(event.attributes.get(key)))


CLAUDE_CODE = Dialect(
    name="claude_code",
    key_segments=("span",),
    scopes=(SCOPE,),
    fields=FIELDS,
    refine=refine,
    source="Claude Code (2026), as its readers take it",
)
