"""The four classes: their settings, and what they return to the SDK."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

from infinium_otel import (
    Config,
    InfiniumLogExporter,
    InfiniumLogRecordProcessor,
    InfiniumSpanExporter,
    InfiniumSpanProcessor,
    exporter,
)
from infinium_otel.errors import ConfigurationError
from support.programs import AGENT, FAST, provider_of

CLASSES = [
    InfiniumSpanExporter,
    InfiniumSpanProcessor,
    InfiniumLogExporter,
    InfiniumLogRecordProcessor,
]


@pytest.mark.parametrize("kind", CLASSES)
class TestSettings:
    """All four have the same settings."""

    def test_every_mistake_is_named(self, kind):
        """An invalid configuration fails at once, and every mistake is named."""
        with pytest.raises(ConfigurationError, match=r"(?s)agent_id.*burst"):
            kind(agent_id="nobody", agent_secret="x", burst=-1)

    def test_unknown_options_are_named(self, kind, fake):
        """An unknown setting is named, beside a Config too, with the most similar one."""
        unknown = r"unknown setting bursts \(did you mean burst\?\)"
        with pytest.raises(ConfigurationError, match=unknown):
            kind(Config(**fake.settings), bursts=1)
        with pytest.raises(ConfigurationError, match=unknown):
            kind(**fake.settings, bursts=1)

    def test_settings_win_over_a_config(self, kind, fake):
        """A setting beside a Config overrides it."""
        handle = kind(Config(**fake.settings, burst=5), burst=6)
        assert handle._runner.config.burst == 6
        handle.shutdown()

    def test_a_config_without_credentials_cannot_send(self, kind):
        """It fails at construction, not at the first span."""
        with pytest.raises(ConfigurationError, match="agent_id"):
            kind(Config())

    def test_a_users_client_needs_no_credentials(self, kind):
        """A client has its own credentials."""
        handle = kind(Config(), client=object())
        assert handle.stats.received == 0
        handle.shutdown()

    @pytest.mark.parametrize(
        ("address", "settings", "expected"),
        [
            pytest.param("http://a.test/v1", {}, "http://a.test/v1", id="its-own"),
            pytest.param(7, {}, Config().base_url, id="no-address"),
            pytest.param(
                "http://a.test/v1",
                {"base_url": "http://b.test"},
                "http://b.test",
                id="setting",
            ),
        ],
    )
    def test_the_address_of_a_client(self, kind, address, settings, expected):
        """Its address is in the metrics, and identifies our own requests."""
        client = SimpleNamespace(base_url=address)
        handle = kind(client=client, **settings)
        assert handle._runner.config.base_url == expected
        handle.shutdown()


def test_export_never_raises(fake, caplog):
    """Whatever it gets, `export` returns; the error is in the log."""

    def spans():
        yield None
        raise RuntimeError("no more")

    handle = InfiniumSpanExporter(**fake.settings, **FAST)
    assert handle.export(spans()) is SpanExportResult.FAILURE
    assert "could not be processed" in caplog.text
    handle.shutdown()


def chat(tracer, logger):
    """A model call whose prompt is in a log record."""
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    with tracer.start_as_current_span("chat", attributes={**AGENT, **call}):
        logger.emit(
            LogRecord(event_name="gen_ai.user.message", body={"content": "Hi there"})
        )


def both(kind, fake):
    """Our span processor, and *kind* for logs: (handle, provider, tracer, logger)."""
    processor = InfiniumSpanProcessor(**fake.settings, **FAST)
    provider, tracer = provider_of(processor)
    handle = kind(**fake.settings, **FAST)
    logs = LoggerProvider(shutdown_on_exit=False)
    under = SimpleLogRecordProcessor(handle) if kind is InfiniumLogExporter else handle
    logs.add_log_record_processor(under)
    return handle, provider, tracer, logs


@pytest.mark.parametrize("kind", CLASSES[2:])
def test_logs_join_their_spans(fake, kind):
    """The content of a log record is in the step of its span."""
    handle, provider, tracer, logs = both(kind, fake)
    chat(tracer, logs.get_logger("t"))
    assert handle.force_flush(60_000)
    assert "Hi there" in str(fake.tasks)
    logs.shutdown()
    provider.shutdown()


def test_unknown_names():
    """Any other name is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="'nonsense'"):
        _ = exporter.nonsense
