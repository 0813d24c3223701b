"""The processors of the SDK's providers, which has no public list of them."""

from __future__ import annotations

from typing import Any

HOLDERS = (
    ("_active_span_processor", "_span_processors"),
    ("_multi_log_record_processor", "_log_record_processors"),
)
"""Where a provider of tracers, and one of loggers, keeps its processors.

Source: opentelemetry-sdk 1.39 to 1.45, `SynchronousMultiSpanProcessor` and its like."""


def list_processors(provider: Any) -> tuple[Any, ...]:
    """The processors of *provider*; none if it is not the SDK's, or keeps them elsewhere."""
    for holder_name, name in HOLDERS:
        processors = getattr(getattr(provider, holder_name, None), name, None)
        if isinstance(processors, tuple):
            return processors
    return ()


def remove_processor(provider: Any, processor: Any) -> None:
    """Remove *processor* from *provider*, if it is there; it is not shut down."""
    for holder_name, name in HOLDERS:
        holder = getattr(provider, holder_name, None)
        processors = getattr(holder, name, None)
        if isinstance(processors, tuple):
            others = tuple(each for each in processors if each is not processor)
            setattr(holder, name, others)
