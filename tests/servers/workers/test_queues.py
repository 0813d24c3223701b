"""Celery, RQ and Dramatiq, with their real workers; RQ and Dramatiq on a real Redis."""

from __future__ import annotations

import re
import signal

import pytest

from infinium_otel.testing import Fault
from support.workers import WAIT_S, names

SLOW = Fault(delay_s=0.2, store=True)

CELERY = """
from celery import Celery
{before}
app = Celery("tasks", broker="filesystem://", backend=None)
app.conf.update(
    broker_transport_options={{
        "data_folder_in": "queue", "data_folder_out": "queue",
        "processed_folder": "done", "store_processed": False,
    }},
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
@app.task
def run(name):
    {inside}
    run_agent(trace.get_tracer("t"), name)
"""


@pytest.mark.parametrize(
    ("before", "inside", "options"),
    [
        pytest.param(
            "register()",
            "pass",
            ["--pool=prefork", "--max-tasks-per-child=1"],
            id="recycled",
        ),
        pytest.param(
            "",
            "register()",
            ["--pool=prefork", "--max-tasks-per-child=1"],
            id="recycled-registered-in-the-task",
        ),
        pytest.param("register()", "pass", ["--pool=threads"], id="threads"),
    ],
)
def test_celery(fake, programs, before, inside, options):
    """Children that are recycled after each task deliver its run before they end.

    open-telemetry/opentelemetry-python-contrib#4916, getsentry/sentry-python#285,
    DataDog/dd-trace-py#6663, openai/openai-agents-python#2135
    """
    (programs.folder / "queue").mkdir()
    programs.write("tasks.py", CELERY.format(before=before, inside=inside))
    sent = "import tasks\nfor n in range(3): tasks.run.delay(f'run{n}')"
    assert programs.run("-c", sent) == (0, "")
    fake.always(SLOW)
    command = ["-m", "celery", "-A", "tasks", "worker", "-c1", "-l", "error"]
    with programs.start(*command, *options) as worker:
        try:
            assert fake.wait_for_tasks(3, WAIT_S)
        finally:
            worker.terminate()
            output, _ = worker.communicate(timeout=WAIT_S)
    assert names(fake) == ["run0", "run1", "run2"]
    assert "Traceback" not in output


RUN = 'def run(name):\n    run_agent(trace.get_tracer("t"), name)\n'
BATCH = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from infinium_otel import InfiniumSpanExporter
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(InfiniumSpanExporter()))
trace.set_tracer_provider(provider)
"""


@pytest.mark.parametrize(
    ("jobs", "worker"),
    [
        pytest.param("register()\n" + RUN, "Worker", id="forked"),
        pytest.param(
            RUN.replace("trace.get_tracer", "register().get_tracer"),
            "Worker",
            id="set-up-in-the-job",
        ),
        pytest.param("register()\n" + RUN, "SpawnWorker", id="spawned"),
        pytest.param("register()\n" + RUN, "SimpleWorker", id="simple"),
        pytest.param(
            BATCH + RUN + "    provider.force_flush()\n", "Worker", id="batch-flushed"
        ),
    ],
)
def test_rq(fake, programs, redis_port, jobs, worker):
    """A job's process ends by `os._exit`: the end of its run waits for the delivery.

    frappe/frappe#43036
    """
    fake.always(SLOW)
    programs.write("jobs.py", jobs)
    sent = f"""
    import redis, rq, jobs
    queue = rq.Queue(connection=redis.Redis(port={redis_port}))
    for number in range(3):
        queue.enqueue(jobs.run, f"run{{number}}")
    """
    assert programs.run(programs.write("send.py", sent, head=""))[0] == 0
    command = [
        "-m",
        "rq.cli",
        "worker",
        "--burst",
        "--worker-class",
        f"rq.worker.{worker}",
    ]
    address = f"redis://127.0.0.1:{redis_port}"
    code, output = programs.run(*command, "--url", address, "--quiet")
    assert code == 0, output
    assert names(fake) == ["run0", "run1", "run2"], output
    assert "Traceback" not in output


def test_an_outage_does_not_hold_rq(fake, programs, redis_port):
    """With a dead endpoint a job waits 5 s at most, once; the loss is counted."""
    fake.close()
    text = """
    provider = register()
    def run():
        for number in range(6):
            began = time.monotonic()
            run_agent(trace.get_tracer("t"), f"run{number}")
            print("seconds", time.monotonic() - began, flush=True)
    """
    programs.write("jobs.py", text)
    sent = f"""
    import redis, rq, jobs
    rq.Queue(connection=redis.Redis(port={redis_port})).enqueue(jobs.run)
    """
    assert programs.run(programs.write("send.py", sent, head=""))[0] == 0
    command = ["-m", "rq.cli", "worker", "--burst", "--quiet"]
    code, output = programs.run(*command, "--url", f"redis://127.0.0.1:{redis_port}")
    assert code == 0, output
    first_s, *others_s = (float(each) for each in re.findall(r"seconds (\S+)", output))
    assert sum(others_s) < 2 * first_s
    assert "Infinium is unavailable" in output


DRAMATIQ = """
import dramatiq
from dramatiq.brokers.redis import RedisBroker
dramatiq.set_broker(RedisBroker(port={port}))
register()
@dramatiq.actor
def run(name):
    run_agent(trace.get_tracer("t"), name)
"""


def test_dramatiq(fake, programs, redis_port):
    """Its processes deliver their last runs when the worker is stopped."""
    programs.write("actors.py", DRAMATIQ.format(port=redis_port))
    sent = "import actors\nfor n in range(3): actors.run.send(f'run{n}')"
    assert programs.run("-c", sent)[0] == 0
    fake.always(SLOW)
    command = ["-m", "dramatiq", "actors", "--processes", "1", "--threads", "2"]
    with programs.start(*command) as worker:
        try:
            assert fake.wait_for_tasks(3, WAIT_S)
        finally:
            worker.send_signal(signal.SIGTERM)
            output, _ = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 0, output
    assert names(fake) == ["run0", "run1", "run2"]
    assert "Traceback" not in output
