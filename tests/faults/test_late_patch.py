"""Programs that gevent or eventlet patches: first, or after `register()`."""

from __future__ import annotations

import pytest

from infinium_otel.testing import FakeInfinium
from support.loopback import server_context
from support.programs import WAIT_S, processing, run, start


def test_under_gevent(fake):
    """Under gevent's monkey-patching everything is a greenlet, and works the same."""
    pytest.importorskip("gevent")
    program = """
    p = register()
    t = p.get_tracer("t")
    import gevent
    jobs = [gevent.spawn(run_agent, t, f"run{n}") for n in range(10)]
    gevent.joinall(jobs)
    assert p.force_flush()
    p.shutdown()
    """
    code, _, complaints = run(
        fake,
        program,
        first="from gevent import monkey; monkey.patch_all()\n",
        PYTHONWARNINGS="ignore",
    )
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == 10


PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
USED = "run_agent(t, 'early'); p.force_flush()"
"""Starts our threads, which are native then, and opens a connection."""

NOT_GREENED = (
    "1 RLock(s) were not greened, to fix this error make sure you run "
    "eventlet.monkey_patch() before importing any other modules."
)
"""What eventlet prints whenever it patches late, whichever lock it is."""

LATE = """
p = register({settings})
t = p.get_tracer("t")
{before}
{patch}
slowest = []
def request(number):
    began = time.monotonic()
    run_agent(t, f"run{{number}}")
    slowest.append(time.monotonic() - began)
threads = [threading.Thread(target=request, args=(n,)) for n in range({requests})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert p.force_flush()
p.shutdown()
say(max(slowest[len(slowest) // 2:]))
"""


def run_late(fake, library, **parts):
    """Run `LATE`; the keys of *parts* that are not its own are variables."""
    pytest.importorskip(library)
    fields = {"settings": "", "before": "", "requests": 200}
    program = {key: parts.pop(key, value) for key, value in fields.items()}
    program = LATE.format(patch=PATCHES[library], **program)
    code, output, complaints = run(fake, program, PYTHONWARNINGS="ignore", **parts)
    complaints = complaints.replace(NOT_GREENED, "").strip()
    assert (code, complaints) == (0, "")
    assert float(output) < 2


@pytest.mark.parametrize(
    ("library", "before"),
    [("gevent", ""), ("gevent", USED), ("eventlet", "")],
    ids=["gevent", "gevent-used", "eventlet"],
)
@pytest.mark.parametrize("has_spool", [False, True], ids=["memory", "spool"])
def test_patched_after_register(fake, spool, library, before, has_spool):
    """Patched late, native locks and threads of ours never stop the green threads."""
    expected = 200 + bool(before)
    settings = "spool=os.environ['SPOOL']" if has_spool else ""
    run_late(fake, library, before=before, settings=settings, SPOOL=spool)
    if has_spool:  # what an exit finds in the spool, the next process delivers
        with processing(fake, spool=spool) as (_, provider, _):
            assert provider.force_flush(60_000)
            assert fake.wait_for_tasks(expected, WAIT_S)
    assert len(fake.keys) == len(set(fake.keys)) == expected


@pytest.mark.parametrize("library", PATCHES)
def test_tls_from_before_the_patch(library):
    """A TLS context that was used before is not used again: gevent's sockets refuse it."""
    before = USED if library == "gevent" else ""
    with FakeInfinium(ssl_context=server_context()) as fake:
        run_late(fake, library, before=before, requests=5, INFINIUM_VERIFY_SSL="false")
        assert len(fake.tasks) == 5 + bool(before)


def test_a_run_after_the_patch_needs_no_flush(fake):
    """Native threads hand over to green ones, which end when there is nothing to do."""
    pytest.importorskip("gevent")
    program = f"""
    p = register()
    t = p.get_tracer("t")
    {USED}
    {PATCHES["gevent"]}
    import gevent
    gevent.spawn(run_agent, t, "late")
    gevent.wait()
    say("waited")
    os._exit(0)
    """
    with start(fake, program, PYTHONWARNINGS="ignore") as child:
        try:
            assert child.communicate(timeout=WAIT_S) == ("waited\n", "")
        finally:
            child.kill()
    assert len(fake.tasks) == 2
