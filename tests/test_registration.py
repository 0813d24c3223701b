"""register(): one line, said as often as one likes."""

from __future__ import annotations

import pytest
from opentelemetry import trace

from infinium_otel import ConfigurationError, register
from support.programs import FAST, run, run_agent


def processors(provider):
    return provider._active_span_processor._span_processors


class TestOwnProvider:
    """With `set_global=False` the process stays as it is."""

    def test_sends(self, fake):
        """Its runs arrive, and the global provider is left alone."""
        before = trace.get_tracer_provider()
        provider = register(**fake.settings, **FAST, set_global=False)
        run_agent(provider.get_tracer("t"))
        assert provider.force_flush()
        provider.shutdown()
        assert len(fake.tasks) == 1
        assert trace.get_tracer_provider() is before

    def test_keeps_every_attribute(self, fake, monkeypatch):
        """No limit of 128 evicts model and kind; one that the user set holds."""
        provider = register(**fake.settings, set_global=False)
        assert provider._span_limits.max_span_attributes is None
        provider.shutdown()
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7")
        provider = register(**fake.settings, set_global=False)
        assert provider._span_limits.max_span_attributes == 7
        provider.shutdown()

    def test_sends_through_a_client(self):
        """A client of the user's own sends, and needs no credentials here."""
        sent = []

        class Client:
            def send_task_data(self, task):
                sent.append(task)

        provider = register(client=Client(), set_global=False)
        run_agent(provider.get_tracer("t"))
        assert provider.force_flush()
        provider.shutdown()
        assert len(sent) == 1

    def test_every_mistake_is_named(self):
        """A configuration that cannot work fails here, not at the first span."""
        with pytest.raises(ConfigurationError, match=r"(?s)agent_id.*burst"):
            register(agent_id="nobody", agent_secret="x", burst=-1)


GLOBAL = [
    pytest.param("", id="none-there"),
    pytest.param("trace.set_tracer_provider(TracerProvider())", id="provider-there"),
    pytest.param(
        "from opentelemetry import _logs\n"
        "from opentelemetry.sdk._logs import LoggerProvider\n"
        "_logs.set_logger_provider(LoggerProvider())",
        id="logs-there",
    ),
]


@pytest.mark.parametrize("first", GLOBAL)
def test_twice_changes_nothing(fake, first):
    """Called again with the same configuration it adds nothing; each run goes once."""
    program = f"""
from opentelemetry._logs import get_logger_provider
{first}
p = register()
assert register() is p is trace.get_tracer_provider()
assert len(p._active_span_processor._span_processors) == 1
logs = get_logger_provider()._multi_log_record_processor._log_record_processors
assert len(logs) == 1, logs
run_agent(p.get_tracer("t"))
assert p.force_flush()
"""
    assert run(fake, program) == (0, "", "")
    assert len(fake.tasks) == 1


def test_again_after_a_shutdown(fake):
    """What was shut down is set up anew."""
    program = """
    p = register()
    for processor in p._active_span_processor._span_processors:
        processor.shutdown()
    register()
    run_agent(p.get_tracer("t"))
    assert p.force_flush()
    """
    code, _, _ = run(fake, program)
    assert code == 0
    assert len(fake.tasks) == 1
