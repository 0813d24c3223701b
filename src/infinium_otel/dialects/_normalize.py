"""Turns the facts of all dialects of a span into one `NormalizedSpan`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure, text
from infinium_otel.dialects._evaluations import read_evaluations
from infinium_otel.dialects._fact_table import CALLS
from infinium_otel.dialects._facts import read_tool_request
from infinium_otel.dialects._failures import (
    count_retries,
    list_retried_errors,
    read_outcome,
)
from infinium_otel.dialects._providers import identify_provider
from infinium_otel.dialects._stored_prompts import read_prompts
from infinium_otel.dialects._usage import read_aggregate, read_usage
from infinium_otel.dialects._usage_parts import put_usage_parts
from infinium_otel.records import NOTHING, NormalizedSpan
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import Attributes, SpanRecord, Usage

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
    "function_calls": "tool_call",
    "content-filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}

_AROUND_TOOL_NAME = re.compile(
    r"^(execute_tool |running tool: |MCP send tools/call |tools/call "
    r"|(?i:([\w.-]{1,60}\.)?tools?([._](call|execut\w+|run|use))?[\s:./]+(?=\w)))"
    r"|(\.tool|\.__call__|\.a?call)$"
)
"""What instrumentations put around a tool's name in the span's name."""

_EXTRA = {
    "seed": "gen_ai.request.seed",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "agent_version": "gen_ai.agent.version",
    "service_tier": "service_tier",
    "speed": "speed",
    "documents": "gen_ai.retrieval.documents",
}
_EXPECTED = {"objective": "task_objective", "deliverables": "required_deliverables"}
_SAME_NAME = frozenset(
    "operation model model_requested temperature top_p max_tokens response_id "
    "streaming ttft_ms latency_ms cost_usd purpose tool_name tool_call_id arguments "
    "result agent_name agent_id agent_description task_name label input output system "
    "conversation_id user_id http_status retry_count tags metadata".split()
)


def normalize(
    record: SpanRecord,
    shape: Shape,
    facts: Facts,
    problems: list[str],
    dialects: tuple[str, ...],
) -> NormalizedSpan:
    """The normalized span of *record*, given its *shape* and its merged *facts*."""
    kind = facts.get("kind") or facts.get("weak_kind", "")
    for fact in _PLACED.intersection(facts):
        if _is_placeholder(facts[fact]):
            del facts[fact]
    if kind in CALLS or "input_tokens" in facts:
        put_usage_parts(facts, record.attributes, shape)
    provider = identify_provider(
        "llm" if facts.get("maybe_call") else kind, facts, record.scope_name
    )
    values: dict[str, Any] = {
        name: value for name, value in facts.items() if name in _SAME_NAME
    }
    weak = _add_weak_names(record, facts, kind, values)
    if kind == "tool":
        request = read_tool_request(facts.get("input"))
        requested = request.get("arguments", request.get("args"))
        values.setdefault("arguments", requested or facts.get("input"))
        _unwrap_request(values)
        values.setdefault("result", facts.get("output"))
    extra = NOTHING if facts.keys().isdisjoint(_EXTRA) else _rename(facts, _EXTRA)
    retries = count_retries(record) if record.events else None
    if retries:
        values.setdefault("retry_count", retries)
        errors = list_retried_errors(record)
        extra = {**extra, "retried_errors": errors} if errors else extra
    failure, cancelled = read_outcome(record, shape, facts)
    reasons = facts.get("finish_reasons")
    if reasons:
        values["finish_reasons"] = tuple(map(normalize_finish_reason, reasons))
        values["output"] = _select_first_choice(values.get("output"), len(reasons))
    return NormalizedSpan(
        kind=kind,
        provider=provider,
        usage=_read_usage(kind, facts),
        failure=failure,
        cancelled=cancelled,
        evaluations=read_evaluations(record, shape, kind, facts),
        prompts=read_prompts(record, shape),
        fallback_kind=facts.get("fallback_kind"),
        maybe_call=bool(facts.get("maybe_call")),
        unconfirmed=bool(facts.get("unconfirmed")),
        weak=weak,
        dropped=bool(facts.get("dropped")),
        replayed=bool(facts.get("replayed")),
        utility=bool(facts.get("utility")),
        expected=NOTHING
        if facts.keys().isdisjoint(_EXPECTED)
        else _rename(facts, _EXPECTED),
        extra=extra,
        problems=tuple(problems),
        dialects=dialects,
        **values,
    )


def _unwrap_request(values: dict[str, Any]) -> None:
    """Keep the arguments of a request for the tool that was recorded as its arguments."""
    request = read_tool_request(values.get("arguments"))
    if request and request.get("name") == values.get("tool_name"):
        values["arguments"] = request.get("arguments", request.get("args"))


_PLACED = frozenset(
    "model model_requested provider response_id tool_name tool_call_id agent_name "
    "agent_id task_name conversation_id user_id".split()
)
_NO_NAMES = frozenset(
    "none null nil undefined unknown n/a na default_model unknown_model not_set".split()
)
_MAX_NO_NAME = max(map(len, _NO_NAMES))


def _is_placeholder(name: Any) -> bool:
    """Whether a name or id is a word for none, or a remark such as `<not specified>`."""
    if not isinstance(name, str):
        return False
    found = name.strip()
    if found[:1] == "<":
        return found[-1:] == ">"
    return len(found) <= _MAX_NO_NAME and found.lower() in _NO_NAMES


_WEAK = {
    "weak_tool_name": "tool_name",
    "weak_agent_name": "agent_name",
    "weak_task_name": "task_name",
}


def _add_weak_names(
    record: SpanRecord, facts: Facts, kind: str, values: dict[str, Any]
) -> tuple[str, ...]:
    """Add the names that only derived facts have.

    Returns:
        Which names, and which content, are weak: another span's explicit one wins.
    """
    if kind == "tool":
        request = read_tool_request(facts.get("input"))
        derived = facts.get("weak_tool_name") or record.name
        own = _strip_tool_name(derived)
        named = None if facts.get("weak_tool_name") else text(request.get("name"))
        facts["weak_tool_name"] = named or own or None
    added = []
    for weak, name in () if facts.keys().isdisjoint(_WEAK) else _WEAK.items():
        if (
            facts.get(weak)
            and values.get(name) is None
            and (weak != "weak_tool_name" or kind == "tool")
        ):
            values[name] = facts[weak]
            added.append(name)
    unlisted = facts.get("weak_facts", ())
    if not unlisted:
        return tuple(added)
    if "input_tokens" in unlisted or "output_tokens" in unlisted:
        added.append("usage")
    return (*added, *(fact for fact in unlisted if fact in ("input", "output")))


@cache_names(maxsize=1024)
def _strip_tool_name(name: str) -> str:
    """A tool's name without what instrumentations put around it; cached, as names recur."""
    return _AROUND_TOOL_NAME.sub("", name).strip() or name.strip()


def _select_first_choice(output: Any, choices: int) -> Any:
    """Of several choices for one request the first (docs/reference/traps.md T40)."""
    if choices > 1:
        found = structure(output)
        if isinstance(found, (list, tuple)) and len(found) == choices:
            return found[:1]
    return output


def normalize_finish_reason(reason: str) -> str:
    """The conventions' word for any provider's *reason*."""
    reason = reason.rpartition(".")[2].lower()
    return FINISH_REASONS.get(reason, reason)


UNCOUNTED = frozenset({"tool", "http", "db", "mcp", "messaging", "lifecycle"})
"""Kinds whose token counts are neither a call's nor a sum over calls."""


def _read_usage(kind: str, facts: Facts) -> Usage | None:
    if kind in UNCOUNTED:
        return None
    if kind in _WITHOUT_OUTPUT and not facts.get("input_tokens"):
        # nothing is generated: what is reported as the output was read
        spent = facts.pop("output_tokens", None)
        if spent is not None:
            facts["input_tokens"] = spent
    return read_usage(facts) or (None if kind in CALLS else read_aggregate(facts))


_WITHOUT_OUTPUT = frozenset({"embedding", "rerank"})


def _rename(facts: Facts, names: dict[str, str]) -> Attributes:
    return {name: facts[fact] for fact, name in names.items() if fact in facts}
