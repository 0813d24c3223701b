"""The four classes: their settings, and what they answer to the SDK."""

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
    """All four are configured alike."""

    def test_every_mistake_is_named(self, kind):
        """A configuration that cannot work fails at once, and names all that is wrong."""
        with pytest.raises(ConfigurationError, match=r"(?s)agent_id.*burst"):
            kind(agent_id="nobody", agent_secret="x", burst=-1)

    def test_unknown_options_are_named(self, kind, fake):
        """An option that does not exist is named, beside a Config too."""
        with pytest.raises(ConfigurationError, match="brust: unknown option"):
            kind(Config(**fake.settings), brust=1)

    def test_settings_win_over_a_config(self, kind, fake):
        """What is said beside a Config holds."""
        inlet = kind(Config(**fake.settings, burst=5), burst=6)
        assert inlet._bridge.config.burst == 6
        inlet.shutdown()

    def test_a_config_without_credentials_cannot_send(self, kind):
        """It fails at construction, not at the first span."""
        with pytest.raises(ConfigurationError, match="agent_id"):
            kind(Config())

    def test_a_client_of_ones_own_needs_none(self, kind):
        """What sends by itself brings its own credentials."""
        inlet = kind(Config(), client=object())
        assert inlet.stats.received == 0
        inlet.shutdown()

    @pytest.mark.parametrize(
        ("address", "settings", "expected"),
        [
            pytest.param("http://a.test/v1", {}, "http://a.test/v1", id="its-own"),
            pytest.param(7, {}, Config().base_url, id="no-address"),
            pytest.param(
                "http://a.test/v1",
                {"base_url": "http://b.test"},
                "http://b.test",
                id="said",
            ),
        ],
    )
    def test_a_client_knows_where_it_sends_to(self, kind, address, settings, expected):
        """Its address is told by the metrics, and tells our own requests from others."""
        client = SimpleNamespace(base_url=address)
        inlet = kind(client=client, **settings)
        assert inlet._bridge.config.base_url == expected
        inlet.shutdown()


def test_export_never_raises(fake, caplog):
    """Whatever it is given, `export` answers; the fault is in the log."""

    def spans():
        yield None
        raise RuntimeError("no more")

    inlet = InfiniumSpanExporter(**fake.settings, **FAST)
    assert inlet.export(spans()) is SpanExportResult.FAILURE
    assert "could not be taken" in caplog.text
    inlet.shutdown()


def chat(tracer, logger):
    """A model call whose prompt is told by a log record."""
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    with tracer.start_as_current_span("chat", attributes={**AGENT, **call}):
        logger.emit(
            LogRecord(event_name="gen_ai.user.message", body={"content": "Hi there"})
        )


def both(kind, fake):
    """Our processor for spans, and *kind* for logs: (inlet, provider, tracer, logger)."""
    processor = InfiniumSpanProcessor(**fake.settings, **FAST)
    provider, tracer = provider_of(processor)
    inlet = kind(**fake.settings, **FAST)
    logs = LoggerProvider(shutdown_on_exit=False)
    under = SimpleLogRecordProcessor(inlet) if kind is InfiniumLogExporter else inlet
    logs.add_log_record_processor(under)
    return inlet, provider, tracer, logs


@pytest.mark.parametrize("kind", CLASSES[2:])
def test_logs_join_their_spans(fake, kind):
    """What a log record tells of a span stands in the span's step."""
    inlet, provider, tracer, logs = both(kind, fake)
    chat(tracer, logs.get_logger("t"))
    assert inlet.force_flush(5_000)
    assert "Hi there" in str(fake.tasks)
    logs.shutdown()
    provider.shutdown()


def test_the_way_of_old_sdks(fake):
    """`emit`, which SDKs up to 1.35 call, takes a record as `on_emit` does."""
    inlet, provider, tracer, logs = both(InfiniumLogRecordProcessor, fake)
    inlet.on_emit = inlet.emit
    chat(tracer, logs.get_logger("t"))
    assert inlet.force_flush(5_000)
    assert "Hi there" in str(fake.tasks)
    logs.shutdown()
    provider.shutdown()


def test_other_names_are_not():
    """What is none of the four is an AttributeError that says so."""
    with pytest.raises(AttributeError, match="'nonsense'"):
        _ = exporter.nonsense
