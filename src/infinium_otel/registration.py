"""register(): the whole set-up in one line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from infinium_otel.exporter import InfiniumSpanProcessor
from infinium_otel.exporter.inlet import configured

if TYPE_CHECKING:
    from infinium_otel.config import Config

LIMITS = ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT")
"""Where the user sets the limit of attributes; ours must not win over it."""

_registered: WeakKeyDictionary[Any, dict[tuple[Config, int], Any]] = WeakKeyDictionary()


def register(
    config: Config | None = None, *, set_global: bool = True, **settings: Any
) -> TracerProvider:
    """Send the agent runs of this process to Infinium: spans, and the logs beside them.

    Extends the tracer and logger providers of this process, where there are any; else
    makes them. A provider made here keeps all attributes of a span: the SDK's limit of
    128 evicts the oldest, usually model and kind. Called again with the same
    configuration it changes nothing.

    Args:
        config: the settings; None takes them from the environment.
        set_global: False makes a tracer provider of its own, leaves the global ones
            alone and takes no logs.
        settings: fields of `Config`, which win; and `client`, anything with
            `send_task_data(task)`, to send with instead of our own.

    Returns:
        The tracer provider that now sends to Infinium.

    Raises:
        ConfigurationError: the configuration cannot work; names every mistake.
    """
    client = settings.pop("client", None)
    resolved = configured(config, client, settings)
    key = (resolved, id(client))
    provider = _tracer_provider(set_global=set_global)
    if _is_new(provider, key):
        processor = InfiniumSpanProcessor(resolved, client=client)
        provider.add_span_processor(processor)
        _registered[provider][key] = processor
    if set_global:
        _register_logs(resolved, client, provider)
    return provider


def _tracer_provider(*, set_global: bool) -> TracerProvider:
    known: Any = trace.get_tracer_provider()
    # By its method, because some vendors wrap the SDK's class instead of using it.
    if set_global and hasattr(known, "add_span_processor"):
        provider: TracerProvider = known
        return provider
    limited = any(os.environ.get(name) for name in LIMITS)
    limits = SpanLimits(max_span_attributes=None if limited else SpanLimits.UNSET)
    provider = TracerProvider(span_limits=limits)
    if set_global:
        trace.set_tracer_provider(provider)
    return provider


def _is_new(provider: Any, key: tuple[Config, int]) -> bool:
    known = _registered.setdefault(provider, {}).get(key)
    return known is None or known.is_shut_down


def _register_logs(config: Config, client: Any, tracers: TracerProvider) -> None:
    from opentelemetry import _logs  # noqa: PLC0415 - the SDK's logs are not for free
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415

    from infinium_otel.exporter import InfiniumLogRecordProcessor  # noqa: PLC0415

    provider: Any = _logs.get_logger_provider()
    if not hasattr(provider, "add_log_record_processor"):
        provider = LoggerProvider(resource=getattr(tracers, "resource", None))
        _logs.set_logger_provider(provider)
    key = (config, id(client))
    if _is_new(provider, key):
        processor = InfiniumLogRecordProcessor(config, client=client)
        provider.add_log_record_processor(processor)
        _registered[provider][key] = processor
