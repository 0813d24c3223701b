"""What a model call costs: the span's own cost, else the genai-prices package's.

A cost is the provider's price, or unknown: a part of the usage that the price list does
not have, or a service tier without a price, never makes a smaller number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.price_list import (
    OTHER_UNITS,
    compute_cost,
    find_priced_model,
)

if TYPE_CHECKING:
    from infinium_otel.mapping.price_list import Context
    from infinium_otel.records import NormalizedSpan, Usage

MIN_HTTP_ERROR = 400
MINUTE_NS = 60 * 10**9


def find_cost(span: NormalizedSpan, at_ns: int) -> float | None:
    """Cost of a call, in US dollars.

    Args:
        span: the call; cached input tokens are part of its input, not added to it.
        at_ns: start of the call, ns since the epoch; selects the price in force then.

    Returns:
        None if no price is known: an unknown price is not a price of zero.

    Source: the genai-prices package, whose rows name their page and the day checked.
    """
    if span.replayed:
        return 0.0
    usage, reported = span.usage, span.cost_usd
    if reported is not None and (reported > 0 or _is_uncounted(span)):
        return reported
    if usage is None or not _is_complete(span, usage):
        return None
    model = find_priced_model(span.provider, span.model, span.model_requested)
    if model is None:
        return None
    return compute_cost(model, usage, at_ns // MINUTE_NS, _find_context(span))


_STATUS = re.compile(r"[45]\d\d")
_STATUS_IN_TEXT = re.compile(r"Error code: [45]\d\d\b")
"""How the errors of OpenAI's and Anthropic's clients begin, beside a code of the vendor.

Source: openai 3.57 and anthropic 2.14, `_make_status_error_from_response`.
"""


def is_refused(span: NormalizedSpan) -> bool:
    """Whether the provider refused a call, so that it is part of no bill.

    What a call cost that was interrupted or timed out is unknown.
    """
    failure = span.failure
    if failure is None or failure.handled or span.usage is not None:
        return False
    if span.http_status is not None and span.http_status >= MIN_HTTP_ERROR:
        return True
    if _STATUS.fullmatch(failure.code or ""):
        return True
    return _STATUS_IN_TEXT.match(failure.message) is not None


def _is_uncounted(span: NormalizedSpan) -> bool:
    """Whether a reported cost of zero can be true: there are no tokens.

    Counts of zero beside an answer are those of an emitter that found none to multiply.
    """
    usage = span.usage
    if usage is None:
        return True
    return not (usage.input or usage.output or span.output is not None)


_WITHOUT_OUTPUT = CALLS - {"llm"}


def _is_complete(span: NormalizedSpan, usage: Usage) -> bool:
    """Whether the counts are all that was charged.

    A prompt of zero tokens means that nobody counted. A total that is larger than its
    parts contains tokens of an unknown price.
    """
    if not usage.input:
        return any(usage.parts.get(unit) for unit in OTHER_UNITS)
    if usage.output is None and span.kind not in _WITHOUT_OUTPUT:
        return False
    return usage.total is None or usage.total <= usage.input + (usage.output or 0)


_STANDARD_TIERS = frozenset(
    "default auto standard standard_only on_demand on-demand ondemand none".split()
)


def _find_context(span: NormalizedSpan) -> Context:
    """What a price depends on besides model and time: service tier, batch, speed."""
    if not span.extra:
        return ()
    context = []
    tier = str(span.extra.get("service_tier") or "default")
    if "batch" in tier:
        context.append(("processing", "batch"))
    elif tier not in _STANDARD_TIERS:
        context.append(("service_tier", tier))
    if span.extra.get("speed") not in (None, "standard", "normal"):
        context.append(("speed", str(span.extra["speed"])))
    return tuple(context)
