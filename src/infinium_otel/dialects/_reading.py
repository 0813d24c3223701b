"""The facts of all dialects a span speaks, to one `Reading`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure
from infinium_otel.dialects._failures import failure_of
from infinium_otel.dialects._providers import provider_of
from infinium_otel.dialects._shapes import shape_of
from infinium_otel.dialects._usage import aggregate_of, counts_apart, usage_of
from infinium_otel.records import NOTHING, Reading

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import Attributes, SpanRecord, Usage

CALLS = frozenset({"llm", "embedding", "rerank"})
"""Kinds that are one model call, whose tokens count."""

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "finish": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_call",
    "tool_calls": "tool_call",
    "tool-calls": "tool_call",
    "function_call": "tool_call",
    "content-filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}

_FRAME = re.compile(
    r"^(execute_tool |running tool: |MCP send tools/call |tools/call )"
    r"|(\.tool|\.__call__|\.a?call)$"
)
"""What instrumentations put around a tool's name in a span's."""

_EXTRA = {
    "seed": "gen_ai.request.seed",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "agent_version": "gen_ai.agent.version",
    "tags": "tags",
    "documents": "gen_ai.retrieval.documents",
}
_EXPECTED = {"objective": "task_objective", "deliverables": "required_deliverables"}
_PLAIN = frozenset(
    "operation model model_requested temperature top_p max_tokens response_id "
    "streaming ttft_ms latency_ms cost_usd purpose tool_name tool_call_id arguments "
    "result agent_name agent_id agent_description task_name label input output system "
    "conversation_id user_id http_status retry_count".split()
)


def reading_of(
    record: SpanRecord, facts: Facts, problems: list[str], dialects: tuple[str, ...]
) -> Reading:
    """What *record* says, given its merged *facts*."""
    kind = facts.get("kind") or shape_of(record, facts) or facts.get("weak_kind", "")
    provider = _provider(kind, facts)
    if facts.get("cache_read") and counts_apart(record.scope_name, provider):
        facts["excludes_cache"] = True
    values: dict[str, Any] = {
        name: value for name, value in facts.items() if name in _PLAIN
    }
    if kind == "tool" and "tool_name" not in values:
        values["tool_name"] = _FRAME.sub("", record.name).strip() or None
    if kind == "tool":
        values.setdefault("arguments", facts.get("input"))
        values.setdefault("result", facts.get("output"))
    reasons = facts.get("finish_reasons")
    if reasons:
        values["finish_reasons"] = tuple(map(finish_reason, reasons))
        values["output"] = _first_choice(values.get("output"), len(reasons))
    return Reading(
        kind=kind,
        provider=provider,
        usage=_usage(kind, facts),
        failure=failure_of(record, facts),
        dropped=bool(facts.get("dropped")),
        replayed=bool(facts.get("replayed")),
        utility=bool(facts.get("utility")),
        expected=_renamed(facts, _EXPECTED),
        extra=_renamed(facts, _EXTRA),
        problems=tuple(problems),
        dialects=dialects,
        **values,
    )


def _first_choice(output: Any, choices: int) -> Any:
    """Of several answers to one request the first (dialects trap T40)."""
    if choices > 1:
        found = structure(output)
        if isinstance(found, (list, tuple)) and len(found) == choices:
            return found[:1]
    return output


def finish_reason(said: str) -> str:
    """One word of the conventions for *said*."""
    said = said.rpartition(".")[2].lower()
    return FINISH_REASONS.get(said, said)


UNCOUNTED = frozenset({"tool", "http", "db", "mcp", "messaging", "lifecycle"})
"""Kinds whose token counts, if any, neither tell of a call nor sum over some."""


def _usage(kind: str, facts: Facts) -> Usage | None:
    if kind in UNCOUNTED:
        return None
    return usage_of(facts) or (None if kind in CALLS else aggregate_of(facts))


def _provider(kind: str, facts: Facts) -> str | None:
    """The provider of a call; of anything else only what a span plainly names."""
    model = facts.get("model") or facts.get("model_requested")
    if kind in CALLS:
        return provider_of(facts.get("provider"), facts.get("server"), model)
    return provider_of(facts.get("provider"))


def _renamed(facts: Facts, names: dict[str, str]) -> Attributes:
    if names.keys().isdisjoint(facts):
        return NOTHING
    return {name: facts[fact] for fact, name in names.items() if fact in facts}
