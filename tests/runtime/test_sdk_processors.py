from __future__ import annotations

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider

from infinium_otel.runtime.sdk_processors import list_processors, remove_processor


def test_the_processors_of_a_tracer_provider():
    """They are found where the SDK keeps them, whichever way it calls them."""
    for active in (None, ConcurrentMultiSpanProcessor()):
        provider = TracerProvider(active_span_processor=active)
        processor = SimpleSpanProcessor(InMemorySpanExporter())
        provider.add_span_processor(processor)
        assert list_processors(provider) == (processor,)
        remove_processor(provider, processor)
        assert list_processors(provider) == ()


def test_other_providers_have_none():
    """A provider without a list of processors has none, and nothing is removed."""
    assert list_processors(LoggerProvider(shutdown_on_exit=False)) == ()
    for provider in (NoOpTracerProvider(), None):
        assert list_processors(provider) == ()
        remove_processor(provider, object())
