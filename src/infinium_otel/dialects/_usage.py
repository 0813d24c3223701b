"""Token arithmetic: which counts include which.

Numbers of one call come with cached and reasoning tokens inside the totals or beside
them, by emitter. Here they always end up inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.records import Usage

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts


APART = (
    ("opentelemetry.instrumentation.bedrock", None),
    ("opentelemetry.instrumentation.botocore", "aws.bedrock"),
    ("openinference.instrumentation.agno", "anthropic"),
)
"""Scopes, each with a provider or None for any, whose input leaves cached tokens out."""


_UNKNOWN = Usage()
_COUNTS = frozenset(
    "input_tokens output_tokens total_tokens cache_read cache_write reasoning".split()
)
_AGGREGATES = frozenset(
    "aggregate_input aggregate_output aggregate_cache_read aggregate_cache_write "
    "aggregate_reasoning".split()
)


def counts_apart(scope_name: str, provider: str | None) -> bool:
    """Whether an emitter counts cached tokens beside the input."""
    return any(
        scope_name.startswith(scope) and wanted in (None, provider)
        for scope, wanted in APART
    )


def usage_of(facts: Facts) -> Usage | None:
    """The usage that *facts* tell; None if they tell none."""
    if _COUNTS.isdisjoint(facts):
        return None
    usage = Usage(
        input=facts.get("input_tokens"),
        output=facts.get("output_tokens"),
        total=facts.get("total_tokens"),
        cache_read=facts.get("cache_read"),
        cache_write=facts.get("cache_write"),
        reasoning=facts.get("reasoning"),
    )
    if usage == _UNKNOWN:
        return None
    whole = _whole_input(usage, facts), _whole_output(usage, facts)
    if whole == (usage.input, usage.output):
        return usage
    return replace(usage, input=whole[0], output=whole[1])


def aggregate_of(facts: Facts) -> Usage | None:
    """Sums over other spans that an agent's span carries; None if there are none."""
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


def _whole_input(usage: Usage, facts: Facts) -> int | None:
    """Input with its cached part inside, whatever the emitter meant (dialects 2.5)."""
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if usage.input is None or not cached:
        return usage.input
    apart = usage.input + cached
    if cached > usage.input:
        return apart
    if usage.total is not None and usage.output is not None:
        if usage.total == usage.input + usage.output:
            return usage.input
        if usage.total == apart + usage.output:
            return apart
    return apart if facts.get("excludes_cache") else usage.input


def _whole_output(usage: Usage, facts: Facts) -> int | None:
    if usage.output is None or not usage.reasoning:
        return usage.output
    apart = usage.output + usage.reasoning
    if usage.reasoning > usage.output or facts.get("excludes_reasoning"):
        return apart
    if usage.total is not None and usage.input is not None:
        beside = usage.total == usage.input + apart
        return apart if beside else usage.output
    return usage.output
