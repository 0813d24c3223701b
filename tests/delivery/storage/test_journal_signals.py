"""A signal may interrupt a thread that writes to the journal, and its handler end a span.

Source: rajfirke/provena#42, vm0-ai/vm0#22417: a lock that is not reentrant hangs there.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import faulthandler, os, signal, sys
from opentelemetry.sdk.trace import TracerProvider
from infinium_otel import InfiniumSpanProcessor

faulthandler.dump_traceback_later(60, exit=True)
processor = InfiniumSpanProcessor(
    agent_id="00000000-0000-4000-8000-000000000001", agent_secret="s" * 20,
    base_url="http://127.0.0.1:9", spool=sys.argv[1],
)
provider = TracerProvider()
provider.add_span_processor(processor)
tracer = provider.get_tracer("storm")
ended = {"main": 0, "handler": 0}
is_inside = False

def end_span(name):
    with tracer.start_as_current_span(name, attributes={"gen_ai.operation.name": "chat"}):
        pass
    ended[name] += 1

def handle(*_):
    global is_inside
    if not is_inside:
        is_inside = True
        end_span("handler")
        is_inside = False

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
while ended["handler"] < 1500:
    end_span("main")
signal.setitimer(signal.ITIMER_REAL, 0)
is_safe = processor.force_flush(30_000)
print(is_safe, processor.stats.received == sum(ended.values()), flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such timer")
def test_a_storm_of_signals_whose_handlers_end_spans(tmp_path):
    """Neither hangs, and every span arrives; the lock of the journal was not reentrant."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "spool.db")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["True", "True"], done.stderr[-3_000:]
