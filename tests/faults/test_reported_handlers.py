"""Public reports of handlers, of signals and of logging, that stopped a program for good.

Each is rebuilt in small with our own parts; its source is in the docstring.
"""

from __future__ import annotations

import signal
import sys

import pytest

from infinium_otel.testing import Fault
from support.programs import run, start

SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
LOGGING = """
import logging, logging.config
"""


def check(fake, program, **environ):
    """Run *program*: it ends as it would without us. Returns its output."""
    code, output, complaints = run(
        fake, program, first=LOGGING, PYTHONWARNINGS="", **environ
    )
    assert code == 0, complaints
    return output.split()


def test_a_log_handler_that_flushes_when_we_log(fake):
    """It calls back into the very flush that logs, and neither waits for the other.

    open-telemetry/opentelemetry-cpp#4435
    """
    fake.always(400)
    program = """
    provider = register()

    class Flushing(logging.Handler):
        is_busy = False

        def emit(self, record):
            if not self.is_busy:
                self.is_busy = True
                provider.force_flush(2_000)
                self.is_busy = False

    logging.getLogger("infinium_otel").addHandler(Flushing())
    run_agent(provider.get_tracer("t"))
    print("flushed", provider.force_flush(5_000))
    """
    assert check(fake, program)[0] == "flushed"


def test_logging_is_configured_anew_while_runs_are_sent(fake):
    """`dictConfig` holds the lock of logging, and flushes the handlers of before.

    open-telemetry/opentelemetry-python#4635, logtail/logtail-python#37
    """
    program = """
    provider = register()

    class Flushing(logging.Handler):
        def flush(self):
            provider.force_flush(5_000)

        def emit(self, record):
            pass

    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(Flushing())
    for _ in range(20):
        run_agent(provider.get_tracer("t"))
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    print("configured", provider.force_flush())
    """
    assert check(fake, program) == ["configured", "True"]
    assert len(fake.tasks) == 20


def test_what_is_logged_in_a_flush_reaches_the_provider_that_is_flushed(fake):
    """A provider of logs that forwards to ours is not locked by our own warning.

    pydantic/logfire#2404
    """
    fake.always(400)
    program = """
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from infinium_otel import InfiniumLogRecordProcessor

    provider = register()
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(InfiniumLogRecordProcessor())
    logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
    run_agent(provider.get_tracer("t"))
    provider.force_flush(5_000)
    print("flushed", logs.force_flush(5_000))
    """
    assert check(fake, program)[0] == "flushed"


def test_a_flush_after_the_shutdown(fake):
    """Nobody is there any more who could do it, so it does not wait.

    census-instrumentation/opencensus-python#1112
    """
    program = """
    from infinium_otel import InfiniumSpanProcessor

    processor = InfiniumSpanProcessor()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    run_agent(provider.get_tracer("t"))
    processor.shutdown()
    run_agent(provider.get_tracer("t"))
    processor.force_flush()
    print("ended")
    """
    assert check(fake, program) == ["ended"]
    assert len(fake.tasks) == 1


@SIGNALS
def test_sigterm_while_the_main_thread_is_inside_a_call_of_ours(fake):
    """The flush on SIGTERM takes no lock that the interrupted call holds.

    DataDog/dd-trace-py#17679
    """
    program = """
    import faulthandler
    faulthandler.dump_traceback_later(40, exit=True)
    provider = register(flush_on_sigterm=True)
    run_agent(provider.get_tracer("t"))
    print("ready", flush=True)
    while True:
        provider.force_flush(1_000)
        run_agent(provider.get_tracer("t"))
    """
    with start(fake, program, PYTHONWARNINGS="") as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGTERM, complaints
    assert fake.tasks


@SIGNALS
def test_a_second_sigterm_during_the_flush_on_the_first(fake):
    """The handler is entered again in the thread that is inside it.

    ng-log/ng-log#40
    """
    fake.always(Fault(delay_s=2.0))
    program = """
    import faulthandler
    faulthandler.dump_traceback_later(40, exit=True)
    provider = register(flush_on_sigterm=True)
    run_agent(provider.get_tracer("t"))
    print("ready", flush=True)
    while True:
        time.sleep(1)
    """
    with start(fake, program, PYTHONWARNINGS="") as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        assert fake.wait_for(lambda fake: fake.requests, 30)
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGTERM, complaints


@SIGNALS
def test_sigterm_inside_nested_spans(fake, tmp_path):
    """What has ended arrives, though the spans around it never end.

    open-telemetry/opentelemetry-python#4813
    """
    program = """
    provider = register(flush_on_sigterm=True)
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("outer", attributes=AGENT):
        with tracer.start_as_current_span("ended"):
            pass
        with tracer.start_as_current_span("inner"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
    """
    code, _, complaints = run(
        fake, program, PYTHONWARNINGS="", INFINIUM_OTEL_INCLUDE="all"
    )
    assert code == -signal.SIGTERM, complaints
    (task,) = fake.tasks
    assert task["environment"]["custom_tags"]["otel.incomplete"] == "true"
