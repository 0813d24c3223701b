"""Runs whose process ends, is killed or forks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from infinium_otel.delivery.storage.spool import count_tasks
from infinium_otel.testing import Fault
from support.programs import WAIT_S, exporting, processing, run, run_agent, start

if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs fork and signals", allow_module_level=True)


def span_ids(fake):
    """Ids of all spans in stored tasks, from their steps."""
    return [
        step["metadata"]["otel.span_id"]
        for task in fake.tasks
        for step in task.get("steps", ())
    ]


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(
            "p = TracerProvider(); p.add_span_processor(InfiniumSpanProcessor())",
            id="processor",
        ),
        pytest.param(
            "p = TracerProvider();"
            "p.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))",
            id="batch",
        ),
        pytest.param(
            "p = TracerProvider();"
            "p.add_span_processor(SimpleSpanProcessor(InfiniumSpanExporter()))",
            id="simple",
        ),
        pytest.param("p = register()", id="register"),
        pytest.param(
            "p = TracerProvider(shutdown_on_exit=False);"
            "p.add_span_processor(InfiniumSpanProcessor())",
            id="no-shutdown",
        ),
    ],
)
def test_exit_without_shutdown(fake, setup):
    """A program without a shutdown delivers its runs and prints nothing."""
    program = f"{setup}\nrun_agent(p.get_tracer('t'))\nsys.exit(7)"
    code, output, complaints = run(fake, program)
    assert (code, output, complaints) == (7, "", "")
    assert len(fake.tasks) == 1


def test_exit_in_the_middle_of_a_run(fake):
    """The ended spans of a run that is open at exit arrive as incomplete."""
    program = """
    t = register().get_tracer("t")
    root = t.start_span("run", attributes=AGENT)
    with trace.use_span(root), t.start_as_current_span("child", attributes=AGENT):
        pass
    """
    assert run(fake, program)[0] == 0
    assert len(fake.tasks) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(
            "threading.Thread(target=sys.exit).start()", id="exit-in-a-thread"
        ),
        pytest.param("os.kill(os.getpid(), signal.SIGINT)", id="interrupted"),
        pytest.param(
            "import atexit\natexit.register(lambda: run_agent(t, 'last'))", id="hook"
        ),
    ],
)
@pytest.mark.parametrize("shape", ["processor", "batch"])
def test_endings_of_the_host(fake, shape, ending):
    """However the program ends, its runs arrive and we print nothing."""
    program = f"""
import atexit
under = {{"processor": InfiniumSpanProcessor,
         "batch": lambda: BatchSpanProcessor(InfiniumSpanExporter())}}
p = TracerProvider()
p.add_span_processor(under["{shape}"]())
t = p.get_tracer("t")
run_agent(t)
{ending}
time.sleep(0.1)
"""
    _, output, complaints = run(fake, program)
    assert output == ""
    assert "infinium" not in complaints.replace("site-packages", "")
    assert "run" in str([task["environment"] for task in fake.tasks])


@pytest.mark.slow
def test_threads_that_go_on_while_the_program_ends(fake):
    """Spans that end in a daemon thread during the exit neither hang nor fail."""
    program = """
    t = register(requests_per_second=10_000).get_tracer("t")
    def busy():
        while True:
            run_agent(t, "busy")
            time.sleep(0.002)
    threading.Thread(target=busy, daemon=True).start()
    time.sleep(0.2)
    """
    code, output, _ = run(fake, program)
    assert (code, output) == (0, "")
    assert fake.tasks


def test_unhandled_exception(fake):
    """A program that fails keeps its exit code, and its runs."""
    program = "p = register(); run_agent(p.get_tracer('t')); raise RuntimeError('x')"
    code, _, complaints = run(fake, program)
    assert code == 1
    assert complaints.rstrip().endswith("RuntimeError: x")
    assert len(fake.tasks) == 1


@pytest.mark.parametrize("fault", [None, "hang"], ids=["down", "hang"])
def test_exit_with_a_dead_endpoint_and_a_spool(fake, spool, fault):
    """With a spool an exit takes about two seconds at most, and loses nothing."""
    if fault:
        fake.always(Fault(breaks=fault))
    else:
        fake.close()
    program = """
    p = register()
    run_agent(p.get_tracer("t"))
    began = time.monotonic()
    p.shutdown()
    say(time.monotonic() - began)
    """
    code, output, _ = run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    assert code == 0
    assert float(output) < 4
    if not fault:
        fake.start()
    fake.always(None)
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(1, WAIT_S)


@pytest.mark.parametrize(
    "ending", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"]
)
@pytest.mark.parametrize("shape", ["processor", "exporter"])
def test_killed_with_a_spool(fake, spool, shape, ending):
    """Killed after export() or on_end returned: the next process delivers."""
    fake.close()
    program = f"""
    shape = {{"processor": InfiniumSpanProcessor,
             "exporter": lambda: SimpleSpanProcessor(InfiniumSpanExporter())}}
    p, t = provider_of(shape["{shape}"]())
    run_agent(t, "whole")
    root = t.start_span("open", attributes=AGENT)
    with trace.use_span(root), t.start_as_current_span("ended", attributes=AGENT):
        pass
    {ending}
    """
    run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    fake.start()
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(2, WAIT_S)
    assert len(fake.keys) == len(set(fake.keys)) == 2


def test_terminated_with_a_spool(fake, spool):
    """SIGTERM in a container loses nothing either, although no exit handler runs."""
    fake.close()
    program = """
    p, t = provider_of(InfiniumSpanProcessor())
    run_agent(t)
    say("ready")
    time.sleep(60)
    """
    with start(fake, program, INFINIUM_OTEL_SPOOL=spool) as child:
        assert child.stdout.readline() == "ready\n"
        child.terminate()
        child.communicate(timeout=WAIT_S)
    assert child.returncode == -signal.SIGTERM
    fake.start()
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(1, WAIT_S)


KILLED = """
p, t = provider_of(InfiniumSpanProcessor())
number = 0
while True:
    with t.start_as_current_span(f"run {number}", attributes=AGENT) as span:
        pass
    say(f"{span.get_span_context().span_id:016x}")
    number += 1
    time.sleep(0.002)
"""


def roots(fake):
    """Span ids of the roots of stored tasks."""
    return [key.split("-")[1] for key in fake.keys]


@pytest.mark.slow
def test_kill_loop(fake, spool):
    """Killed at random points, again and again: every ended span is delivered."""
    rounds = int(os.environ.get("KILL_ROUNDS", "10"))
    ended = []
    for number in range(rounds):
        fake.always(503 if number % 2 else None)
        with start(fake, KILLED, INFINIUM_OTEL_SPOOL=spool) as child:
            ended.append(child.stdout.readline().strip())
            time.sleep(0.02 + 0.013 * (number % 7))
            child.kill()
            output, _ = child.communicate(timeout=WAIT_S)
        ended += [line for line in output.split() if len(line) == 16]
    fake.always(None)
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for(lambda f: set(ended) <= set(roots(f)), WAIT_S)
    assert len(roots(fake)) == len(set(roots(fake)))


def test_two_processes_on_one_spool(fake, spool):
    """Several processes share a spool: each task is sent and stored once."""
    program = """
    p = register()
    for number in range(20):
        run_agent(p.get_tracer("t"), f"run{number}")
    p.shutdown()
    """
    children = [start(fake, program, INFINIUM_OTEL_SPOOL=spool) for _ in range(2)]
    for child in children:
        with child:
            child.communicate(timeout=WAIT_S)
        assert child.returncode == 0
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(40, WAIT_S)
    assert len(fake.tasks) == 40


FORKS = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads, Python 3.12
{before}
p = register()
{between}
pid = os.fork()
run_agent(p.get_tracer("t"), "child" if pid == 0 else "parent")
ok = p.force_flush()
if pid == 0:
    os._exit(0 if ok else 3)
_, status = os.waitpid(pid, 0)
assert ok
assert os.waitstatus_to_exitcode(status) == 0, status
"""


@pytest.mark.parametrize(
    ("between", "tasks"),
    [
        pytest.param("", 2, id="before-use"),
        pytest.param(
            "run_agent(p.get_tracer('t'), 'first'); p.force_flush()", 3, id="after-use"
        ),
        pytest.param("run_agent(p.get_tracer('t'), 'first')", 3, id="during-use"),
        pytest.param(
            "held = p.get_tracer('t').start_span('open', attributes=AGENT)",
            2,
            id="open-span",
        ),
    ],
)
def test_fork(fake, between, tasks):
    """A child delivers its own runs, and none of its parent's; nothing hangs."""
    code, _, complaints = run(fake, FORKS.format(before="", between=between))
    assert (code, complaints) == (0, "")
    assert fake.wait_for_tasks(tasks, WAIT_S)
    assert sorted({task["name"] for task in fake.tasks}) != []
    assert len(fake.keys) == len(set(fake.keys)) == tasks


SLOW_IMPORT = """
import infinium_otel.runtime.runner as runner
runner.LOCK_S = 0.1
began = threading.Event()
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "infinium_otel.mapping":
            began.set()
            time.sleep(1)
sys.meta_path.insert(0, Slow())
"""


def test_a_fork_during_a_slow_import_of_ours(fake):
    """A child that inherits half an import would wait for ever for the rest of it."""
    between = "run_agent(p.get_tracer('t'), 'first')\nassert began.wait(60)"
    code, _, complaints = run(fake, FORKS.format(before=SLOW_IMPORT, between=between))
    assert (code, complaints) == (0, "")
    assert fake.wait_for_tasks(3, WAIT_S)
    assert len(fake.keys) == len(set(fake.keys)) == 3


@pytest.mark.slow
def test_fork_with_a_spool(fake, spool):
    """The same with a spool that parent and child share."""
    program = FORKS.format(before="", between="run_agent(p.get_tracer('t'), 'first')")
    code, _, complaints = run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    assert (code, complaints) == (0, "")
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(3, WAIT_S)
    assert len(fake.keys) == 3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_children_of_multiprocessing(fake, method):
    """Workers of a pool deliver their own runs, for any start method."""
    program = f"""
    import multiprocessing, warnings
    from support.programs import run_alone
    warnings.simplefilter("ignore", DeprecationWarning)
    context = multiprocessing.get_context("{method}")
    p = register()
    run_agent(p.get_tracer("t"), "parent")
    with context.Pool(2) as pool:
        assert pool.map(run_alone, ["one", "two", "three"]) == [True] * 3
        pool.close()
        pool.join()
    assert p.force_flush()
    """
    code, _, complaints = run(fake, program)
    assert code == 0, complaints
    assert len(fake.keys) == len(set(fake.keys)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("has_spool", [False, True], ids=["memory", "spool"])
def test_many_forks(fake, spool, has_spool):
    """Many forks while spans end in threads: no deadlock, no duplicate, no complaint."""
    program = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    p = register(requests_per_second=10_000, burst=10_000)
    t = p.get_tracer("t")
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            run_agent(t, "busy")
            time.sleep(0.02)
    thread = threading.Thread(target=busy)
    thread.start()
    for number in range(25):
        pid = os.fork()
        if pid == 0:
            run_agent(t, f"child{number}")
            os._exit(0 if p.force_flush() else 3)
        assert os.waitpid(pid, 0)[1] == 0
    stop.set()
    thread.join()
    assert p.force_flush()
    """
    variables = {"INFINIUM_OTEL_SPOOL": spool} if has_spool else {}
    code, _, complaints = run(fake, program, **variables)
    assert (code, complaints) == (0, "")
    if has_spool:  # what is in the spool at the end, the next process delivers
        with processing(fake, spool=spool):
            assert fake.wait_for(lambda _: not count_tasks(spool)[0], WAIT_S)
    assert len(fake.keys) == len(set(fake.keys)) >= 25


def test_several_in_one_process(fake):
    """Exporters and processors with the same configuration share one runner."""
    with (
        exporting(fake) as (exporter, first, _),
        processing(fake) as (processor, second, _),
    ):
        assert exporter._runner is processor._runner
        run_agent(first.get_tracer("t"), "one")
        run_agent(second.get_tracer("t"), "two")
        first.force_flush()
        assert second.force_flush()
        assert len(fake.tasks) == 2
        exporter.shutdown()
        run_agent(second.get_tracer("t"), "three")
        assert second.force_flush()
    assert len(fake.tasks) == 3


def test_zero_code(fake):
    """OTEL_TRACES_EXPORTER=infinium opentelemetry-instrument: no code at all."""
    pytest.importorskip("opentelemetry.distro")
    launcher = Path(sys.executable).with_name("opentelemetry-instrument")
    program = """
    from opentelemetry._logs import LogRecord, get_logger
    t = trace.get_tracer("t")
    with t.start_as_current_span("run", attributes=AGENT):
        with t.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}):
            get_logger("l").emit(LogRecord(
                event_name="gen_ai.user.message", body={"content": "Hello there"}))
    """
    code, _, complaints = run(
        fake,
        program,
        command=(str(launcher), sys.executable),
        OTEL_TRACES_EXPORTER="infinium",
        OTEL_LOGS_EXPORTER="infinium",
        OTEL_METRICS_EXPORTER="none",
        PYTHONWARNINGS="default",
    )
    assert code == 0, complaints
    assert len(fake.tasks) == 1
    assert "Hello there" in str(fake.tasks[0])


def test_asyncio(fake):
    """Several event loops in turn, cancelled tasks: all runs arrive."""
    program = """
    import asyncio
    p = register()
    t = p.get_tracer("t")
    async def agent(number):
        with t.start_as_current_span(f"run{number}", attributes=AGENT):
            await asyncio.sleep(0 if number else 60)
    async def main():
        jobs = [asyncio.create_task(agent(n)) for n in range(5)]
        await asyncio.sleep(0.01)
        jobs[0].cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    asyncio.run(main())
    asyncio.run(main())
    assert p.force_flush()
    """
    code, _, complaints = run(fake, program)
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == 10


def test_freezing_platform(fake):
    """If the process freezes after each invocation, a run is delivered at its end."""
    program = """
    p = register()
    run_agent(p.get_tracer("t"))
    os._exit(0)
    """
    run(fake, program, AWS_LAMBDA_FUNCTION_NAME="agent")
    assert len(fake.tasks) == 1


def test_a_thousand_cycles_leak_nothing(fake):
    """Created and shut down many times, no thread is left over."""
    before = threading.active_count()
    for number in range(60):
        with processing(fake) as (processor, provider, tracer):
            if number % 20 == 0:
                run_agent(tracer)
                assert provider.force_flush(60_000)
            processor.shutdown()
            processor.shutdown()
    deadline = time.monotonic() + WAIT_S
    while threading.active_count() > before + 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before + 3


def test_flush_from_a_signal_handler(fake):
    """A flush in a signal handler neither hangs nor raises."""
    program = """
    p = register()
    t = p.get_tracer("t")
    flushed = []
    signal.signal(signal.SIGALRM, lambda *_: flushed.append(p.force_flush(2_000)))
    for number in range(50):
        if number % 10 == 0:
            while number // 10 > len(flushed):
                time.sleep(0.001)
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
        run_agent(t, f"run{number}")
    while len(flushed) < 5:
        time.sleep(0.001)
    assert p.force_flush()
    """
    code, _, complaints = run(fake, program)
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) >= 50
