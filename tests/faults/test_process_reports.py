"""Public reports of exporters that lost runs, or stood still, in programs of many processes.

Each is rebuilt in small; its source is in the docstring.
"""

from __future__ import annotations

import os

import pytest

from infinium_otel.testing import Fault
from support.programs import run

if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs fork", allow_module_level=True)

QUIET = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
"""Python 3.12 warns of a fork beside threads."""


def check(fake, program, tasks):
    """Run *program*: it ends as it would without us, and makes *tasks* tasks."""
    code, _, complaints = run(fake, program, first=QUIET)
    assert (code, complaints) == (0, "")
    assert len(fake.keys) == len(set(fake.keys)) == tasks


def test_children_of_children(fake):
    """A grandchild delivers as well, from under the SDK's own processor.

    open-telemetry/opentelemetry-python#1567
    """
    program = """
    p = TracerProvider()
    p.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))
    run_agent(p.get_tracer("t"))
    assert p.force_flush()
    for _ in range(2):
        pid = os.fork()
        if pid:
            break
        run_agent(p.get_tracer("t"))
        assert p.force_flush()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
    os._exit(0)
    """
    check(fake, program, 3)


def test_a_fork_after_the_shutdown(fake):
    """A child of a process that was shut down ends, by its exit handlers too.

    open-telemetry/opentelemetry-python#2284
    """
    program = """
    p = register()
    run_agent(p.get_tracer("t"))
    p.shutdown()
    pid = os.fork()
    if pid == 0:
        p.shutdown()
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    """
    check(fake, program, 1)


def test_children_of_a_process_that_was_in_use(fake):
    """The parent's thread does not exist in its children: each starts its own.

    elastic/apm-agent-python#444
    """
    program = """
    import multiprocessing
    p = register()
    def work(count):
        for number in range(count):
            run_agent(p.get_tracer("t"))
    work(1)
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=(20,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    """
    check(fake, program, 61)


def test_a_flush_for_each_request(fake):
    """A flush in a thread, awaited, holds no other coroutine up.

    cognizant-ai-lab/neuro-san#1217, Arize-ai/phoenix#12744
    """
    fake.always(Fault(breaks="hang"))
    program = """
    import asyncio
    p = register()
    async def request():
        run_agent(p.get_tracer("t"))
        assert not await asyncio.to_thread(p.force_flush, 500)
        return "flushed"
    async def other():
        for _ in range(20):
            await asyncio.sleep(0.001)
        return "other"
    async def main():
        requests = [asyncio.create_task(each()) for each in (request, other)]
        return [await each for each in asyncio.as_completed(requests)]
    say(asyncio.run(main()))
    os._exit(0)
    """
    code, output, complaints = run(fake, program)
    assert (code, output) == (0, "['other', 'flushed']\n")
    assert complaints.count("\n") == complaints.count("Infinium is unavailable") <= 1


def test_an_import_starts_nothing(fake):
    """Gevent may patch after the import: no thread, no lock of ours is in its way.

    DataDog/dd-trace-py#8281
    """
    pytest.importorskip("gevent")
    program = """
    import infinium_otel
    assert threading.active_count() == 1
    import gevent.monkey
    gevent.monkey.patch_all()
    p = register()
    run_agent(p.get_tracer("t"))
    assert p.force_flush()
    """
    code, _, complaints = run(fake, program, PYTHONWARNINGS="ignore")
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == 1


def test_a_fork_while_a_hook_takes_long(fake):
    """It waits for nothing: the hook here goes on only after the forks.

    DataDog/dd-trace-py#18773: each fork waited for a thread that was busy.
    """
    program = """
    import subprocess
    from infinium_otel.runtime import runner
    runner.LOCK_S = 1_000.0
    entered, go_on = threading.Event(), threading.Event()
    def slow(task):
        entered.set()
        return go_on.wait(300)
    p = register(should_send=slow)
    run_agent(p.get_tracer("t"))
    assert entered.wait(60)
    subprocess.run(["true"], preexec_fn=lambda: None, check=True)
    pid = os.fork()
    if pid == 0:
        go_on.set()
        run_agent(p.get_tracer("t"))
        sys.exit(not p.force_flush())
    assert os.waitpid(pid, 0)[1] == 0
    go_on.set()
    """
    check(fake, program, 2)
