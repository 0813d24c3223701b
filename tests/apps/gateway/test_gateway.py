"""`infinium-otel gateway`: OTLP in, tasks out."""

from __future__ import annotations

import json
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infinium_otel.apps import cli, gateway
from infinium_otel.apps.bodies import BusyError
from infinium_otel.apps.gateway.intake import Intake
from infinium_otel.bridge import shared_bridge
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.otlp import from_json
from support.corpus import recording
from support.gateway import running_gateway
from support.otlp_requests import agent_span, logs, traces

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
    """What was taken is delivered before the process ends, and it ends with 0."""
    with running_gateway(fake) as running:
        assert post(running.url, RECORDED).status_code == 200
        assert running.stop(number) == 0
        assert running.said == ""
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


def test_health_says_what_happened(fake):
    """Requests and where their spans are, for whoever watches."""
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
    }
    assert health.json()["stats"]["received"] == 1


def test_what_could_not_be_delivered_is_told_at_the_end(fake):
    """Without a spool a stop says how many tasks are lost, and exits 1."""
    fake.always(503)
    with running_gateway(fake, "--drain-s", "0.2") as running:
        assert post(running.url, traces(agent_span(1))).is_success
        assert running.stop() == 1
        assert "Tasks not delivered: 1" in running.said


def test_a_spool_keeps_what_could_not_be_delivered(fake, tmp_path):
    """With a spool the next gateway delivers it, and the exit code is 0."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    fake.always(503)
    with running_gateway(fake, "--drain-s", "0.2", **spool) as running:
        assert post(running.url, traces(agent_span(1))).is_success
        assert running.stop() == 0
        assert "Tasks waiting in" in running.said
    fake.always(None)
    with running_gateway(fake, **spool) as running:
        assert fake.wait_for_tasks(1)
        assert running.stop() == 0
    assert len(fake.tasks) == 1


def test_a_killed_gateway_has_lost_nothing_it_took(fake, tmp_path):
    """With a spool, spans that were answered with 200 survive SIGKILL."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    with running_gateway(fake, **spool) as running:
        assert post(running.url, traces(agent_span(1))).is_success
        running.process.kill()
        running.process.wait()
    with running_gateway(fake, **spool) as running:
        assert fake.wait_for_tasks(1)
        running.stop()
    assert [task["name"] for task in fake.tasks] == ["run 1"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"authorization": f"Bearer {TOKEN}"}, 200, id="token"),
        pytest.param({}, 401, id="none"),
    ],
)
def test_a_token_is_asked_for_where_one_is_set(fake, headers, status):
    """On any address; and it is shown nowhere."""
    environ = {"INFINIUM_OTEL_GATEWAY_TOKEN": TOKEN}
    with running_gateway(fake, "--host", "0.0.0.0", **environ) as running:
        url = running.url.replace("0.0.0.0", "127.0.0.1")
        assert post(url, RECORDED, **headers).status_code == status
        running.stop()
        assert TOKEN not in running.said


def test_a_name_that_is_not_ours_is_refused(fake):
    """A page that rebinds its name to 127.0.0.1 gets no answer."""
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


def test_others_may_send_only_with_a_token():
    """Bound to more than loopback without a token, it does not start."""
    assert gateway.token_for("127.0.0.1", Config()) == ""
    assert gateway.token_for("0.0.0.0", Config(gateway_token=TOKEN)) == TOKEN
    with pytest.raises(InfiniumError, match="INFINIUM_OTEL_GATEWAY_TOKEN"):
        gateway.token_for("0.0.0.0", Config())


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
def test_names_it_answers_to(host, allowed, expected):
    """On loopback its names; elsewhere any, as the token decides, unless told."""
    assert gateway.hosts_for(host, allowed) == expected


@pytest.mark.parametrize(
    ("environ", "arguments", "message"),
    [
        pytest.param({}, [], "agent_secret: missing", id="no-credentials"),
        pytest.param(CREDENTIALS, ["--host", "0.0.0.0"], "GATEWAY_TOKEN", id="token"),
        pytest.param(CREDENTIALS, ["--port", "99999"], "port 99999", id="port"),
        pytest.param(
            {**CREDENTIALS, "INFINIUM_OTEL_GATEWAY_TOKEN": TOKEN},
            ["--host", "256.0.0.1"],
            "cannot listen on",
            id="host",
        ),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    environ, arguments, message, monkeypatch, capsys
):
    """It says why, and exits 2."""
    for name in (*CREDENTIALS, "INFINIUM_OTEL_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["gateway", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    """A missing extra says which `pip install` mends it."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    monkeypatch.delitem(
        __import__("sys").modules, "infinium_otel.apps.gateway.server", raising=False
    )
    arguments = cli.parser("gateway").parse_args(["gateway", "--port", "0"])
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        gateway.run(arguments)


# -- backpressure ----------------------------------------------------------------------


@pytest.fixture
def bridge(fake):
    made = shared_bridge(
        Config(**fake.settings, max_queued_tasks=4, requests_per_second=2)
    )
    yield made
    made.shutdown(5)


def records(*numbers):
    return from_json(traces(*map(agent_span, numbers))).records


def test_who_sends_more_than_can_go_out_is_asked_to_wait(fake, bridge):
    """Past three quarters of the queue nothing is taken, and nothing taken is lost."""
    fake.always(503)
    intake = Intake(bridge)
    for number in range(1, 4):
        intake.accept(records(number))
        assert bridge.load().tasks_queued == number
    assert bridge.load().bytes_queued > 0
    with pytest.raises(BusyError) as busy:
        intake.accept(records(4))
    assert busy.value.retry_after == 0.375
    fake.always(None)
    assert bridge.flush(10)
    intake.accept(records(4))
    assert bridge.flush(10)
    assert len(fake.tasks) == 4


def test_a_full_gateway_answers_429(fake):
    """With Retry-After, as OTLP asks; once there is room the same is taken."""
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
    """Who is asked to wait sends again; every run of every sender arrives once."""
    fast = {
        "INFINIUM_OTEL_MAX_QUEUED_TASKS": "20",
        "INFINIUM_OTEL_LINGER_S": "0.5",
        "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
        "INFINIUM_OTEL_BURST": "1000",
        "INFINIUM_OTEL_CONCURRENCY": "2",
    }

    def send(sender):
        asked_to_wait = 0
        with httpx.Client(base_url=running.url) as client:
            for number in range(20):
                run = traces(agent_span(1000 * sender + number + 1))
                while (reply := client.post("/v1/traces", json=run)).status_code == 429:
                    asked_to_wait += 1
                assert reply.status_code == 200
        return asked_to_wait

    with running_gateway(fake, **fast) as running:
        with ThreadPoolExecutor(6) as senders:
            asked_to_wait = sum(senders.map(send, range(6)))
        assert running.stop() == 0
    assert asked_to_wait
    assert len(fake.tasks) == len(set(fake.keys)) == 120


def test_a_spool_that_fails_is_no_reason_to_refuse(fake, tmp_path):
    """What waits is counted in memory then, where it goes."""
    spool = tmp_path / "other.db"
    connection = sqlite3.connect(spool)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    fake.always(503)
    made = shared_bridge(Config(**fake.settings, spool=str(spool)))
    Intake(made).accept(records(1))
    assert made.load().bytes_queued > 0
    fake.always(None)
    made.shutdown(5)
    assert len(fake.tasks) == 1


def test_a_gateway_that_stops_takes_nothing(bridge):
    """A request that comes in while it drains is to be sent to the next."""
    bridge.shutdown(5)
    with pytest.raises(BusyError):
        Intake(bridge).accept(records(1))


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


def test_log_events_join_their_spans(fake, bridge):
    """A record at `/v1/logs` that belongs to a span is part of its task."""
    intake = Intake(bridge)
    intake.accept(from_json(logs(HELLO)).records)
    intake.accept(records(1))
    assert bridge.flush(10)
    (task,) = fake.tasks
    assert "Hallo?" in json.dumps(task)


def test_log_events_survive_a_kill(fake, tmp_path):
    """With a spool they are on disk as their spans are."""
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
