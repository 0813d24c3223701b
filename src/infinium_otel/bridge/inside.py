"""What is done in here is not to be told: it would feed itself."""

from __future__ import annotations

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    create_key,
    get_value,
    set_value,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

_KEY = create_key("infinium-otel-inside")
_UNSAMPLED = NonRecordingSpan(SpanContext(1, 1, is_remote=False))

INSIDE: Context = set_value(
    _KEY,
    value=True,
    context=set_value(
        _SUPPRESS_INSTRUMENTATION_KEY,
        value=True,
        context=set_span_in_context(_UNSAMPLED, Context()),
    ),
)
"""The context of our own work, and of the user's hooks in it: instrumentations are
silent, and what starts a span by itself has a parent that is not sampled."""


def is_inside() -> bool:
    """True if what runs now runs in our own work."""
    return bool(get_value(_KEY))
