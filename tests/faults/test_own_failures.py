"""Failures of ours in calls of the application: none of them raises, and no run is lost.

Each call is made while no module can be imported, as in a process without a file
descriptor left: we import with the first span.
"""

from __future__ import annotations

import sys

import pytest

from support.programs import run

FULL = """
import errno, logging

class Full:
    'Finds no module of ours: the process has no file descriptor left.'
    is_on = False
    def find_spec(self, name, path=None, target=None):
        if self.is_on and name.startswith("infinium_otel."):
            raise OSError(errno.EMFILE, "Too many open files", name)

full = Full()
sys.meta_path.insert(0, full)
"""


def check(fake, program, printed):
    """Run *program*; it ends as it would without us, prints and delivers one run."""
    code, output, complaints = run(fake, FULL_PRELUDE + program, PYTHONWARNINGS="")
    assert code == 0, complaints
    assert output.split() == printed.split()
    assert len(fake.keys) == 1
    assert "Too many open files" in complaints


FULL_PRELUDE = "".join(f"    {line}\n" for line in FULL.splitlines())


def test_a_flush_before_anything_was_imported(fake):
    """It is False, and the next one delivers.

    open-telemetry/opentelemetry-python#4724: an exporter that raised ended the program.
    """
    program = """
    provider = register()
    full.is_on = True
    run_agent(provider.get_tracer("t"))
    say(provider.force_flush(2_000))
    full.is_on = False
    say(provider.force_flush(20_000))
    """
    check(fake, program, "False True")


def test_a_shutdown(fake):
    """What it cannot deliver, the exit does not either; the program ends as usual."""
    program = """
    full.is_on = False
    provider = register()
    run_agent(provider.get_tracer("t"))
    provider.force_flush(20_000)
    other = InfiniumSpanProcessor(task_per="trace")
    provider, tracer = provider_of(other)
    full.is_on = True
    run_agent(tracer)
    other._runner._feeder.drain = lambda *_: 1 / 0
    other.shutdown(1_000)
    logging.getLogger("x").warning("Too many open files")
    """
    check(fake, program, "")


@pytest.mark.parametrize("under", ["SimpleSpanProcessor", "BatchSpanProcessor"])
def test_an_export(fake, under):
    """Spans that cannot be read now are kept until they can."""
    program = f"""
    provider, tracer = provider_of({under}(InfiniumSpanExporter()))
    full.is_on = True
    run_agent(tracer)
    provider.force_flush(2_000)
    full.is_on = False
    say(provider.force_flush(20_000))
    provider.shutdown()
    """
    check(fake, program, "True")


def test_a_log_record(fake):
    """A line that the application logs is not lost to it, and no recursion begins.

    open-telemetry/opentelemetry-python#4323: what a log exporter raised was logged, and so
    exported, without an end.
    """
    program = """
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    from infinium_otel import InfiniumLogExporter, InfiniumLogRecordProcessor
    provider = register()
    logs = LoggerProvider()
    logs.add_log_record_processor(InfiniumLogRecordProcessor())
    logs.add_log_record_processor(SimpleLogRecordProcessor(InfiniumLogExporter()))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
    logging.getLogger().addHandler(logging.StreamHandler())
    full.is_on = True
    with provider.get_tracer("t").start_as_current_span("run", attributes=AGENT):
        logging.getLogger("app").warning("a line")
    say("logged")
    full.is_on = False
    say(provider.force_flush(20_000))
    """
    check(fake, program, "logged True")


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_process_without_a_file_descriptor(fake):
    """The real thing: a flush is False until there is one."""
    program = """
    import resource
    provider = register()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(open(os.devnull))
    except OSError:
        pass
    run_agent(provider.get_tracer("t"))
    say(provider.force_flush(2_000))
    for each in held:
        each.close()
    say(provider.force_flush(20_000))
    """
    check(fake, program, "False True")
