"""An exception may interrupt a flush: Ctrl-C in a notebook, or the time limit of a job."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infinium_otel.testing import FakeInfinium

PROGRAM = """
import json, logging, os, sys
from opentelemetry.sdk.trace import TracerProvider
from infinium_otel import InfiniumSpanProcessor

logging.disable(logging.CRITICAL)
settings, spool = sys.argv[1:3]
settings = json.loads(settings) | {"requests_per_second": 10_000, "burst": 1_000}
if spool:
    settings["spool"] = spool
provider = TracerProvider(shutdown_on_exit=False)
handle = InfiniumSpanProcessor(**settings)
handle._runner.worker.wake = lambda: True  # the flushing thread does everything
provider.add_span_processor(handle)
tracer = provider.get_tracer("interrupted")
packages = [
    os.path.join("infinium_otel", name)
    for name in ("dialects", "mapping", "records", "redaction", "taskdata")
]
interrupted, ended = set(), 0

def end_run():
    global ended
    agent, chat = [{"gen_ai.operation.name": name} for name in ("invoke_agent", "chat")]
    with tracer.start_as_current_span(f"run {ended}", attributes=agent):
        with tracer.start_as_current_span("call", attributes=chat):
            pass
    ended += 1

def interrupt_function(frame, *_):
    path = frame.f_code.co_filename
    if any(name in path for name in packages) and frame.f_code not in interrupted:
        interrupted.add(frame.f_code)
        raise KeyboardInterrupt

end_run()
assert handle.force_flush(60_000)  # imports
before = -1
while len(interrupted) > before:
    before = len(interrupted)
    end_run()
    end_run()
    sys.settrace(interrupt_function)
    try:
        handle.force_flush(30_000)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
is_delivered = handle.force_flush(30_000)
print(json.dumps([len(interrupted), ended, is_delivered]), flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["memory", "spool"])
def test_the_next_flush_goes_on(storage, tmp_path):
    """Whichever function of the mapping is interrupted: every run arrives, and whole."""
    spool = str(tmp_path / "spool.db") if storage == "spool" else ""
    with FakeInfinium() as fake:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(fake.settings), spool],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        runs = {task["name"]: len(task["steps"]) for task in fake.tasks}
    assert done.stdout, done.stderr[-5_000:]
    interrupted, ended, is_delivered = json.loads(done.stdout)
    assert interrupted > 100
    assert is_delivered
    assert runs == {f"run {number}": 1 for number in range(ended)}
