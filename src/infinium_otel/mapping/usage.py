"""Token and cost totals: each model call once, aggregates only where no call tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.calls import is_call
from infinium_otel.pricing import DIGITS
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
    sums = [node for node in nodes if _sums(node)]
    if sums:
        told = _Told([node for node in calls if node.reading.usage])
        calls += [node for node in sums if not told.accounts_for(node)]
    return calls


def _sums(node: Node) -> bool:
    """Whether *node* sums over others, and nothing above it does."""
    return (
        node.kind not in CALLS
        and not node.folded
        and node.reading.usage is not None
        and node.account_above is None
    )


class _Told:
    """Where the calls stand that tell their own usage."""

    def __init__(self, calls: list[Node]) -> None:
        self._above: set[int] = set()
        self._beside: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for call in calls:
            self._mark(call)
            times = (call.record.start_ns, call.record.end_ns)
            self._beside[id(call.parent)].append(times)

    def _mark(self, call: Node) -> None:
        for above in call.ancestors():
            if id(above) in self._above:
                return
            self._above.add(id(above))

    def accounts_for(self, aggregate: Node) -> bool:
        """Whether calls in or beside the subtree tell what *aggregate* sums.

        Beside: under the same parent in the same time, where streaming puts them.
        """
        if id(aggregate) in self._above:
            return True
        record = aggregate.record
        return any(
            start_ns <= record.end_ns and record.start_ns <= end_ns
            for start_ns, end_ns in self._beside.get(id(aggregate.parent), ())
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


def details(usage: Usage) -> dict[str, int]:
    """One call's cached and reasoning tokens, by their OpenTelemetry names."""
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
    return round(sum(known), DIGITS) if costs and len(known) == len(costs) else None
