"""Codex's command line: a turn's totals, which the spans inside it repeat.

Source: the `codex_cli_rs` scope as LangWatch (August 2026) reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import count, first, text
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_USAGE = "codex.turn.token_usage."

FIELDS = {
    "input_tokens": first(count, _USAGE + "input_tokens"),
    "output_tokens": first(count, _USAGE + "output_tokens"),
    "total_tokens": first(count, _USAGE + "total_tokens"),
    "cache_read": first(
        count,
        _USAGE + "cached_input_tokens",
        _USAGE + "cache_read_input_tokens",
    ),
    "reasoning": first(
        count,
        _USAGE + "reasoning_output_tokens",
        _USAGE + "reasoning_tokens",
    ),
    "model": first(text, "model", "slug"),
    "conversation_id": first(text, "conversation.id", "thread.id"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A turn is the agent; the span that handles the responses repeats its counts."""
    if record.name == "session_task.turn":
        facts["kind"] = "agent"
        facts["weak_agent_name"] = "codex"
    elif record.name.startswith("handle_responses"):
        facts["kind"] = "step"


CODEX = Dialect(
    name="codex",
    key_segments=("codex",),
    scopes=("codex_cli_rs",),
    fields=FIELDS,
    refine=refine,
    source="codex_cli_rs (2026), as its readers take it",
)
