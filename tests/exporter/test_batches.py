"""Batches of the SDK's processors above our exporters."""

from __future__ import annotations

import pytest
from opentelemetry import _logs, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from infinium_otel import InfiniumLogExporter, InfiniumSpanExporter
from infinium_otel.exporter._batches import flush_batches
from support.programs import FAST, WAIT_S, run_agent


@pytest.fixture
def providers(fake, monkeypatch):
    """Global providers whose batches wait for an hour: (tracers, loggers)."""
    settings = {**fake.settings, **FAST}
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(
        BatchSpanProcessor(
            InfiniumSpanExporter(**settings), schedule_delay_millis=3.6e6
        )
    )
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(
            InfiniumLogExporter(**settings), schedule_delay_millis=3.6e6
        )
    )
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracers)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: loggers)
    yield tracers, loggers
    tracers.shutdown()
    loggers.shutdown()


def test_batches_of_ours(fake, providers):
    """What they hold is exported."""
    tracers, _ = providers
    run_agent(tracers.get_tracer("t"))
    flush_batches()
    [exporter] = [
        each.span_exporter for each in tracers._active_span_processor._span_processors
    ]
    assert exporter.stats.received == 3
    assert exporter.force_flush()
    assert fake.wait_for_tasks(1, WAIT_S)


def test_batches_of_others(providers, capsys):
    """Another vendor's batch is its own affair."""
    tracers, _ = providers
    tracers.add_span_processor(
        BatchSpanProcessor(ConsoleSpanExporter(), schedule_delay_millis=3.6e6)
    )
    run_agent(tracers.get_tracer("t"))
    flush_batches()
    assert capsys.readouterr().out == ""


def test_a_batch_that_fails(providers, monkeypatch, caplog):
    """It is logged; the others are exported."""
    tracers, _ = providers
    [batch] = tracers._active_span_processor._span_processors
    monkeypatch.setattr(batch, "force_flush", lambda: 1 / 0)
    flush_batches()
    monkeypatch.undo()
    assert "A batch could not be exported" in caplog.text


def test_providers_of_others(monkeypatch):
    """A provider without such lists has no batches of ours."""
    monkeypatch.setattr(trace, "get_tracer_provider", object)
    monkeypatch.setattr(_logs, "get_logger_provider", object)
    flush_batches()
