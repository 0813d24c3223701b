"""Token and cost totals: each call once, aggregates only where no call reports."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.call_pairs import is_call
from infinium_otel.mapping.price_list import DIGITS
from infinium_otel.mapping.pricing import is_refused
from infinium_otel.mapping.tree import is_run_of_a_tool
from infinium_otel.taskdata import LlmUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Usage
    from infinium_otel.taskdata import LlmCall

_PREFIX = "gen_ai.usage."
_DETAILS = {
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


def find_usage_spans(nodes: list[Node]) -> list[Node]:
    """The nodes whose tokens make the totals: calls, and aggregates over unseen ones."""
    calls = [node for node in nodes if node.kind in CALLS and not node.folded]
    aggregates = [node for node in nodes if _is_top_aggregate(node)]
    if aggregates:
        reported = _ReportedCalls([node for node in calls if node.span.usage])
        calls += [node for node in aggregates if not reported.cover(node)]
    return calls


def _is_top_aggregate(node: Node) -> bool:
    """Whether *node* sums usage over others, and no node above it does.

    What is inside a call is a report of that call; an agent that a tool ran has sums of
    its own, which are not in those of the agent above.
    """
    return (
        node.kind not in CALLS
        and not node.folded
        and node.span.usage is not None
        and node.nearest_aggregate is None
        and (node.nearest_call is None or node.nearest_call.kind not in CALLS)
    )


class _ReportedCalls:
    """The positions of the calls that report their own usage."""

    def __init__(self, calls: list[Node]) -> None:
        self._ancestors: set[int] = set()
        self._by_parent: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for call in calls:
            self._mark(call)
            times = (call.record.start_ns, call.record.end_ns)
            self._by_parent[id(call.parent)].append(times)

    def _mark(self, call: Node) -> None:
        for above in call.ancestors():
            if id(above) in self._ancestors:
                return
            self._ancestors.add(id(above))
            if is_run_of_a_tool(above):
                return

    def cover(self, aggregate: Node) -> bool:
        """Whether calls in or beside the subtree report what *aggregate* sums.

        Beside: under the same parent at the same time, where streaming puts them.
        """
        if id(aggregate) in self._ancestors:
            return True
        record = aggregate.record
        return any(
            start_ns <= record.end_ns and record.start_ns <= end_ns
            for start_ns, end_ns in self._by_parent.get(id(aggregate.parent), ())
        )


def find_costs(reporting: list[Node], nodes: list[Node]) -> list[float | None]:
    """The cost of each part of a run that was billed; None where it is unknown.

    Args:
        reporting: the nodes that make the totals, see `find_usage_spans`.
        nodes: all nodes; the first is the run's own span, whose cost counts where no
            other is known.
    """
    whole = _find_reported_whole(reporting, nodes)
    if whole is not None:
        return [whole]
    root = nodes[0]
    sums = {id(node) for node in reporting if not is_call(node)}
    costs = [
        node.cost_usd
        for node in reporting
        if (id(node) in sums and node.span.kind in CALLS)
        or (is_call(node) and not is_refused(node.span) and not _is_part(node, sums))
    ]
    if all(cost is None for cost in costs):
        costs_of_sums = [n.span.cost_usd for n in reporting if id(n) in sums] or costs
        if root.kind not in CALLS and all(cost is None for cost in costs_of_sums):
            return [root.span.cost_usd or None]  # nobody counted what is zero
        return costs_of_sums
    return costs


def _find_reported_whole(reporting: list[Node], nodes: list[Node]) -> float | None:
    """The cost that a run reports of itself, where none of its calls reports its own.

    It is of the whole run where its counts are those of all calls, or where the run's
    own span has no counts.
    """
    if any(node.span.cost_usd is not None for node in reporting):
        return None
    summing = (n for n in nodes if n.span.cost_usd and n.span.kind not in CALLS)
    node = next(summing, None)
    if node is None or node.kind in CALLS:
        return None
    usage = node.span.usage
    if usage is None:
        return node.span.cost_usd if node is nodes[0] else None
    usages = [each.span.usage for each in reporting if each.span.usage]
    is_whole = (usage.input, usage.output) == (
        _sum_known(usages, "input"),
        _sum_known(usages, "output"),
    )
    return node.span.cost_usd if is_whole else None


def _is_part(call: Node, sums: set[int]) -> bool:
    """Whether a call without usage is a part of another, which has the sum."""
    whole = call.nearest_aggregate
    return call.span.usage is None and whole is not None and id(whole) in sums


def sum_usage(
    nodes: Iterable[Node], calls: list[LlmCall], costs: list[float | None]
) -> LlmUsage | None:
    """The task's usage; None if the run made no call and no aggregate reports one."""
    nodes = [node for node in nodes if node.span.usage]
    usages = [node.span.usage for node in nodes if node.span.usage]
    if not usages and not calls:
        return None
    prompt, completion = _sum_known(usages, "input"), _sum_known(usages, "output")
    return LlmUsage(
        model=_find_dominant(calls, "model") or _find_only(nodes, "model"),
        provider=_find_dominant(calls, "provider") or _find_only(nodes, "provider"),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_sum_total(usages, prompt, completion),
        estimated_cost_usd=_sum_costs(costs),
        api_calls_count=len(calls) or None,
        total_latency_ms=sum(call.latency_ms or 0 for call in calls) if calls else None,
        calls=calls or None,
    )


def _sum_total(
    usages: list[Usage], prompt: int | None, completion: int | None
) -> int | None:
    """Prompt plus completion tokens, or the provider's total where it is larger.

    What it has beyond the two was used too, though nobody reports for what.
    """
    if prompt is None and completion is None:
        return _sum_known(usages, "total")
    return sum(max(_add_sides(usage), usage.total or 0) for usage in usages)


def _add_sides(usage: Usage) -> int:
    return (usage.input or 0) + (usage.output or 0)


def sum_token_details(nodes: Iterable[Node]) -> dict[str, str]:
    """The sums of what has no field of its own: cached, reasoning and audio tokens, ..."""
    usages = [node.span.usage for node in nodes if node.span.usage]
    sums: dict[str, float] = dict.fromkeys(_DETAILS.values(), 0) if usages else {}
    for usage in usages:
        for fact, name in _DETAILS.items():
            sums[name] += getattr(usage, fact) or 0
        if not usage.parts:
            continue
        for part, amount in usage.parts.items():
            sums[_PREFIX + part] = sums.get(_PREFIX + part, 0) + amount
    return {name: str(value) for name, value in sums.items() if value}


def get_token_details(usage: Usage) -> dict[str, float]:
    """One call's parts of the counts, by their OpenTelemetry names where they have one."""
    found: dict[str, float] = {}
    for fact, name in _DETAILS.items():
        value = getattr(usage, fact)
        if value is not None:
            found[name] = value
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if cached and usage.input is not None:
        found["uncached_input_tokens"] = usage.input - cached
    if usage.parts:
        parts = usage.parts.items()
        found |= {
            _PREFIX + part: amount for part, amount in parts if amount is not None
        }
    if usage.total is not None and usage.total > _add_sides(usage):
        found[_PREFIX + "total_tokens"] = usage.total
    return found


def _sum_known(usages: list[Usage], fact: str) -> int | None:
    known = [getattr(u, fact) for u in usages if getattr(u, fact) is not None]
    return sum(known) if known else None


def _find_dominant(calls: list[LlmCall], name: str) -> str | None:
    """The model or provider with the most tokens; the first of several with as many."""
    weight: dict[str, int] = {}
    for call in calls:
        value = getattr(call, name)
        if value:
            tokens = (call.prompt_tokens or 0) + (call.completion_tokens or 0)
            weight[value] = weight.get(value, 0) + tokens
    return max(weight, key=weight.__getitem__) if weight else None


def _sum_costs(costs: list[float | None]) -> float | None:
    """The sum; None unless every call has a price, because a part would look complete."""
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), DIGITS) if costs and len(known) == len(costs) else None


def _find_only(nodes: list[Node], name: str) -> str | None:
    """The model or provider of the sums, where no call is known and there is only one."""
    found = {getattr(node.span, name) for node in nodes}
    if name == "model":
        found = {n.span.model or n.span.model_requested for n in nodes}
    found.discard(None)
    return found.pop() if len(found) == 1 else None
