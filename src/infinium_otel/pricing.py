"""What a model call costs: the span's own figure, else the genai-prices package's."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infinium_otel.records import Reading, Usage

_PROVIDERS = {"xai": "x-ai", "mistral_ai": "mistral", "aws.bedrock": "aws"}
"""Providers that genai-prices calls otherwise than we do."""


def cost_of(reading: Reading, at_ns: int) -> float | None:
    """Cost of a call, in US dollars.

    Args:
        reading: the call; cached input tokens are part of its input, not added to it.
        at_ns: start of the call, ns since the epoch; selects the price in force then.

    Returns:
        None if no price is known: an unknown price is not a price of zero.

    Source: the genai-prices package, whose rows name their page and the day checked.
    """
    if reading.replayed:
        return 0.0
    usage = reading.usage
    told = reading.cost_usd
    tokens = (usage.input or 0) + (usage.output or 0) if usage else 0
    if told is not None and (told > 0 or not tokens):
        return told
    if reading.failure is not None and usage is None:
        return 0.0
    model = reading.model or reading.model_requested
    if usage is None or not model or usage.input is None:
        return None
    return _priced(reading.provider, model, usage, at_ns)


def _priced(provider: str | None, model: str, usage: Usage, at_ns: int) -> float | None:
    calculate = _calculator()
    if calculate is None:
        return None
    price: float | None = calculate(provider, model, usage, at_ns)
    return price


@lru_cache(maxsize=1)
def _calculator() -> Any:
    """The price function of genai-prices; None without the extra `cost`."""
    try:
        import genai_prices  # noqa: PLC0415 - optional
    except ImportError:
        return None

    def calculate(
        provider: str | None, model: str, usage: Usage, at_ns: int
    ) -> float | None:
        try:
            price = genai_prices.calc_price(
                genai_prices.Usage(
                    input_tokens=usage.input,
                    output_tokens=usage.output,
                    cache_read_tokens=usage.cache_read,
                    cache_write_tokens=usage.cache_write,
                ),
                model_ref=model,
                provider_id=_PROVIDERS.get(provider, provider) if provider else None,
                genai_request_timestamp=datetime.fromtimestamp(
                    at_ns / 1e9, tz=timezone.utc
                ),
            )
        except (LookupError, ValueError, OverflowError):
            return None
        return float(price.total_price)

    return calculate
