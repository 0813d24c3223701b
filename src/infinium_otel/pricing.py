"""What a model call costs: the span's own figure, else the genai-prices package's."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infinium_otel.records import Usage

if TYPE_CHECKING:
    from infinium_otel.records import Reading

PROVIDERS = {"xai": "x-ai", "mistral_ai": "mistral", "aws.bedrock": "aws"}
"""Providers that genai-prices calls otherwise than we do."""

DAY_NS = 86_400 * 10**9
FLAT = 100_000
"""Input tokens up to which no price list has a second tier; above it each call is
priced on its own."""

UNIT = 10_000
DIGITS = 12
"""Beyond them there is nothing but the noise of binary fractions."""


def cost_of(reading: Reading, at_ns: int) -> float | None:
    """Cost of a call, in US dollars.

    Args:
        reading: the call; cached input tokens are part of its input, not added to it.
        at_ns: start of the call, ns since the epoch; selects the price in force then.

    Returns:
        None if no price is known: an unknown price is not a price of zero.

    Source: the genai-prices package, whose rows name their page and the day checked.
    """
    usage = reading.usage
    if reading.replayed or (usage is None and reading.failure is not None):
        return 0.0
    told = reading.cost_usd
    if told is not None and (told > 0 or not _tokens(usage)):
        return told
    model = reading.model or reading.model_requested
    if usage is None or not model or usage.input is None:
        return None
    return _priced(reading.provider, model, usage, at_ns // DAY_NS)


def _tokens(usage: Usage | None) -> int:
    return (usage.input or 0) + (usage.output or 0) if usage else 0


def _priced(provider: str | None, model: str, usage: Usage, day: int) -> float | None:
    if (usage.input or 0) > FLAT:
        return _asked(provider, model, usage, day)
    rates = _rates(provider, model, day)
    if rates is None:
        return None
    cached, written = usage.cache_read or 0, usage.cache_write or 0
    fresh = max((usage.input or 0) - cached - written, 0)
    counts = (fresh, usage.output or 0, cached, written)
    cost = sum(rate * count for rate, count in zip(rates, counts, strict=True))
    return round(cost, DIGITS)


@lru_cache(maxsize=512)
def _rates(
    provider: str | None, model: str, day: int
) -> tuple[float, float, float, float] | None:
    """Dollars a token: fresh input, output, cache read, cache write."""
    kinds = (
        Usage(input=UNIT, output=0),
        Usage(input=0, output=UNIT),
        Usage(input=UNIT, output=0, cache_read=UNIT),
        Usage(input=UNIT, output=0, cache_write=UNIT),
    )
    prices = [_asked(provider, model, usage, day) for usage in kinds]
    fresh, output, cached, written = prices
    if fresh is None or output is None:
        return None
    return (
        fresh / UNIT,
        output / UNIT,
        (fresh if cached is None else cached) / UNIT,
        (fresh if written is None else written) / UNIT,
    )


def _asked(provider: str | None, model: str, usage: Usage, day: int) -> float | None:
    """What genai-prices says; None without the extra `cost`, or for an unknown model."""
    prices = _package()
    if prices is None:
        return None
    try:
        price = prices.calc_price(
            prices.Usage(
                input_tokens=usage.input,
                output_tokens=usage.output,
                cache_read_tokens=usage.cache_read,
                cache_write_tokens=usage.cache_write,
            ),
            model_ref=model,
            provider_id=PROVIDERS.get(provider, provider) if provider else None,
            genai_request_timestamp=datetime.fromtimestamp(
                day * 86_400, tz=timezone.utc
            ),
        )
    except (LookupError, ValueError, OverflowError, OSError):
        return None
    return float(price.total_price)


@lru_cache(maxsize=1)
def _package() -> Any:
    try:
        import genai_prices  # noqa: PLC0415 - the extra `cost` is optional
    except ImportError:
        return None
    return genai_prices
