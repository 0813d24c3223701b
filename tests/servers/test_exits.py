"""An exit that is interrupted delivers all the same, and prints nothing.

Run by `tox run -e servers`.
"""

from __future__ import annotations

import signal

import pytest

from infinium_otel.testing import Fault
from support.programs import run, start

SLOW = Fault(delay_s=0.5)
PATCH = "import gevent.monkey; gevent.monkey.patch_all()\n"


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param("register()", id="register"),
        pytest.param("provider_of(InfiniumSpanProcessor())[0]", id="processor"),
    ],
)
def test_green_threads_that_exit_late(fake, provider):
    """`sys.exit()` in a green thread, once the exit hooks run, interrupts none of them."""
    fake.always(SLOW)
    program = f"""
    import gevent
    provider = {provider}
    for number in range(3):
        run_agent(provider.get_tracer("app"))
    for tenths in range(1, 8):
        gevent.spawn_later(tenths / 10, sys.exit, 0)
    """
    code, _, complaints = run(fake, program, first=PATCH, PYTHONWARNINGS="")
    assert code == 0
    assert complaints == ""
    assert len(fake.tasks) == 3


@pytest.mark.parametrize("first", ["", PATCH], ids=["threads", "gevent"])
def test_a_signal_during_the_exit(fake, first):
    """SIGTERM during the last delivery cuts nothing off: hypercorn sends it then."""
    fake.always(SLOW)
    program = """
    provider = register(flush_on_sigterm=True)
    for number in range(3):
        run_agent(provider.get_tracer("app"))
    say("ready")
    """
    with start(fake, program, first=first, PYTHONWARNINGS="") as child:
        assert child.stdout.readline() == "ready\n"
        assert fake.wait_for(lambda _: fake.requests)
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=30)
    assert complaints == ""
    assert child.returncode in (0, -signal.SIGTERM)
    assert len(fake.tasks) == 3


def test_a_signal_in_the_loop_of_gevent(fake):
    """Gevent runs handlers in its loop, where nothing may wait: the flush does not."""
    fake.always(SLOW)
    program = """
    import gevent
    provider = register(flush_on_sigterm=True)
    for number in range(3):
        run_agent(provider.get_tracer("app"))
    say("ready")
    gevent.sleep(20)
    """
    with start(fake, program, first=PATCH, PYTHONWARNINGS="") as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=30)
    assert complaints == ""
    assert child.returncode == -signal.SIGTERM
    assert len(fake.tasks) == 3
