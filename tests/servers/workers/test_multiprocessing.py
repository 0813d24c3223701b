"""Children of `multiprocessing`, of its pools and of joblib, in every start method."""

from __future__ import annotations

import pytest

from infinium_otel.testing import Fault
from support.workers import names

SLOW = Fault(delay_s=0.2, store=True)
"""A service that has not answered yet when a child ends right after its run."""

METHODS = ["fork", "forkserver", "spawn"]


@pytest.mark.parametrize("method", METHODS)
def test_processes_and_pools(fake, programs, method):
    """Every child delivers its last run, although most of them end by `os._exit`.

    langfuse/langfuse#1358, langfuse/langfuse#11589, reflex-dev/reflex#7155
    """
    fake.always(SLOW)
    program = f"""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    register()
    def work(name):
        run_agent(trace.get_tracer("t"), name)
    if __name__ == "__main__":
        context = multiprocessing.get_context("{method}")
        children = [context.Process(target=work, args=(f"process{{n}}",)) for n in (0, 1)]
        for child in children:
            child.start()
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            list(executor.map(work, ["executor"]))
        pool = context.Pool(1, maxtasksperchild=1)
        pool.map(work, ["pool0", "pool1"], chunksize=1)
        pool.close()
        pool.join()
        for child in children:
            child.join()
            assert child.exitcode == 0
        work("parent")
    """
    code, output = programs.run_text(program)
    assert (code, output) == (0, "")
    assert names(fake) == [
        *("executor", "parent", "pool0", "pool1", "process0", "process1")
    ]


@pytest.mark.parametrize("method", METHODS)
def test_set_up_in_the_child(fake, programs, method):
    """A child that alone calls `register()`, or makes a batch processor, delivers too.

    microsoft/promptflow#2606
    """
    fake.always(SLOW)
    program = f"""
    import multiprocessing
    def work():
        run_agent(register().get_tracer("t"), "registered")
    def batch():
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from infinium_otel import InfiniumSpanExporter
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))
        trace.set_tracer_provider(provider)
        run_agent(provider.get_tracer("t"), "batch")
    if __name__ == "__main__":
        context = multiprocessing.get_context("{method}")
        children = [context.Process(target=each) for each in (work, batch)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
    """
    code, output = programs.run_text(program)
    assert (code, output) == (0, "")
    assert names(fake) == ["batch", "registered"]


def test_imported_after_register(fake, programs):
    """The hook is found in the child if `multiprocessing` is imported after us."""
    fake.always(SLOW)
    program = """
    register()
    assert "multiprocessing" not in sys.modules
    import multiprocessing
    run = lambda: run_agent(trace.get_tracer("t"), "child")
    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join()
    """
    code, output = programs.run_text(program)
    assert (code, output) == (0, "")
    assert names(fake) == ["child"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_terminated_pool(fake, programs, method):
    """`with Pool()` ends its children by SIGTERM; `flush_on_sigterm` keeps their runs."""
    fake.always(SLOW)
    program = f"""
    import multiprocessing
    register(flush_on_sigterm=True)
    def work(name):
        run_agent(trace.get_tracer("t"), name)
    if __name__ == "__main__":
        with multiprocessing.get_context("{method}").Pool(2) as pool:
            pool.map(work, ["one", "two", "three"], chunksize=1)
    """
    code, output = programs.run_text(program)
    assert (code, output) == (0, "")
    assert names(fake) == ["one", "three", "two"]


def test_a_child_without_any_hook(fake, programs):
    """After `os.fork`, a flush before `os._exit` is needed, and enough.

    Borderless360/django-logic#296
    """
    fake.always(SLOW)
    program = """
    provider = register()
    child = os.fork()
    run_agent(provider.get_tracer("t"), "parent" if child else "child")
    if child == 0:
        os._exit(0 if provider.force_flush() else 3)
    assert os.waitpid(child, 0)[1] == 0
    """
    code, output = programs.run_text(program)
    assert (code, output) == (0, "")
    assert names(fake) == ["child", "parent"]


@pytest.mark.parametrize(
    ("backend", "options"),
    [("loky", ""), ("multiprocessing", "flush_on_sigterm=True")],
)
def test_joblib(fake, programs, backend, options):
    """Both of joblib's pools of processes deliver; the documented lines are enough."""
    fake.always(SLOW)
    program = f"""
    import joblib
    register({options})
    def work(name):
        provider = register({options})
        run_agent(provider.get_tracer("t"), name)
    if __name__ == "__main__":
        each = (joblib.delayed(work)(f"run{{n}}") for n in range(4))
        joblib.Parallel(n_jobs=2, backend="{backend}")(each)
    """
    code, output = programs.run_text(program)
    assert code == 0, output
    assert names(fake) == ["run0", "run1", "run2", "run3"]


def test_a_dead_endpoint_does_not_hold_children(fake, programs):
    """With nothing listening a child ends in some seconds, and the log has the loss."""
    fake.close()
    program = """
    import multiprocessing
    register()
    if __name__ == "__main__":
        run = lambda: run_agent(trace.get_tracer("t"), "child")
        child = multiprocessing.get_context("fork").Process(target=run)
        began = time.monotonic()
        child.start()
        child.join()
        print("seconds", time.monotonic() - began)
        assert child.exitcode == 0
    """
    code, output = programs.run_text(program)
    assert code == 0, output
    assert float(output.rpartition("seconds ")[2]) < 20
    assert "Tasks not delivered before shutdown, and lost: 1" in output
    assert "Traceback" not in output
