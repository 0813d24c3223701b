"""What is undone after a test: our processors, and the settings of those before it."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel import Config, InfiniumSpanProcessor
from infinium_otel.exporter import _providers as providers
from support.programs import FAST, run_agent


@pytest.fixture
def provider():
    """A provider that is not global."""
    return TracerProvider(shutdown_on_exit=False)


class Wrapper:
    """A vendor's provider, which keeps the SDK's in a place of its own."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def add_span_processor(self, processor):
        self.wrapped.add_span_processor(processor)


def attach(provider, fake):
    config = Config(**fake.settings, **FAST)
    providers.attach(provider, InfiniumSpanProcessor, config, None)


def test_a_processor_is_removed(provider, fake):
    """Afterwards the provider has the processors it had, and spans go nowhere."""
    with providers.restoring(5):
        attach(provider, fake)
        run_agent(provider.get_tracer("app"))
    assert provider._active_span_processor._span_processors == ()
    run_agent(provider.get_tracer("app"))
    assert len(fake.tasks) == 1


def test_a_processor_that_stays_is_idle(provider, fake, caplog):
    """Where it cannot be removed it ignores spans, and does not log each as refused."""
    wrapper = Wrapper(provider)
    with providers.restoring(5):
        attach(wrapper, fake)
        run_agent(provider.get_tracer("app"))
    with caplog.at_level(logging.DEBUG):
        run_agent(provider.get_tracer("app"))
    assert caplog.records == []
    assert len(fake.tasks) == 1


def test_earlier_settings_are_restored(provider, fake):
    """A processor from before has its settings again, unless it was shut down."""
    attach(provider, fake)
    [attachment] = [a for a in providers.attachments if a.provider is provider]
    earlier = attachment.config
    with providers.restoring(5):
        attachment.update(earlier.but(include="all"), None)
    assert attachment.config == earlier
    with providers.restoring(5):
        attachment.update(earlier.but(include="all"), None)
        provider.shutdown()
    assert attachment.config != earlier
