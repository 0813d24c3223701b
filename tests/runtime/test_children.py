"""The hooks of children that run no exit handler."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from infinium_otel.runtime.children import ChildExit
from support.programs import run


def report(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_once_in_each_child(tmp_path):
    """A child of `multiprocessing` calls it once, at its end; this process does not."""
    path = tmp_path / "calls"
    hook = ChildExit(lambda: report(path, "end "))
    hook.watch()
    hook.watch()

    def work():
        hook.watch()
        report(path, "work ")

    context = multiprocessing.get_context("fork")
    for _ in range(2):
        child = context.Process(target=work)
        child.start()
        child.join()
        assert child.exitcode == 0
    assert path.read_text() == "work end work end "


def test_no_package_is_imported():
    """Without `multiprocessing` and Celery nothing happens, and neither is imported."""
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"  # coverage may have imported one
        "from infinium_otel.runtime.children import ChildExit\n"
        "ChildExit(print).watch()\n"
        "new = sys.modules.keys() - before\n"
        "assert not {'multiprocessing', 'celery', 'billiard'} & new\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_signal_of_celery(monkeypatch):
    """Celery's signal is connected once; its receiver takes whatever it is sent."""
    receivers, calls = [], []
    signal = SimpleNamespace(connect=lambda receiver, **_: receivers.append(receiver))
    signals = SimpleNamespace(worker_process_shutdown=signal)
    monkeypatch.setitem(sys.modules, "celery.signals", signals)
    hook = ChildExit(lambda: calls.append(1))
    hook.watch()
    hook.watch()
    [receiver] = receivers
    receiver(sender=None, pid=1, exitcode=0)
    assert calls == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_without_hooks(fake):
    """A child of a fork in C, which runs no hook, delivers its own runs.

    open-telemetry/opentelemetry-python#2266
    """
    program = """
    import ctypes
    from infinium_otel.runtime import registry
    p = register()
    t = p.get_tracer("t")
    run_agent(t, "parent")
    assert p.force_flush()
    (runner,) = registry._all
    while not runner.worker.needs_wake:
        time.sleep(0.001)
    # CPython hands its own lock from thread to thread: a child that is forked in the
    # middle of that never gets it.
    time.sleep(0.2)
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        run_agent(t, "child")
        os._exit(0 if p.force_flush() else 3)
    assert os.waitpid(pid, 0)[1] == 0
    """
    code, _, complaints = run(fake, program)
    assert (code, complaints) == (0, "")
    assert len(fake.keys) == len(set(fake.keys)) == 2
