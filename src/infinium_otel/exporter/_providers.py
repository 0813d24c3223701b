"""The tracer and logger providers of this process, and what is attached to them."""

from __future__ import annotations

import inspect
import logging
import os
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from infinium_otel.exporter._hooks import list_changes
from infinium_otel.runtime.sdk_processors import list_processors, remove_processor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.exporter._handle import Handle

logger = logging.getLogger(__name__)

LIMITS = ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT")
"""Variables with which users set the attribute limit; ours must not override them."""


class Attachment:
    """One processor of ours on one provider.

    Args:
        provider: found again by identity, because some vendors' are not hashable
            (Logfire's).
        handle: the processor.
        config: its settings.
        client: what sends instead of our transport; None for our transport.
    """

    def __init__(
        self, provider: Any, handle: Handle, config: Config, client: Any
    ) -> None:
        self._provider = weakref.ref(provider)
        self.handle = handle
        self.config = config
        self.client = client

    @property
    def provider(self) -> Any:
        """The provider; None once it no longer exists."""
        return self._provider()

    def update(self, config: Config, client: Any) -> list[str]:
        """Replace the settings, if they differ; returns the names of those that do."""
        changes = list_changes(self.config, config)
        if client is not self.client:
            changes.append("client")
        if changes:
            self.handle.reconfigure(config, client)
            self.config, self.client = config, client
        return changes


attachments: list[Attachment] = []
_substitutes: list[tuple[Any, TracerProvider]] = []
"""Providers that take no processor, and the provider used beside each."""


def attach(
    provider: Any, make_handle: Callable[..., Handle], config: Config, client: Any
) -> list[str]:
    """Attach a processor of ours to *provider*, or change the settings of the present one.

    Args:
        provider: of tracers or loggers.
        make_handle: the processor's class.
        config: the complete settings.
        client: sends instead of our transport; None for our transport.

    Returns:
        The names of the settings that were changed.
    """
    attachments[:] = [
        each
        for each in attachments
        if each.provider is not None and not each.handle.is_shut_down
    ]
    for present in attachments:
        if present.provider is provider:
            return present.update(config, client)
    handle = make_handle(config, client=client)
    _add_processor(provider, handle)
    attachments.append(Attachment(provider, handle, config, client))
    return []


def _add_processor(provider: Any, processor: Any) -> None:
    if not hasattr(provider, "add_span_processor"):
        provider.add_log_record_processor(processor)
        return
    add = provider.add_span_processor
    # arize-phoenix-otel: `add_span_processor` ends the default export otherwise.
    if "replace_default_processor" in inspect.signature(add).parameters:
        add(processor, replace_default_processor=False)
    else:
        add(processor)


@contextmanager
def restoring(timeout_s: float) -> Iterator[None]:
    """Undo at the end what was attached or changed meanwhile.

    Args:
        timeout_s: how long the delivery of what was received may take at the end.
    """
    earlier = [(each, each.config, each.client) for each in attachments]
    try:
        yield
    finally:
        for attachment, config, client in earlier:
            if not attachment.handle.is_shut_down:
                attachment.update(config, client)
        known = [id(attachment) for attachment, _, _ in earlier]
        for attachment in [each for each in attachments if id(each) not in known]:
            _detach(attachment, timeout_s)


def _detach(attachment: Attachment, timeout_s: float) -> None:
    handle: Any = attachment.handle
    attachments.remove(attachment)
    remove_processor(attachment.provider, handle)
    handle.shutdown(timeout_s * 1000)
    # A provider that wraps the SDK's has kept it.
    for hook in ("on_start", "on_end", "on_emit"):
        if hasattr(handle, hook):
            setattr(handle, hook, _ignore)


def _ignore(*_: object, **__: object) -> None:
    """Do nothing with a span or a log record."""


def get_tracer_provider(*, set_global: bool) -> TracerProvider:
    """The provider to extend; creates it if necessary.

    Args:
        set_global: False creates one of its own.
    """
    current: Any = trace.get_tracer_provider()
    if not set_global:
        return _create()
    # Checked by its method, because some vendors wrap the SDK's class.
    if hasattr(current, "add_span_processor"):
        provider: TracerProvider = current
        return provider
    if not isinstance(current, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return _get_substitute(current)
    provider = _create()
    trace.set_tracer_provider(provider)
    return provider


def _create() -> TracerProvider:
    is_limited = any(os.environ.get(name) for name in LIMITS)
    limits = SpanLimits(max_span_attributes=None if is_limited else SpanLimits.UNSET)
    return TracerProvider(span_limits=limits)


def is_only_ours() -> bool:
    """Whether no processor but ours receives the spans of the global provider."""
    processors = list_processors(trace.get_tracer_provider())
    ours = {id(each.handle) for each in attachments}
    return bool(processors) and all(id(each) in ours for each in processors)


def _get_substitute(current: Any) -> TracerProvider:
    """A provider beside *current*, which takes no processor (ddtrace's)."""
    for present, substitute in _substitutes:
        if present is current:
            return substitute
    kind = type(current)
    logger.warning(
        "The spans of %s.%s are not sent: this tracer provider takes no span processor. "
        "Call register(instrument=True), or pass the provider that register() returns "
        "to your instrumentation: instrument(tracer_provider=register())",
        kind.__module__,
        kind.__qualname__,
    )
    substitute = _create()
    _substitutes.append((current, substitute))
    return substitute


def get_idle_provider(*, set_global: bool) -> TracerProvider:
    """The provider to return if nothing is sent: the present one, without any change."""
    current: Any = trace.get_tracer_provider()
    if set_global and hasattr(current, "add_span_processor"):
        provider: TracerProvider = current
        return provider
    return TracerProvider(shutdown_on_exit=False)


def get_logger_provider(tracers: TracerProvider) -> Any:
    """The global logger provider; creates it if necessary.

    Args:
        tracers: a new one has the same resource.
    """
    from opentelemetry import _logs  # noqa: PLC0415 - the SDK's logs take time to import
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415

    provider: Any = _logs.get_logger_provider()
    if not hasattr(provider, "add_log_record_processor"):
        provider = LoggerProvider(resource=getattr(tracers, "resource", None))
        _logs.set_logger_provider(provider)
    return provider
