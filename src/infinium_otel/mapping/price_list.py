"""The prices of models: the genai-prices package, the extra `cost`."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from math import inf
from operator import mul
from typing import TYPE_CHECKING, Any

from infinium_otel.mapping.model_spellings import iter_models, iter_spellings
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import Usage

_GENAI_PRICES_IDS = {"xai": "x-ai", "mistral_ai": "mistral", "aws.bedrock": "aws"}
"""Our provider names that differ from the ids in genai-prices."""

MINUTES_PER_DAY = 24 * 60
PER_MILLION = 1e6
DIGITS = 12
"""Decimal digits of a cost; further ones are rounding errors."""

Context = tuple[tuple[str, str], ...]
"""Conditions of a price, as pairs of genai-prices' price context."""

OTHER_UNITS = ("audio_seconds", "input_characters", "rerank_searches")
"""What calls are charged by that have no token counts."""


@cache_names(maxsize=512)
def find_priced_model(
    provider: str | None, model: str | None, requested: str | None
) -> tuple[str | None, str, bool] | None:
    """Provider and model by genai-prices' names, and whether prices differ by the hour.

    Returns:
        None without the extra `cost`, or if the package has no such model.
    """
    for name in iter_models(model, requested):
        for owner, spelling in iter_spellings(provider, name):
            ref = _GENAI_PRICES_IDS.get(owner, owner) if owner else None
            found = _query(ref, spelling, 0, ())
            if found is not None:
                return ref, spelling, _has_hours(found.model)
    return None


def _has_hours(model: Any) -> bool:
    prices = getattr(model, "prices", ())
    listed = [*(prices if isinstance(prices, list) else ())]
    listed += getattr(model, "price_variants", None) or ()
    return any(hasattr(entry.constraint, "start_time") for entry in listed)


_SIMPLE = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
"""What each of these is the price of."""


def compute_cost(
    model: tuple[str | None, str, bool], usage: Usage, minute: int, context: Context
) -> float | None:
    """What *usage* costs, in US dollars.

    Args:
        model: as `find_priced_model` gives it.
        minute: of the call's start, since the epoch.

    Returns:
        None if a part of the usage has no price.
    """
    provider, name, by_hour = model
    if not by_hour:
        minute -= minute % MINUTES_PER_DAY  # one look-up a day
    prices = _find_prices(provider, name, minute, context)
    if prices is None:
        return None
    tokens = _get_tokens(usage)
    reasoning = usage.reasoning if prices.has_reasoning else None
    if (
        prices.rates is None
        or usage.parts
        or reasoning
        or tokens[0] > prices.most_input
    ):
        counts = _list_counts(usage)
        if not prices.cover(counts):
            return None
        if reasoning:
            counts["output_reasoning_tokens"] = reasoning
        price = _query(provider, name, minute, context, counts)
        return None if price is None else round(float(price.total_price), DIGITS)
    for place in prices.unpriced:
        if tokens[place]:
            return None
    whole, output, cached, written = tokens
    amounts = (max(whole - cached - written, 0), output, cached, written)
    return round(float(sum(map(mul, prices.rates, amounts))), DIGITS)


def _get_tokens(usage: Usage) -> tuple[int, int, int, int]:
    """The counts that `_SIMPLE` has prices for, in that order; 0 if unknown."""
    return (
        usage.input or 0,
        usage.output or 0,
        usage.cache_read or 0,
        usage.cache_write or 0,
    )


def _list_counts(usage: Usage) -> dict[str, float]:
    """The counts to price, by genai-prices' names; none that are zero or unknown.

    What providers' own tools returned is input like any other.
    """
    counts = {**dict(zip(_COUNTS, _get_tokens(usage), strict=True)), **usage.parts}
    others = () if not usage.input else OTHER_UNITS
    return {
        name: count
        for name, count in counts.items()
        if count and name != "input_tool_tokens" and name not in others
    }


class _Prices:
    """The price list of a model at a time."""

    def __init__(self, listed: Any) -> None:
        found = {key: getattr(listed, key, None) for key in (*_SIMPLE, *_FURTHER)}
        self.keys = frozenset(key for key, price in found.items() if price is not None)
        self.has_reasoning = "output_reasoning_mtok" in self.keys
        rates = [found[key] for key in _SIMPLE]
        tiers = [tier for rate in rates for tier in getattr(rate, "tiers", ())]
        self.most_input = min((tier.start for tier in tiers), default=inf)
        """How many input tokens a call has, at most, for which `rates` are all."""
        self.rates = (
            None
            if "requests_kcount" in self.keys
            else tuple(
                float(getattr(rate, "base", rate) or 0) / PER_MILLION for rate in rates
            )
        )
        """Dollars per token; None if more than tokens is charged."""
        self.unpriced = [n for n, part in enumerate(_COUNTS) if not self.cover([part])]
        """Places in `_COUNTS` of those that have no price."""

    def cover(self, counts: Iterable[str]) -> bool:
        """Whether there is a price for each of *counts*; an empty list is a free model's."""
        if self.keys:
            for part in counts:
                if self.keys.isdisjoint(_KEYS.get(part, ())):
                    return False
        return True


_KEYS = {
    "input_tokens": ("input_mtok",),
    "output_tokens": ("output_mtok",),
    "cache_read_tokens": ("cache_read_mtok",),
    "cache_write_tokens": ("cache_write_mtok", "cache_write_1h_mtok"),
    "cache_write_5m_tokens": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h_tokens": ("cache_write_1h_mtok",),
    "input_audio_tokens": ("input_audio_mtok",),
    "output_audio_tokens": ("output_audio_mtok",),
    # A list that has audio apart means text, images and video by the plain price.
    "input_image_tokens": ("input_image_mtok", "input_audio_mtok"),
    "input_video_tokens": ("input_video_mtok", "input_audio_mtok"),
    "output_image_tokens": ("output_image_mtok",),
    "output_video_tokens": ("output_video_mtok",),
    "cache_audio_read_tokens": ("cache_audio_read_mtok",),
    "cache_image_read_tokens": ("cache_image_read_mtok", "cache_audio_read_mtok"),
    "cache_video_read_tokens": ("cache_video_read_mtok", "cache_audio_read_mtok"),
    "web_searches": ("web_searches_kcount",),
    "rerank_searches": ("rerank_searches_kcount",),
    "audio_seconds": ("audio_hours",),
    "input_characters": ("input_mchars",),
}
"""For each count the prices that can be charged for it."""
_FURTHER = {key for keys in _KEYS.values() for key in keys} | {
    "output_reasoning_mtok",
    "requests_kcount",
}


@lru_cache(maxsize=512)
def _find_prices(
    provider: str | None, model: str, minute: int, context: Context
) -> _Prices | None:
    """The price list in force; None if it has no price in that context."""
    found = _query(provider, model, minute, context)
    if found is None:
        return None
    if context and not _is_listed(found, minute, context):
        return None
    return _Prices(found.model_price)


def _is_listed(found: Any, minute: int, context: Context) -> bool:
    """Whether the provider's own list has a price for all of *context*."""
    if not any(model is found.model for model in found.provider.models):
        return False  # another provider's list, whose tiers are its own
    at = _to_time(minute)
    known = dict(context)
    covered = {
        key
        for variant in getattr(found.model, "price_variants", None) or ()
        if variant.constraint is None or variant.constraint.active(at)
        if variant.when.items() <= known.items()
        for key in variant.when
    }
    return covered >= known.keys()


def _to_time(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, tz=timezone.utc)


def _query(
    provider: str | None,
    model: str,
    minute: int,
    context: Context,
    counts: dict[str, float] | None = None,
) -> Any:
    """genai-prices' calculation.

    Returns:
        None without the extra `cost`, for an unknown model, or for counts and contexts
        that the installed version does not know.
    """
    package = _import_package()
    if package is None:
        return None
    more = {"price_context": dict(context)} if context else {}
    try:
        return package.calc_price(
            package.Usage(**(counts or {})),
            model_ref=model,
            provider_id=provider,
            genai_request_timestamp=_to_time(minute),
            **more,
        )
    except (LookupError, ValueError, OverflowError, OSError, TypeError):
        return None


@lru_cache(maxsize=1)
def _import_package() -> Any:
    try:
        import genai_prices  # noqa: PLC0415 - the extra `cost` is optional
    except ImportError:
        return None
    return genai_prices
