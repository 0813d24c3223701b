"""Token arithmetic: which counts include which.

By emitter, the counts of a call have cached and reasoning tokens inside the totals or
beside them. After this module they are always inside.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from infinium_otel.records import NOTHING, Usage

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import Attributes

TOOL_PART = "input_tool_tokens"
"""The part of `Usage.parts` for the results of the provider's own tools."""

_UNKNOWN = Usage()
_COUNTS = frozenset(
    "input_tokens output_tokens total_tokens cache_read cache_write reasoning "
    "usage_parts".split()
)
_AGGREGATES = frozenset(
    "aggregate_input aggregate_output aggregate_cache_read aggregate_cache_write "
    "aggregate_reasoning".split()
)


def read_usage(facts: Facts) -> Usage | None:
    """The usage in *facts*; None if they contain no count."""
    if _COUNTS.isdisjoint(facts):
        return None
    get = facts.get
    parts = get("usage_parts") or NOTHING
    usage = Usage(
        get("input_tokens"),
        get("output_tokens"),
        get("total_tokens"),
        get("cache_read"),
        get("cache_write", _sum_lifetimes(parts) if parts else None),
        get("reasoning"),
        parts,
    )
    if usage.input is None and usage == _UNKNOWN:
        return None
    if "uncached_input" in facts:
        usage = _sum_parts(usage, facts["uncached_input"])
    sums = _fit_total(usage) or (_sum_input(usage, facts), _sum_output(usage, facts))
    if sums == (usage.input, usage.output):
        return usage
    return replace(usage, input=sums[0], output=sums[1])


def _sum_parts(usage: Usage, uncached: int) -> Usage:
    """The usage with its input as the sum of the parts, where all of them are reported.

    An exporter that takes a provider's whole count for the uncached part adds the cached
    tokens to it again, in the total too.
    """
    if usage.input is None or (usage.cache_read is None and usage.cache_write is None):
        return usage
    whole = uncached + (usage.cache_read or 0) + (usage.cache_write or 0)
    added = usage.input - whole
    if added <= 0 or added not in (usage.cache_read, usage.cache_write):
        return usage
    total = usage.total
    if total is not None and total == usage.input + (usage.output or 0):
        total -= added
    return replace(usage, input=whole, total=total)


def _sum_lifetimes(parts: Attributes) -> int | None:
    """The tokens written to a cache, where only their lifetimes are reported."""
    found = [parts[name] for name in _LIFETIMES if name in parts]
    return sum(found) if found else None


_LIFETIMES = ("cache_write_5m_tokens", "cache_write_1h_tokens")


def _fit_total(usage: Usage) -> tuple[int, int] | None:
    """Input and output so that they add up to the provider's total.

    Cached tokens, tokens that tools' results took, and reasoning are each inside the
    counts or beside them; the total shows which.

    Returns:
        None if there is no total, or if no choice adds up to it.
    """
    if usage.total is None or usage.input is None or usage.output is None:
        return None
    beside = (
        usage.cache_read or 0,
        usage.cache_write or 0,
        usage.parts.get(TOOL_PART, 0),
        usage.reasoning or 0,
    )
    reported = usage.input, usage.output
    if sum(reported) == usage.total and _holds_parts(usage, reported):
        return reported  # the usual case
    # The fewest first: a part that is inside already is the usual case.
    for size in range(len(beside) + 1):
        for chosen in combinations(range(len(beside)), size):
            added = [beside[n] if n in chosen else 0 for n in range(len(beside))]
            if 0 in (beside[n] for n in chosen):
                continue
            fitted = usage.input + sum(added[:3]), usage.output + added[3]
            if sum(fitted) == usage.total and _holds_parts(usage, fitted):
                return fitted
    # Reasoning that was inside the answer's count already, and was added to it again.
    fitted = usage.input, usage.output - (usage.reasoning or 0)
    return (
        fitted if sum(fitted) == usage.total and _holds_parts(usage, fitted) else None
    )


def _holds_parts(usage: Usage, sums: tuple[int, int]) -> bool:
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    return cached <= sums[0] and (usage.reasoning or 0) <= sums[1]


def read_aggregate(facts: Facts) -> Usage | None:
    """The sums over other spans in an agent's facts; None if there are none."""
    if _AGGREGATES.isdisjoint(facts):
        return None
    usage = Usage(
        input=facts.get("aggregate_input"),
        output=facts.get("aggregate_output"),
        cache_read=facts.get("aggregate_cache_read"),
        cache_write=facts.get("aggregate_cache_write"),
        reasoning=facts.get("aggregate_reasoning"),
    )
    return None if usage == _UNKNOWN else usage


def _sum_input(usage: Usage, facts: Facts) -> int | None:
    """Input with its cached part and tools' results inside, without a total to show it.

    Google counts what its own tools returned beside the prompt.
    """
    if usage.input is None:
        return None
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    whole: int = usage.input + usage.parts.get(TOOL_PART, 0)
    if cached > usage.input or (cached and facts.get("excludes_cache")):
        return whole + cached
    return whole


def _sum_output(usage: Usage, facts: Facts) -> int | None:
    if usage.output is None or not usage.reasoning:
        return usage.output
    if usage.reasoning > usage.output or facts.get("excludes_reasoning"):
        return usage.output + usage.reasoning
    return usage.output
