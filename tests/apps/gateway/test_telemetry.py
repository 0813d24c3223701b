"""What the gateway shows of itself, through its real `--listen`."""

from __future__ import annotations

import json
import re
import sysconfig
from pathlib import Path

import httpx
import pytest

from support.gateway import running_gateway
from support.otlp_requests import agent_span, traces
from support.waiting import wait_until

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

LISTEN = ("--listen", "127.0.0.1:0")


def get(gateway, path):
    url = re.match(r"http://\S+:\d+", gateway.addresses["Probes"]).group()
    return httpx.get(url + path)


def read_metrics(gateway):
    lines = get(gateway, "/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def send(gateway, *numbers):
    request = traces(*map(agent_span, numbers))
    return httpx.post(f"{gateway.url}/v1/traces", json=request)


def test_the_numbers_of_a_gateway(fake):
    """Requests, spans, attempts by status and delivered tasks."""
    with running_gateway(fake, *LISTEN, INFINIUM_OTEL_LINGER_S="0.1") as gateway:
        assert send(gateway, 1, 2).is_success
        assert fake.wait_for_tasks(2)
        wait_until(lambda: read_metrics(gateway)["infinium_tasks_queued"] == 0)
        numbers = read_metrics(gateway)
        assert gateway.stop() == 0
    assert numbers["infinium_gateway_requests_total"] == 1
    assert numbers["infinium_spans_received_total"] == 2
    assert numbers["infinium_spans_delivered_total"] == 2
    assert numbers["infinium_tasks_delivered_total"] == 2
    assert numbers["infinium_runs_open"] == 0
    (attempts,) = (
        v for n, v in numbers.items() if n.startswith("infinium_attempts_total")
    )
    assert attempts == 2
    assert numbers['infinium_delivery_state{state="closed"}'] == 1
    assert numbers["process_resident_memory_bytes"] > 0


def test_open_runs_are_shown(fake):
    """A run whose root has not ended is open, with its age and size."""
    with running_gateway(fake, *LISTEN) as gateway:
        child = agent_span(1, parentSpanId="9" * 16)
        assert httpx.post(f"{gateway.url}/v1/traces", json=traces(child)).is_success
        wait_until(lambda: read_metrics(gateway)["infinium_runs_open_age_seconds"] > 0)
        numbers = read_metrics(gateway)
        gateway.stop()
    assert numbers["infinium_runs_open"] == numbers["infinium_spans_open"] == 1
    assert numbers["infinium_runs_open_size_bytes"] > 0


def test_ready_while_what_is_sent_is_accepted(fake):
    """Refused credentials without a spool make it unready, with the reason; it lives on."""
    with running_gateway(fake, *LISTEN, INFINIUM_OTEL_LINGER_S="0.1") as gateway:
        assert get(gateway, "/readyz").text == "ok\n"
        fake.always(401)
        assert send(gateway, 1).is_success
        wait_until(lambda: get(gateway, "/readyz").status_code == 503)
        assert "credentials" in get(gateway, "/readyz").text
        assert get(gateway, "/livez").text == "ok\n"


def test_with_a_spool_it_stays_ready(fake, tmp_path):
    """What cannot be sent is safe on disk."""
    settings = {
        "INFINIUM_OTEL_LINGER_S": "0.1",
        "INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db"),
    }
    fake.always(503)
    with running_gateway(fake, *LISTEN, **settings) as gateway:
        assert send(gateway, 1).is_success
        state = 'infinium_delivery_state{state="unavailable"}'
        wait_until(lambda: read_metrics(gateway)[state] == 1)
        assert get(gateway, "/readyz").status_code == 200


def test_the_log_as_json(fake):
    """Every line on stderr is an object with level and message."""
    fake.always(503)
    with running_gateway(fake, "--log-format", "json", "--drain-s", "0.2") as gateway:
        assert send(gateway, 1).is_success
        gateway.stop()
        lines = [line for line in gateway.stderr.splitlines() if line.startswith("{")]
        messages = [json.loads(line)["message"] for line in lines]
    assert any("Infinium is unavailable (503)" in each for each in messages)


def test_the_same_numbers_through_opentelemetry(fake):
    """Started by `opentelemetry-instrument`, its meter provider gets them."""
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    launcher = [Path(sysconfig.get_path("scripts")) / "opentelemetry-instrument"]
    environ = {
        "OTEL_METRICS_EXPORTER": "console",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    with running_gateway(fake, launcher=launcher, **environ) as gateway:
        assert send(gateway, 1).is_success
        assert gateway.stop() == 0
    for name in ("infinium.spans.received", "infinium.gateway.requests"):
        assert f'"name": "{name}"' in gateway.stdout


def read_rate(gateway):
    return float(read_metrics(gateway)["infinium_rate_allowed"])


def test_the_rate_follows_what_the_service_accepts(fake):
    """It rises while runs wait; a rate that is set is a ceiling from the start."""
    quick = {"INFINIUM_OTEL_TASK_PER": "root"}
    runs = [agent_span(number) for number in range(1, 101)]
    with running_gateway(fake, *LISTEN, **quick) as gateway:
        assert read_rate(gateway) == 10
        httpx.post(f"{gateway.url}/v1/traces", json=traces(*runs), timeout=30)
        assert fake.wait_for_tasks(100, 60)
        assert read_rate(gateway) > 10
        assert gateway.stop() == 0
    limit = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "3"}
    with running_gateway(fake, *LISTEN, **quick | limit) as gateway:
        assert read_rate(gateway) == 3
