"""Verdicts over kills, restarts and outages, seen by an OTLP receiver elsewhere."""

from __future__ import annotations

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.programs import WAIT_S, start
from support.waiting import wait_until

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
requests = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs signals", allow_module_level=True)

RUNS = 12
PROGRAM = """
from opentelemetry import _logs
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from infinium_otel.runtime import verdict_follower
verdict_follower.POLLS_S, verdict_follower.LEASE_S = (0.0, 0.02), -29.0
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
_logs.set_logger_provider(logs)
p = register(verdicts=True)
for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
    run_agent(p.get_tracer("t"), f"run{number}")
p.force_flush()
say("sent")
sys.stdin.readline()
"""


@pytest.fixture
def receiver():
    """An OTLP receiver: its URL, and the events it got, by the trace and their id."""
    events = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.endswith("logs"):
                events.extend(read_events(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/logs", events
    server.shutdown()
    server.server_close()


def read_events(body):
    """The log records in the body of an OTLP request."""
    request = requests.ExportLogsServiceRequest.FromString(body)
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            yield from scope.log_records


def get_id(event):
    (found,) = [
        each.value.string_value
        for each in event.attributes
        if each.key == "infinium.evaluation.id"
    ]
    return found


def get_trace_id(task):
    return task["environment"]["custom_tags"]["otel.trace_id"]


def count_ids(events):
    """How many evaluations arrived, each counted once."""
    return len({get_id(event) for event in events})


def launch(fake, url, spool, runs=0, **variables):
    return start(
        fake,
        PROGRAM.replace("int(sys.argv[1]) if len(sys.argv) > 1 else 0", str(runs)),
        INFINIUM_OTEL_SPOOL=str(spool),
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=url,
        PYTHONWARNINGS="default",
        **variables,
    )


def test_each_run_is_judged_once(fake, receiver, tmp_path):
    """Killed processes and an outage leave one evaluation per run, in the run's own trace.

    A kill between an export and its note in the spool repeats the event, with the same id.
    """
    url, events = receiver
    spool = tmp_path / "spool.db"
    judged = set()
    fake.interpret = lambda task: (
        {"score": 1.0} if get_trace_id(task) in judged else None
    )
    with launch(fake, url, spool, RUNS) as first:
        first.stdout.readline()
        assert fake.wait_for_tasks(RUNS, WAIT_S)
        traces = [get_trace_id(task) for task in fake.tasks]
        judged.update(traces[:4])
        wait_until(lambda: count_ids(events) == 4, WAIT_S)
        first.send_signal(signal.SIGKILL)
    fake.close()
    with launch(fake, url, spool) as second:  # during an outage
        second.stdout.readline()
        second.send_signal(signal.SIGKILL)
    fake.start()
    judged.update(traces[:8])
    with launch(fake, url, spool) as third:
        wait_until(lambda: count_ids(events) >= 8, WAIT_S)
        third.communicate("\n", timeout=WAIT_S)
    assert third.returncode == 0
    judged.update(traces)
    with launch(fake, url, spool) as fourth:
        wait_until(lambda: count_ids(events) >= RUNS, WAIT_S)
        fourth.communicate("\n", timeout=WAIT_S)
    evaluations = {get_id(event): event for event in events}.values()
    tags = [task["environment"]["custom_tags"] for task in fake.tasks]
    expected = [(each["otel.trace_id"], each["otel.root_span_id"]) for each in tags]
    found = [(event.trace_id.hex(), event.span_id.hex()) for event in evaluations]
    assert sorted(found) == sorted(expected)
    assert len(events) - RUNS <= 2  # one for each kill


BESIDE = """
from infinium_otel.runtime import verdict_follower
from infinium_otel.apps import cli, verdicts
verdict_follower.POLLS_S, verdict_follower.LEASE_S = (0.0, 0.02), -29.0
verdicts.LOOK_S = 0.05
raise SystemExit(cli.main(["verdicts", *sys.argv[1:]]))
"""


def test_a_process_beside_the_application(fake, receiver, tmp_path):
    """It exports each verdict of an application that has ended, over a kill of its own."""
    url, events = receiver
    spool = str(tmp_path / "spool.db")
    judged = set()
    fake.interpret = lambda task: (
        {"score": 1.0} if get_trace_id(task) in judged else None
    )
    places = {"INFINIUM_OTEL_SPOOL": spool, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": url}
    places["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = url.replace("logs", "metrics")
    with launch(
        fake, url, spool, RUNS, INFINIUM_OTEL_VERDICTS_IN_PROCESS="0"
    ) as program:
        program.communicate("\n", timeout=WAIT_S)
    assert {each.method for each in fake.requests} == {"POST"}
    traces = [get_trace_id(task) for task in fake.tasks]
    judged.update(traces[:4])
    beside = BESIDE.replace("*sys.argv[1:]", "'--follow'")
    with start(fake, beside, PYTHONWARNINGS="default", **places) as first:
        wait_until(lambda: count_ids(events) == 4, WAIT_S)
        first.kill()
    judged.update(traces)
    with start(fake, BESIDE, PYTHONWARNINGS="default", **places) as second:
        _, err = second.communicate(timeout=WAIT_S)
    assert second.returncode == 0, err
    assert count_ids(events) == RUNS
    assert sorted({event.trace_id.hex() for event in events}) == sorted(traces)
    assert len(events) - RUNS <= 1  # one for the kill
