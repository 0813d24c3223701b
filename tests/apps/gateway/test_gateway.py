"""`infinium-otel gateway`: OTLP in, tasks out."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infinium_otel.apps import cli, gateway
from infinium_otel.apps.gateway.sink import GatewaySink
from infinium_otel.apps.http.body_limiter import BusyError
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.otlp import from_json
from infinium_otel.runtime import get_shared_runner
from support.corpus import recording
from support.gateway import running_gateway
from support.otlp_requests import agent_span, logs, traces
from support.waiting import wait_until

pytest.importorskip("uvicorn")

RECORDED = recording("genai-openai/tool_loop").spans
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
TOKEN = "geheimes-wort"


def post(url, request, path="/v1/traces", **headers):
    content = json.dumps(request)
    return httpx.post(url + path, content=content, headers={**JSON, **headers})


# -- the process -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trace_becomes_a_task_and_a_stop_drains(fake, number):
    """Accepted spans are delivered before the process exits, with 0."""
    with running_gateway(fake) as running:
        assert post(running.url, RECORDED).status_code == 200
        assert running.stop(number) == 0
        assert running.stderr == ""
    assert len(fake.tasks) == 1
    assert fake.complaints == []


def test_a_trace_across_services_is_one_task(fake):
    """Spans of two processes, each with a root of its own, arrive as one task."""
    server = agent_span(
        1,
        spanId="2" * 16,
        parentSpanId=f"{1:016x}",
        flags=0x300,
        name="in the other service",
    )
    with running_gateway(fake) as running:
        assert post(running.url, traces(server)).is_success
        assert post(running.url, traces(agent_span(1))).is_success
        running.stop()
    (task,) = fake.tasks
    assert task["name"] == "run 1"


def test_health_reports_the_counts(fake):
    """Counts of requests, and where their spans are."""
    with running_gateway(fake, INFINIUM_OTEL_INCLUDE="all") as running:
        post(running.url, traces(agent_span(1), {"name": "no ids"}))
        health = httpx.get(running.url + "/healthz")
        running.stop()
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert health.json()["requests"] == {
        "requests": 1,
        "refused": 0,
        "records": 1,
        "left_out": 1,
        "metrics": 0,
        "by_status": {},
    }
    assert health.json()["mistakes"] == {}
    assert health.json()["stats"]["received"] == 1


def test_undelivered_tasks_are_reported_at_the_end(fake):
    """Without a spool a stop reports how many tasks are lost, and exits with 1."""
    fake.always(503)
    with running_gateway(fake, "--drain-s", "0.2") as running:
        assert post(running.url, traces(agent_span(1))).is_success
        assert running.stop() == 1
        assert "Tasks not delivered: 1" in running.stderr


def test_a_spool_keeps_undelivered_tasks(fake, tmp_path):
    """With a spool the next gateway delivers it, and the exit code is 0."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    fake.always(503)
    with running_gateway(fake, "--drain-s", "0.2", **spool) as running:
        assert post(running.url, traces(agent_span(1))).is_success
        assert running.stop() == 0
        assert "Tasks waiting in" in running.stderr
    fake.always(None)
    with running_gateway(fake, **spool) as running:
        assert fake.wait_for_tasks(1)  # delivered even before requests are served
        assert httpx.get(f"{running.url}/healthz").is_success
        assert running.stop() == 0
    assert len(fake.tasks) == 1


def test_a_killed_gateway_loses_no_accepted_span(fake, tmp_path):
    """With a spool, spans accepted with 200 survive SIGKILL."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    with running_gateway(fake, **spool) as running:
        assert post(running.url, traces(agent_span(1))).is_success
        running.process.kill()
        running.process.wait()
    with running_gateway(fake, **spool) as running:
        assert fake.wait_for_tasks(1)
        running.stop()
    assert [task["name"] for task in fake.tasks] == ["run 1"]


STOPPED_EARLY = """
import os, signal, sys
from infinium_otel.apps import cli
from infinium_otel.apps.gateway import server
run = server.Server.run
def run_late(self, sockets):
    os.kill(os.getpid(), signal.SIGTERM)
    return run(self, sockets)
server.Server.run = run_late
sys.exit(cli.main(["gateway", "--port", "0"]))
"""


def test_a_stop_signal_before_the_server_runs(fake):
    """It is not lost, as one that a handler only ignores is: the gateway ends."""
    settings = {f"INFINIUM_{n.upper()}": value for n, value in fake.settings.items()}
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_EARLY],
        check=False,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"authorization": f"Bearer {TOKEN}"}, 200, id="token"),
        pytest.param({}, 401, id="none"),
    ],
)
def test_a_token_is_required_if_one_is_set(fake, headers, status):
    """On any address; and it does not appear in the output."""
    environ = {"INFINIUM_OTEL_GATEWAY_TOKEN": TOKEN}
    with running_gateway(fake, "--host", "0.0.0.0", **environ) as running:
        url = running.url.replace("0.0.0.0", "127.0.0.1")
        assert post(url, RECORDED, **headers).status_code == status
        running.stop()
        assert TOKEN not in running.stderr


def test_an_unknown_host_name_is_rejected(fake):
    """A page that rebinds its name to 127.0.0.1 gets 421."""
    with running_gateway(fake) as running:
        assert post(running.url, RECORDED, host="evil.example").status_code == 421
        assert post(running.url, RECORDED, host="localhost:1").status_code == 200


# -- real exporters --------------------------------------------------------------------


EXPORTERS = [
    pytest.param("opentelemetry.exporter.otlp.proto.http", id="protobuf"),
    pytest.param("opentelemetry.exporter.otlp.json.http", id="json"),
]


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("package", EXPORTERS)
def test_pythons_own_exporters_deliver(package, compression, fake, monkeypatch):
    """Protobuf and JSON, plain and compressed: a run arrives as one task."""
    exporting = pytest.importorskip(f"{package}.trace_exporter")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    with running_gateway(fake) as running:
        exporter = exporting.OTLPSpanExporter(endpoint=f"{running.url}/v1/traces")
        provider = TracerProvider(resource=Resource({"service.name": "app"}))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("agent")
        facts = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Ada"}
        with tracer.start_as_current_span("invoke_agent Ada", attributes=facts):
            facts = {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 3,
                "gen_ai.usage.output_tokens": 4,
            }
            with tracer.start_as_current_span("chat m", attributes=facts):
                pass
        provider.shutdown()
        running.stop()
    (task,) = fake.tasks
    assert task["name"] == "Ada"
    assert task["llm_usage"]["total_tokens"] == 7


# -- settings --------------------------------------------------------------------------


CREDENTIALS = {
    "INFINIUM_AGENT_ID": "11111111-2222-4333-8444-555555555555",
    "INFINIUM_AGENT_SECRET": "streng-geheim",
}


def test_other_machines_need_a_token():
    """Bound to more than loopback without a token, it does not start."""
    assert gateway.require_token("127.0.0.1", Config()) == ""
    assert gateway.require_token("0.0.0.0", Config(gateway_token=TOKEN)) == TOKEN
    with pytest.raises(InfiniumError, match="INFINIUM_OTEL_GATEWAY_TOKEN"):
        gateway.require_token("0.0.0.0", Config())


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        pytest.param(
            "127.0.0.1", [], {"127.0.0.1", "localhost", "[::1]"}, id="loopback"
        ),
        pytest.param(
            "localhost",
            ["box"],
            {"127.0.0.1", "localhost", "[::1]", "box"},
            id="another-name",
        ),
        pytest.param("0.0.0.0", [], set(), id="any-because-of-the-token"),
        pytest.param(
            "0.0.0.0",
            ["box"],
            {"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "box"},
            id="only-those",
        ),
    ],
)
def test_allowed_hosts(host, allowed, expected):
    """On loopback its names; elsewhere any, unless --allow-host is given."""
    assert gateway.choose_hosts(host, allowed) == expected


@pytest.mark.parametrize(
    ("environ", "arguments", "message"),
    [
        pytest.param({}, [], "agent_secret: missing", id="no-credentials"),
        pytest.param(CREDENTIALS, ["--host", "0.0.0.0"], "GATEWAY_TOKEN", id="token"),
        pytest.param(CREDENTIALS, ["--port", "99999"], "not 99999", id="port"),
        pytest.param(
            {**CREDENTIALS, "INFINIUM_OTEL_GATEWAY_TOKEN": TOKEN},
            ["--host", "256.0.0.1"],
            "cannot listen on",
            id="host",
        ),
    ],
)
def test_an_error_at_the_start_is_one_line(
    environ, arguments, message, monkeypatch, capsys
):
    """The line has the reason, and the exit code is 2."""
    for name in (*CREDENTIALS, "INFINIUM_OTEL_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["gateway", *arguments]) == 2
    stderr = capsys.readouterr().err
    assert message in stderr
    assert stderr.count("\n") == 1


def test_without_the_extra_the_error_names_it(monkeypatch):
    """The error for a missing extra has the `pip install` command."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in ("gateway.server", "http.connections"):
        monkeypatch.delitem(sys.modules, f"infinium_otel.apps.{name}", raising=False)
    arguments = cli.build_parser("gateway").parse_args(["gateway", "--port", "0"])
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        gateway.run(arguments)


# -- backpressure ----------------------------------------------------------------------


@pytest.fixture
def runner(fake):
    made = get_shared_runner(
        Config(**fake.settings, max_queued_tasks=4, requests_per_second=2)
    )
    yield made
    made.shutdown(5)


def records(*numbers):
    return from_json(traces(*map(agent_span, numbers))).records


def test_a_full_queue_rejects_requests(fake, runner):
    """Past the bound requests are rejected; nothing that was accepted is lost."""
    fake.always(503)
    sink = GatewaySink(runner)
    for number in range(1, 5):
        sink.accept(records(number))
        load = runner.load()
        assert load.tasks_queued + load.tasks_open == number
    wait_until(lambda: runner.load().tasks_queued == 4)
    assert runner.load().bytes_queued > 0
    with pytest.raises(BusyError) as busy:
        sink.accept(records(5))
    assert busy.value.retry_after == 0.5
    fake.always(None)
    assert runner.flush(60)
    sink.accept(records(5))
    assert runner.flush(60)
    assert len(fake.tasks) == 5


def test_a_full_gateway_responds_429(fake):
    """With Retry-After, as OTLP requires; once there is room the retry is accepted."""
    fake.always(503)
    small = {
        "INFINIUM_OTEL_MAX_QUEUED_TASKS": "2",
        "INFINIUM_OTEL_LINGER_S": "0.1",
    }
    with running_gateway(fake, **small) as running:
        assert post(running.url, traces(*map(agent_span, (1, 2)))).is_success
        assert fake.wait_for(lambda fake: fake.requests)
        refused = post(running.url, traces(agent_span(3)))
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        fake.always(None)
        assert fake.wait_for_tasks(2)
        while post(running.url, traces(agent_span(3))).status_code == 429:
            pass
        assert running.stop() == 0
    assert len(fake.tasks) == 3


def test_many_senders_at_once_lose_nothing(fake):
    """Rejected senders retry; every run of every sender arrives once."""
    fast = {
        "INFINIUM_OTEL_MAX_QUEUED_TASKS": "20",
        "INFINIUM_OTEL_LINGER_S": "0.5",
        "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
        "INFINIUM_OTEL_BURST": "1000",
        "INFINIUM_OTEL_CONCURRENCY": "2",
    }

    def send(sender):
        retries = 0
        with httpx.Client(base_url=running.url) as client:
            for number in range(20):
                run = traces(agent_span(1000 * sender + number + 1))
                while (reply := client.post("/v1/traces", json=run)).status_code == 429:
                    retries += 1
                assert reply.status_code == 200
        return retries

    with running_gateway(fake, **fast) as running:
        with ThreadPoolExecutor(6) as senders:
            retries = sum(senders.map(send, range(6)))
        assert running.stop() == 0
    assert retries
    assert len(fake.tasks) == len(set(fake.keys)) == 120


def test_a_failing_spool_does_not_reject_requests(fake, tmp_path):
    """Tasks then wait, and are counted, in memory."""
    spool = tmp_path / "other.db"
    connection = sqlite3.connect(spool)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    fake.always(503)
    made = get_shared_runner(Config(**fake.settings, spool=str(spool)))
    GatewaySink(made).accept(records(1))
    wait_until(lambda: made.load().bytes_queued > 0)
    fake.always(None)
    made.shutdown(5)
    assert len(fake.tasks) == 1


def test_a_stopping_gateway_rejects_requests(runner):
    """A request that arrives while it drains must be retried later."""
    runner.shutdown(5)
    with pytest.raises(BusyError):
        GatewaySink(runner).accept(records(1))


HELLO = {
    "traceId": f"{1:032x}",
    "spanId": f"{1:016x}",
    "timeUnixNano": "1",
    "eventName": "gen_ai.user.message",
    "body": {
        "kvlistValue": {
            "values": [{"key": "content", "value": {"stringValue": "Hallo?"}}]
        }
    },
}


def test_log_events_join_their_spans(fake, runner):
    """A record sent to `/v1/logs` becomes part of its span's task."""
    sink = GatewaySink(runner)
    sink.accept(from_json(logs(HELLO)).records)
    sink.accept(records(1))
    assert runner.flush(60)
    (task,) = fake.tasks
    assert "Hallo?" in json.dumps(task)


def test_log_events_survive_a_kill(fake, tmp_path):
    """With a spool log events are on disk, as their spans are."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    with running_gateway(fake, **spool) as running:
        assert post(running.url, logs(HELLO), "/v1/logs").is_success
        assert post(running.url, traces(agent_span(1))).is_success
        running.process.kill()
        running.process.wait()
    with running_gateway(fake, **spool) as running:
        assert fake.wait_for_tasks(1)
        running.stop()
    (task,) = fake.tasks
    assert "Hallo?" in json.dumps(task)
