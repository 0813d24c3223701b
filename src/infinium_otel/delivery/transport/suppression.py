"""Keeps our own work out of the telemetry of the host program.

Without this, an instrumented HTTP client or logger would report our deliveries as spans,
which we would deliver, and so on.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.context import Context

SUPPRESS_KEYS = (
    getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    getattr(
        otel_context,
        "_SUPPRESS_HTTP_INSTRUMENTATION_KEY",
        "suppress_http_instrumentation",
    ),
    "suppress_instrumentation",
)
"""The context keys that instrumentations check before they record anything.

Source: opentelemetry-api, `opentelemetry.context`; the plain text is what
opentelemetry-instrumentation checked before 1.22.
"""

_OWN_WORK_KEY = otel_context.create_key("infinium-otel-own-work")
_MAPPING_KEY = otel_context.create_key("infinium-otel-mapping")
_FLUSHING_KEY = otel_context.create_key("infinium-otel-flushing")


def suppress(context: Context) -> Context:
    """*context* with instrumentation switched off."""
    for key in SUPPRESS_KEYS:
        context = otel_context.set_value(key, True, context)  # noqa: FBT003 - its name is the key
    return context


OWN_WORK: Context = otel_context.set_value(
    _OWN_WORK_KEY,
    value=True,
    context=suppress(
        set_span_in_context(
            NonRecordingSpan(SpanContext(1, 1, is_remote=False)),
            otel_context.Context(),
        )
    ),
)
"""The context of our own work and of the user's hooks in it. Instrumentations are off,
and a span started there has an unsampled parent, so it is not recorded either."""


FLUSHING: Context = otel_context.set_value(
    _FLUSHING_KEY, value=True, context=suppress(otel_context.Context())
)
"""The context in which the application's log processors are flushed for our events."""


def is_flushing() -> bool:
    """True if the caller flushes for our events, which must not send open traces early."""
    return bool(otel_context.get_value(_FLUSHING_KEY))


def is_own_work() -> bool:
    """True if the caller runs in the context `OWN_WORK` or `make_mapping_context`."""
    return bool(otel_context.get_value(_OWN_WORK_KEY))


def make_mapping_context() -> Context:
    """A context for own work that calls no code of others, only logs.

    A span started there is recorded: it is that of a signal handler of the application,
    which has interrupted the thread.
    """
    context = otel_context.set_value(_MAPPING_KEY, value=True)
    return otel_context.set_value(_OWN_WORK_KEY, value=True, context=context)


def is_mapping() -> bool:
    """True in a context of `make_mapping_context`."""
    return bool(otel_context.get_value(_MAPPING_KEY))


@contextlib.contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Run a block, such as an HTTP request, that no instrumentation records."""
    token = otel_context.attach(suppress(otel_context.get_current()))
    try:
        yield
    finally:
        otel_context.detach(token)
