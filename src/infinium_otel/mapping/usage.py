"""Token and cost totals: each model call once, aggregates only where no call tells."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.calls import is_call
from infinium_otel.taskdata import LlmUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Usage
    from infinium_otel.taskdata import LlmCall

_DETAILS = {
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


def counted(nodes: list[Node]) -> list[Node]:
    """The spans whose tokens make the totals: calls, and aggregates over unseen ones."""
    calls = [node for node in nodes if is_call(node)]
    telling = {id(node) for node in calls if node.reading.usage}
    return calls + [n for n in nodes if _is_sole_account(n, nodes, telling)]


def _is_sole_account(node: Node, nodes: list[Node], telling: set[int]) -> bool:
    """An aggregate is used only where no call in or beside its subtree has usage."""
    if node.kind in CALLS or node.folded or not node.reading.usage:
        return False
    if any(
        above.reading.usage and above.kind not in CALLS for above in node.ancestors()
    ):
        return False
    if any(id(below) in telling for below in node.descendants()):
        return False
    return not any(id(n) in telling and _is_beside(node, n) for n in nodes)


def _is_beside(aggregate: Node, call: Node) -> bool:
    """A call under the same parent in the same time: streaming ends up there."""
    a, c = aggregate.record, call.record
    return (
        aggregate.parent is call.parent
        and a.start_ns <= c.end_ns
        and c.start_ns <= a.end_ns
    )


def totals(
    nodes: Iterable[Node], calls: list[LlmCall], costs: list[float | None]
) -> LlmUsage | None:
    """The task's usage; None if the run made no call and no aggregate tells of one."""
    usages = [node.reading.usage for node in nodes if node.reading.usage]
    if not usages and not calls:
        return None
    prompt, completion = _sum(usages, "input"), _sum(usages, "output")
    return LlmUsage(
        model=_most(calls, "model"),
        provider=_most(calls, "provider"),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_total(usages, prompt, completion),
        estimated_cost_usd=_cost(costs),
        api_calls_count=len(calls) or None,
        total_latency_ms=sum(call.latency_ms or 0 for call in calls) if calls else None,
        calls=calls or None,
    )


def _total(
    usages: list[Usage], prompt: int | None, completion: int | None
) -> int | None:
    """The sum of both sides; the spans' own totals only where the sides are unknown."""
    if prompt is None and completion is None:
        return _sum(usages, "total")
    return (prompt or 0) + (completion or 0)


def detail_tags(nodes: Iterable[Node]) -> dict[str, str]:
    """Cached and reasoning tokens, which have no field of their own."""
    usages = [node.reading.usage for node in nodes if node.reading.usage]
    sums = {name: _sum(usages, fact) for fact, name in _DETAILS.items()}
    return {name: str(value) for name, value in sums.items() if value}


def details(usage: Usage | None) -> dict[str, int]:
    """One call's cached and reasoning tokens, by their OpenTelemetry names."""
    if usage is None:
        return {}
    found = {name: getattr(usage, fact) for fact, name in _DETAILS.items()}
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if cached and usage.input is not None:
        found["uncached_input_tokens"] = usage.input - cached
    return {name: value for name, value in found.items() if value is not None}


def _sum(usages: list[Usage], fact: str) -> int | None:
    known = [getattr(u, fact) for u in usages if getattr(u, fact) is not None]
    return sum(known) if known else None


def _most(calls: list[LlmCall], name: str) -> str | None:
    """The model or provider with the most tokens; the first of equals."""
    weight: Counter[str] = Counter()
    for call in calls:
        value = getattr(call, name)
        if value:
            weight[value] += (call.prompt_tokens or 0) + (call.completion_tokens or 0)
    return max(weight, key=lambda value: weight[value]) if weight else None


def _cost(costs: list[float | None]) -> float | None:
    """The sum, only if every call has a price: a part of it would pass for the whole."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if costs and len(known) == len(costs) else None
