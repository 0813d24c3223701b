"""gevent and eventlet, patched before us or after `register()`."""

from __future__ import annotations

import time

import pytest

from infinium_otel.testing import Fault
from support.workers import names

PATCH = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
SPAWN = {
    "gevent": "import gevent\njobs = [gevent.spawn(work, n) for n in range(20)]\n"
    "gevent.joinall(jobs)",
    "eventlet": "import eventlet\npool = eventlet.GreenPool()\n"
    "for n in range(20): pool.spawn(work, n)\npool.waitall()",
}

PROGRAM = """
{first}
import os, sys, time, warnings
warnings.simplefilter("ignore")
from opentelemetry import trace
from infinium_otel import register
from support.programs import run_agent
provider = register()
{then}
longest = 0.0
def work(number):
    global longest
    for _ in range(5):
        began = time.monotonic()
        run_agent(provider.get_tracer("t"), f"run{{number:02}}")
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.01)
{spawn}
began = time.monotonic()
assert provider.force_flush()
provider.shutdown()
print("seconds", time.monotonic() - began, flush=True)
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize("late", [False, True], ids=["first", "late"])
def test_green_threads(fake, programs, library, late):
    """All runs of twenty green threads arrive, and the end waits for no thread.

    open-telemetry/opentelemetry-python#4345
    """
    fake.always(Fault(delay_s=0.01, store=True))
    first, then = ("", PATCH[library]) if late else (PATCH[library], "")
    text = PROGRAM.format(first=first, then=then, spawn=SPAWN[library])
    program = programs.write("program.py", text, head="")
    code, output = programs.run(
        program, INFINIUM_OTEL_CONCURRENCY="4", EVENTLET_HUB="poll"
    )
    assert code == 0, output
    assert len(names(fake)) == 100, output
    assert float(output.rpartition("seconds ")[2]) < 25


ZERO_CODE = """
{first}
import time, warnings
warnings.simplefilter("ignore")
from opentelemetry import trace
from opentelemetry.sdk._configuration import _initialize_components
_initialize_components(setup_logging_handler=False)
{then}
from support.programs import run_agent
run_agent(trace.get_tracer("t"), "run")
from opentelemetry._logs import get_logger, LogRecord
get_logger("t").emit(LogRecord(body="a line"))
print("done", time.time(), flush=True)
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize("late", [False, True], ids=["first", "late"])
def test_both_exporters_without_code(fake, programs, library, late):
    """A worker with both exporters from the environment ends at once."""
    first, then = ("", PATCH[library]) if late else (PATCH[library], "")
    program = programs.write(
        "program.py", ZERO_CODE.format(first=first, then=then), head=""
    )
    code, output = programs.run(
        program,
        OTEL_TRACES_EXPORTER="infinium",
        OTEL_LOGS_EXPORTER="infinium",
        OTEL_METRICS_EXPORTER="none",
    )
    ended_s = time.time()
    assert code == 0, output
    assert names(fake) == ["run"], output
    assert ended_s - float(output.partition("done ")[2].split()[0]) < 20
