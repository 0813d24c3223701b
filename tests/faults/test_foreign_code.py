"""Hooks, clients, dialects and log handlers that raise what `except Exception` lets pass.

Public reports of exporters whose thread ended by such an exception, for good and without
a word, or that passed it on to the application. Each test names its source.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import pytest

from infinium_otel import InfiniumSpanProcessor
from infinium_otel.delivery.foreign_code import as_exception, guard, is_interruption
from infinium_otel.dialects import Dialect
from infinium_otel.runtime import closed_streams, failing_handlers, registry
from support.programs import (
    AGENT,
    FAST,
    WAIT_S,
    accounted,
    processing,
    provider_of,
    run_agent,
)
from support.waiting import wait_until

Panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
"""As PyO3 makes it for each extension. Source: PyO3/pyo3#3918."""
NO_EXCEPTIONS = [
    pytest.param(Panic("index out of bounds"), id="panic"),
    pytest.param(SystemExit(3), id="exit"),
    pytest.param(asyncio.CancelledError(), id="cancelled"),
]


def raising(error):
    """A hook that raises *error*."""

    def hook(*_):
        raise error

    return hook


class TestHooks:
    """A thread ended by an error of another kind: open-telemetry/opentelemetry-java#8528.

    aws-deadline/deadline-cloud-worker-agent#1026: a panic passed `except Exception`.
    """

    @pytest.mark.parametrize("error", NO_EXCEPTIONS)
    @pytest.mark.parametrize("name", ["should_send", "redact"])
    def test_our_thread_outlives_them(self, fake, name, error):
        """Each run is delivered without a flush, as if the hook had raised an error."""
        with processing(fake, **{name: raising(error)}) as (processor, _, tracer):
            for number in range(1, 3):
                with tracer.start_as_current_span("private name", attributes=AGENT):
                    pass
                wait_until(lambda n=number: processor.stats.delivered == n)
            assert accounted(processor.stats)
        bodies = [request.body for request in fake.requests]
        assert any(b"private" in body for body in bodies) is (name == "should_send")

    def test_a_dialect_of_another_distribution(self, fake, monkeypatch):
        """What its code could not read is lost, and nothing else."""
        panicking = Dialect(
            "odd", {}, key_segments=("gen_ai",), refine=raising(Panic("no"))
        )
        monkeypatch.setattr(
            "infinium_otel.dialects.plugins.load_readers", lambda: (panicking,)
        )
        assert len(registry._load_readers()) == 1
        with processing(fake) as (processor, _, tracer):
            run_agent(tracer)
            wait_until(lambda: processor.stats.delivered == 3)

    def test_a_panic_does_not_reach_the_application(self, fake):
        """A flush maps in the application's thread, where the hook panics too."""
        with processing(fake, redact=raising(Panic("no"))) as (processor, _, tracer):
            processor._runner.worker.wake = lambda: True  # leaves it to the flush
            run_agent(tracer)
            assert processor.force_flush(WAIT_S * 1000)
            assert processor.stats.delivered == 3

    def test_ctrl_c_in_a_hook_does(self, fake):
        """It is meant for the application, and costs no run."""
        errors = [KeyboardInterrupt()]

        def hook(_):
            if errors:
                raise errors.pop()
            return True

        with processing(fake, should_send=hook) as (processor, _, tracer):
            processor._runner.worker.wake = lambda: True  # leaves it to the flush
            run_agent(tracer)
            with pytest.raises(KeyboardInterrupt):
                processor.force_flush(WAIT_S * 1000)
            assert processor.force_flush(WAIT_S * 1000)
            assert processor.stats.delivered == 3


class OwnClient:
    """A client of the application that fails at first."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def send_task_data(self, _task):
        if self.errors:
            raise self.errors.pop()


@pytest.mark.parametrize("error", NO_EXCEPTIONS)
def test_a_client_is_tried_again(error):
    """The task goes out a moment later, without a flush or another task.

    aws/aws-durable-execution-sdk-python#737: a thread that ended so was started again
    twelve hundred times a second.
    """
    client = OwnClient(error)
    processor = InfiniumSpanProcessor(client=client, **FAST)
    _, tracer = provider_of(processor)
    run_agent(tracer)
    wait_until(lambda: processor.stats.delivered == 3)
    processor.shutdown()
    assert client.errors == []


def test_a_failure_and_an_interruption():
    """In a thread of the application only a panic is a failure of what was called."""
    assert is_interruption(KeyboardInterrupt())
    assert is_interruption(SystemExit())
    assert not is_interruption(ValueError())
    assert not is_interruption(Panic())


def test_what_a_guarded_call_raises():
    """An exception stays what it is; a panic keeps its name and its text."""
    same = ValueError("x")
    with pytest.raises(ValueError, match="x") as raised:
        guard(raising(same))()
    assert raised.value is same
    with pytest.raises(RuntimeError, match="bounds") as raised:
        guard(raising(Panic("bounds")))()
    assert type(raised.value).__name__ == "PanicException"
    with pytest.raises(SystemExit):
        guard(raising(SystemExit()))()
    assert guard(lambda value: value + 1)(1) == 2
    assert as_exception(same) is same


class Broken(logging.Handler):
    """A handler with a defect: `logging` passes on what `emit` raises."""

    def emit(self, _record):
        raise ConnectionError("the log server is away")


class TestLogHandlers:
    """open-telemetry/opentelemetry-python#4323: what the handlers raised ended the program."""

    @pytest.fixture(autouse=True)
    def _broken(self, monkeypatch):
        logger = logging.getLogger("infinium_otel")
        monkeypatch.setattr(failing_handlers, "_reported", set())
        monkeypatch.setattr(logger, "handlers", [Broken()])

    def test_nothing_raises(self, fake, capfd):
        """Neither a flush, nor a shutdown, nor a span after it; the message is on stderr."""
        fake.always(400)
        with processing(fake) as (processor, provider, tracer):
            run_agent(tracer)
            assert not provider.force_flush()
            processor.shutdown()
            run_agent(tracer)
            assert processor.stats.reasons == {"400": 3, "shutdown": 3}
        lines = capfd.readouterr().err.splitlines()
        assert lines[0] == "infinium-otel: a log handler raised ConnectionError"
        assert "refused a task (400)" in lines[1]
        assert "Spans are refused: shutdown" in lines[2]
        assert len(lines) == 3

    def test_our_thread_outlives_them(self, fake):
        """Two runs arrive without a flush, although each hook is reported."""
        with processing(fake, should_send=raising(ValueError())) as made:
            processor, _, tracer = made
            run_agent(tracer)
            run_agent(tracer)
            wait_until(lambda: processor.stats.delivered == 6)

    def test_a_record_factory(self, fake, capfd):
        """It may look for a request that our thread has not."""
        factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(raising(LookupError("outside of a request")))
        try:
            with processing(fake, should_send=raising(ValueError())) as made:
                processor, _, tracer = made
                run_agent(tracer)
                wait_until(lambda: processor.stats.delivered == 3)
        finally:
            logging.setLogRecordFactory(factory)
        assert "a log handler raised LookupError" in capfd.readouterr().err

    def test_without_standard_error(self, monkeypatch):
        """There is nowhere to write to, and it does not matter."""
        logger = logging.getLogger("infinium_otel.tests")
        closed_streams.guard_loggers()
        for stream in (None, OwnClient()):
            monkeypatch.setattr(sys, "stderr", stream)
            logger.warning("lost")

    def test_ctrl_c_in_a_handler(self, monkeypatch):
        """It is the application's."""
        logger = logging.getLogger("infinium_otel.tests")
        closed_streams.guard_loggers()
        monkeypatch.setattr(Broken, "emit", raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            logger.warning("x")


def test_register_without_credentials_and_with_a_broken_handler():
    """The warning about them does not end the program before it has begun."""
    program = """
import logging
class Broken(logging.Handler):
    def emit(self, record):
        raise ConnectionError
logging.getLogger().addHandler(Broken())
from infinium_otel import register
register()
print("runs")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert (done.returncode, done.stdout) == (0, "runs\n"), done.stderr
    assert "No runs are sent to Infinium" in done.stderr
