"""A signal handler may interrupt any call of ours, and call any of them itself.

Python runs it in the main thread between two bytecodes, so whatever that thread holds is
held until the handler returns. Source: rajfirke/provena#42, vm0-ai/vm0#22417.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infinium_otel.testing import FakeInfinium

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="there is no such timer"
)

PROGRAM = """
import faulthandler, itertools, json, logging, os, signal, sys, time
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from infinium_otel import (
    InfiniumClient, InfiniumError, InfiniumSpanExporter, InfiniumSpanProcessor, TaskData,
    register,
)

faulthandler.dump_traceback_later(60, exit=True)
logging.disable(logging.CRITICAL)
interrupted, called, settings, spool = sys.argv[1:5]
settings = json.loads(settings) | {"requests_per_second": 1000}
if spool:
    settings["spool"] = spool
provider = TracerProvider(shutdown_on_exit=False)
if interrupted == "export":
    handle = InfiniumSpanExporter(**settings)
    provider.add_span_processor(SimpleSpanProcessor(handle))
else:
    handle = InfiniumSpanProcessor(**settings)
    provider.add_span_processor(handle)
tracer = provider.get_tracer("signals")
client = InfiniumClient(
    settings["agent_id"], settings["agent_secret"], base_url=settings["base_url"],
    requests_per_second=1000,
)
task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0)
ended = {"main": 0, "handler": 0}
unrecorded = 0

def end_span(name="main"):
    global unrecorded
    attributes = {"gen_ai.operation.name": "chat"}
    with tracer.start_as_current_span(name, attributes=attributes) as span:
        unrecorded += not span.is_recording()
    ended[name] += 1

def flush():
    end_span()
    handle.force_flush(100)

def get_prompt():
    try:
        client.get_prompt("p", "k")
    except InfiniumError:
        pass

CALLS = {
    "end": end_span,
    "export": end_span,
    "flush": flush,
    "stats": lambda: handle.stats,
    "register": lambda: register(set_global=False, **settings),
    "prompt": get_prompt,
    "send": lambda: client.send_task_data(task),
    "shutdown": handle.shutdown,
    "handler": lambda: end_span("handler"),
}
calls = itertools.cycle([CALLS[name] for name in called.split()])
handled = 0

def handle_signal(*_):
    global handled
    next(calls)()
    handled += 1
    signal.setitimer(signal.ITIMER_REAL, 0.0007)  # the next one, once this has returned

signal.signal(signal.SIGALRM, handle_signal)
signal.setitimer(signal.ITIMER_REAL, 0.0007)
until_s = time.monotonic() + 8
while handled < 80 and time.monotonic() < until_s:
    CALLS[interrupted]()
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print("returned", unrecorded, handle.stats.received == sum(ended.values()), flush=True)
os._exit(0)
"""
ALL = "handler stats flush send register prompt"


def run(*arguments, spool=""):
    """What the program printed; its stacks if it stood still for a minute."""
    with FakeInfinium() as fake:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM,
                *arguments,
                json.dumps(fake.settings),
                str(spool),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stdout.startswith("returned"), done.stderr[-5_000:]
    return done.stdout.split()[1:]


@pytest.mark.parametrize(
    "interrupted", ["end", "export", "flush", "stats", "register", "prompt", "send"]
)
def test_every_call_returns_in_a_handler(interrupted):
    """Whichever call it interrupts: neither stands still."""
    # The SDK makes a pool of threads for each provider, and the lock of all pools is not
    # reentrant (CPython, `concurrent.futures.thread._global_shutdown_lock`).
    without = "register" if interrupted == "register" else ""
    run(interrupted, " ".join(name for name in ALL.split() if name != without))


@pytest.mark.parametrize("interrupted", ["export", "flush"])
def test_with_a_spool_too(interrupted, tmp_path):
    """There are the locks of the spool and the journal as well."""
    run(interrupted, ALL, spool=tmp_path / "spool.db")


@pytest.mark.parametrize("interrupted", ["export", "flush"])
def test_a_handler_that_shuts_down(interrupted):
    """It does not wait for the call it has interrupted."""
    run(interrupted, "shutdown")


def test_spans_that_end_in_a_handler_during_a_flush_are_recorded():
    """They are no spans of our own work, though it has been interrupted."""
    assert run("flush", "handler") == ["0", "True"]
