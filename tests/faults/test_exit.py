"""The end of a program: the order of exit hooks, dead endpoints, closed streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from infinium_otel.testing import Fault
from support.programs import (
    WAIT_S,
    accounted,
    environment,
    exporting,
    processing,
    run,
    run_agent,
    start,
)

EARLIER = """
import os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
{provider}
import infinium_otel
from support.programs import run_agent
p.add_span_processor({processor})
run_agent(p.get_tracer("t"))
"""

BATCH = "BatchSpanProcessor(infinium_otel.InfiniumSpanExporter())"
SIMPLE = "SimpleSpanProcessor(infinium_otel.InfiniumSpanExporter())"


def run_earlier(fake, processor, provider="p = TracerProvider()", **more):
    """Run a program whose provider registers its exit hook before ours: it runs later."""
    program = EARLIER.format(provider=provider, processor=processor)
    with start(fake, "", first=program, **more) as child:
        output, complaints = child.communicate(timeout=WAIT_S)
    return child.returncode, output, complaints


@pytest.mark.parametrize(
    "processor", [BATCH, SIMPLE, "infinium_otel.InfiniumSpanProcessor()"]
)
def test_a_provider_made_before_our_import(fake, processor):
    """Its shutdown comes after our exit hook, and what it hands over is delivered."""
    assert run_earlier(fake, processor) == (0, "", "")
    assert len(fake.tasks) == 1


def test_a_provider_made_before_our_import_with_a_spool(fake, spool):
    """The same during an outage: it is in the spool, and the next process sends it."""
    fake.close()
    code, _, complaints = run_earlier(fake, BATCH, INFINIUM_OTEL_SPOOL=spool)
    assert code == 0
    assert "Spans are refused" not in complaints
    assert "Traceback" not in complaints
    fake.start()
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(1, WAIT_S)


def test_a_provider_made_before_our_import_in_an_outage(fake):
    """Without a spool the log contains the loss; the exit is not held up for long."""
    fake.close()
    code, _, complaints = run_earlier(fake, BATCH)
    assert code == 0
    assert "Tasks not delivered before shutdown, and lost: 1" in complaints


def test_concurrent_processors_at_exit(fake):
    """The SDK's concurrent processors fail at exit; our batch is exported all the same.

    open-telemetry/opentelemetry-python#5568
    """
    provider = (
        "from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor\n"
        "p = TracerProvider(active_span_processor=ConcurrentMultiSpanProcessor(2))\n"
        "trace.set_tracer_provider(p)"
    )
    code, _, _ = run_earlier(fake, BATCH, provider)
    assert code == 0
    assert len(fake.tasks) == 1


LATE = """
import atexit
p = TracerProvider(shutdown_on_exit=False)
@atexit.register
def run_late():
    run_agent(p.get_tracer("t"), "one")
    run_agent(p.get_tracer("t"), "two")
    print(p._active_span_processor._span_processors[0].stats)
"""


@pytest.mark.parametrize("with_spool", [False, True], ids=["memory", "spool"])
def test_runs_in_later_exit_hooks(fake, spool, with_spool):
    """Runs of exit hooks that come after ours are delivered as well, and counted."""
    more = {"INFINIUM_OTEL_SPOOL": spool} if with_spool else {}
    code, output, complaints = run_earlier(
        fake, "infinium_otel.InfiniumSpanProcessor()", LATE, **more
    )
    assert (code, complaints) == (0, "")
    assert "received=9" in output
    assert "refused=0" in output
    if with_spool:  # an exit does not wait long for what is on disk
        with processing(fake, spool=spool) as (_, provider, _):
            assert provider.force_flush(60_000)
            assert fake.wait_for_tasks(3, WAIT_S)
    assert len(fake.tasks) == 3


@pytest.mark.parametrize("with_spool", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("fault", [None, "hang"], ids=["down", "hang"])
@pytest.mark.parametrize(
    "setup",
    [
        pytest.param("p = register()", id="register"),
        pytest.param(
            "p = TracerProvider();"
            "p.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))",
            id="batch",
        ),
    ],
)
def test_an_exit_with_a_dead_endpoint(fake, spool, setup, fault, with_spool):
    """It takes 2 s with a spool and 5 s without, and reports what is lost.

    A request of its own may take longer than the child is waited for.

    open-telemetry/opentelemetry-python#3309, open-telemetry/opentelemetry-python#4043
    """
    if fault:
        fake.always(Fault(breaks=fault))
    else:
        fake.close()
    program = f"""
    {setup}
    run_agent(p.get_tracer("t"))
    sys.exit(7)
    """
    more = {"INFINIUM_TIMEOUT_S": str(2 * WAIT_S)}
    if with_spool:
        more["INFINIUM_OTEL_SPOOL"] = spool
    code, _, complaints = run(fake, program, **more)
    assert code == 7
    assert "Traceback" not in complaints
    assert "Exception ignored" not in complaints
    assert ("and lost: 1" in complaints) is not with_spool


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_interrupted_before_anything_was_read(fake):
    """As below, when the first import of the mapping takes long: that is in the log too."""
    program = """
    import atexit
    from infinium_otel.runtime.feeder import PipelineFeeder
    PipelineFeeder.drain = lambda *_: time.sleep(60)
    p = TracerProvider()
    p.add_span_processor(InfiniumSpanProcessor())
    run_agent(p.get_tracer("t"))
    atexit.register(say, "ending")
    """
    with start(fake, program) as child:
        assert child.stdout.readline() == "ending\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        _, complaints = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    assert complaints == "Spans are refused: shutdown\n"


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("shutdown_on_exit", [True, False], ids=["provider", "ours"])
def test_interrupted_during_the_exit(fake, shutdown_on_exit):
    """Ctrl-C ends the wait of an exit: no traceback, and the loss is in the log.

    langfuse/langfuse#6515
    """
    fake.always(Fault(breaks="hang"))
    program = f"""
    import atexit
    p = TracerProvider(shutdown_on_exit={shutdown_on_exit})
    p.add_span_processor(InfiniumSpanProcessor())
    run_agent(p.get_tracer("t"))
    atexit.register(say, "ending")
    """
    with start(fake, program) as child:
        assert child.stdout.readline() == "ending\n"
        assert fake.wait_for(lambda _: fake.requests)
        child.send_signal(signal.SIGINT)
        _, complaints = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    assert "Traceback" not in complaints
    assert "Tasks not delivered before shutdown, and lost: 1" in complaints


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("shutdown_on_exit", [True, False], ids=["provider", "ours"])
def test_interrupted_twice_during_the_exit(fake, shutdown_on_exit):
    """Another Ctrl-C while everything is closed changes nothing.

    langfuse/langfuse#4018
    """
    fake.always(Fault(breaks="hang"))
    program = f"""
    import atexit
    from infinium_otel.runtime.runner import PipelineRunner
    abandon = PipelineRunner.abandon
    def press(runner):
        os.kill(os.getpid(), signal.SIGINT)
        return abandon(runner)
    PipelineRunner.abandon = press
    p = TracerProvider(shutdown_on_exit={shutdown_on_exit})
    p.add_span_processor(InfiniumSpanProcessor())
    run_agent(p.get_tracer("t"))
    atexit.register(say, "ending")
    """
    with start(fake, program) as child:
        assert child.stdout.readline() == "ending\n"
        assert fake.wait_for(lambda f: f.requests, WAIT_S)
        child.send_signal(signal.SIGINT)
        _, complaints = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    assert complaints == "Tasks not delivered before shutdown, and lost: 1\n"


def test_ctrl_c_in_a_shutdown_is_the_programs(fake, monkeypatch):
    """While the program runs, Ctrl-C in a shutdown reaches the program."""

    def interrupt(_):
        raise KeyboardInterrupt

    with processing(fake) as (processor, _, _):
        monkeypatch.setattr(processor._runner, "shutdown", interrupt)
        with pytest.raises(KeyboardInterrupt):
            processor.shutdown()
        monkeypatch.undo()
        processor._runner.shutdown(1.0)


@pytest.mark.timeout(600)  # as long as 20 requests that are waited for
def test_a_simple_processor_and_a_hanging_endpoint(fake):
    """All runs of an outage together wait 4 s, not 30 s each.

    drt-hub/drt#658
    """
    fake.always(Fault(breaks="hang"))
    with exporting(fake, simple=True) as (exporter, _, tracer):
        for number in range(20):
            run_agent(tracer, f"run{number}")
        assert exporter.stats.tasks_queued == 20
        assert accounted(exporter.stats)
        fake.always(None)
        assert fake.wait_for_tasks(20, 60)


CLOSED_STREAMS = """
import atexit, logging
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from infinium_otel import InfiniumSpanExporter, register
from support.programs import run_agent

def test_one(capsys):
    logging.getLogger().addHandler(logging.StreamHandler())
    provider = register()
    {run}
"""


@pytest.mark.parametrize(
    "run",
    [
        pytest.param("run_agent(provider.get_tracer('t'))", id="lost"),
        pytest.param(
            "with provider.get_tracer('t').start_as_current_span('GET /'): pass",
            id="no-run",
        ),
    ],
)
def test_closed_streams_at_exit(fake, tmp_path, run):
    """Under pytest our last lines are printed once, without a traceback of `logging`.

    pytest-dev/pytest#5577, pytorch/pytorch#147486
    """
    fake.close()
    (tmp_path / "test_one.py").write_text(CLOSED_STREAMS.format(run=run))
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py"],
        cwd=tmp_path,
        env=environment(
            fake, PYTHONWARNINGS="ignore", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * WAIT_S,
    )
    assert found.returncode == 0, found
    assert "Logging error" not in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
    assert ("and lost: 1" in found.stderr) is ("run_agent" in run)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_of_a_batch_processor(fake):
    """A child of multiprocessing exports what its batch processor still holds."""
    program = """
    import multiprocessing, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    p = TracerProvider()
    p.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))
    trace.set_tracer_provider(p)
    child = multiprocessing.get_context("fork").Process(
        target=run_agent, args=(p.get_tracer("t"), "child"))
    child.start()
    child.join()
    assert child.exitcode == 0
    """
    code, _, complaints = run(fake, program)
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == 1
