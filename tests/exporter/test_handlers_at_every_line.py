"""A signal handler may interrupt any line that is run with a lock of ours held.

`test_signal_handlers.py` interrupts at random; here it is every line once, while other
threads use the same locks: a handler that waits for one of them waits for ever.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infinium_otel.testing import FakeInfinium

PROGRAM = """
import faulthandler, json, logging, os, sys, threading, time
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from infinium_otel import InfiniumSpanExporter, InfiniumSpanProcessor

faulthandler.dump_traceback_later(100, exit=True)
logging.disable(logging.CRITICAL)
interrupted, settings, spool = sys.argv[1:4]
settings = json.loads(settings) | {"requests_per_second": 10_000}
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
runner = handle._runner
journal = runner._journal
ended = 0

def end_span():
    global ended
    span = tracer.start_span("s", attributes={"gen_ai.operation.name": "chat"})
    ended += span.is_recording()  # it is not while this thread writes to the spool
    span.end()

def flush_whenever_interrupted():
    while True:
        interruptions.acquire()
        handle.force_flush(20)

def handle_signal(location):
    interruptions.release()
    time.sleep(0.002)  # the other threads come to the locks
    try:
        end_span()
        handle.stats
        handle.force_flush(20)
    except Exception as error:
        errors.append((location, repr(error)))

def trace_line(frame, event, _):
    if event == "line" and (
        runner.sender.is_held or journal.is_held or runner._lock.is_held
    ):
        location = (frame.f_code.co_filename, frame.f_lineno)
        if location not in seen:
            seen.add(location)
            handle_signal(location)
    return trace_line

def trace_call(frame, *_):
    path = frame.f_code.co_filename
    return trace_line if any(name in path for name in packages) else None

packages = [os.path.join("infinium_otel", name) for name in ("delivery", "runtime")]
interruptions, seen, errors = threading.Semaphore(0), set(), []
threading.Thread(target=flush_whenever_interrupted, daemon=True).start()
before = -1
while len(seen) > before:  # until there is no line that was not interrupted
    before = len(seen)
    handle.force_flush(1_000)  # what handlers have ended
    sys.settrace(trace_call)
    end_span()
    handle.force_flush(30_000)
    sys.settrace(None)
is_complete = handle.stats.received == ended
print(json.dumps([len(seen), errors, is_complete]), flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["memory", "spool"])
@pytest.mark.parametrize("interrupted", ["export", "flush"])
def test_it_may_call_everything(interrupted, storage, tmp_path):
    """Neither waits for ever, nor fails. Source: vm0-ai/vm0#22417."""
    spool = str(tmp_path / "spool.db") if storage == "spool" else ""
    with FakeInfinium() as fake:
        settings = json.dumps(fake.settings)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, interrupted, settings, spool],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stdout, done.stderr[-5_000:]
    lines, errors, is_complete = json.loads(done.stdout)
    assert lines > 100
    assert errors == []
    assert is_complete
