"""A gateway with several processes: what arrives, whatever becomes of one of them."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.gateway import running_gateway
from support.gateway_workers import (
    get_pids,
    get_probe,
    of_workers,
    read_metrics,
    tool_span,
    whole_run,
)
from support.otlp_requests import agent_span, traces
from support.waiting import wait_until

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LISTEN = ("--listen", "127.0.0.1:0")
FAST = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "5000",
    "INFINIUM_OTEL_BURST": "5000",
    "INFINIUM_OTEL_CONCURRENCY": "8",
}
RUNS = 300
SENDERS = 12


def post(gateway, *spans, client=httpx):
    return client.post(f"{gateway.url}/v1/traces", json=traces(*spans), timeout=30)


def send_until_accepted(gateway, spans, client):
    while (reply := post(gateway, *spans, client=client)).status_code == 429:
        pass
    assert reply.status_code == 200, reply.text


def get_steps(task):
    return sorted(step["description"] for step in task["steps"])


def test_runs_of_many_connections_arrive_whole(fake):
    """Spans of 300 runs, mixed over many connections: each run arrives once, and whole.

    Spans of a trace that reach different processes make several traces of it:
    open-telemetry/opentelemetry-collector-contrib#27014. Connections are never divided
    evenly (benoitc/gunicorn#2465), traces are.
    """
    spans = [span for number in range(1, RUNS + 1) for span in whole_run(number)]
    random.Random(15).shuffle(spans)
    batches = [spans[at : at + 20] for at in range(0, len(spans), 20)]

    def send(sender):
        with httpx.Client() as client:
            for batch in batches[sender::SENDERS]:
                send_until_accepted(gateway, batch, client)

    with running_gateway(fake, "--workers", "3", *LISTEN, **FAST) as gateway:
        with ThreadPoolExecutor(SENDERS) as senders:
            list(senders.map(send, range(SENDERS)))
        held = read_metrics(gateway)
        assert fake.wait_for_tasks(RUNS, 60)
        wait_until(
            lambda: read_metrics(gateway)["infinium_tasks_delivered_total"] == RUNS
        )
        numbers = read_metrics(gateway)
        health = httpx.get(f"{gateway.url}/healthz").json()
        assert get_probe(gateway, "/readyz").text == "ok\n"
        assert get_probe(gateway, "/livez").text == "ok\n"
        assert gateway.stop() == 0, gateway.stderr
    assert sorted(task["name"] for task in fake.tasks) == sorted(
        f"run {number}" for number in range(1, RUNS + 1)
    )
    assert {len(task["steps"]) for task in fake.tasks} == {2}
    check_sums(held, numbers, health)


def check_sums(held, numbers, health):
    """`/metrics` shows the sums, not one worker's part: geolens-io/geolens#651."""
    total = 3 * RUNS
    assert numbers["infinium_spans_received_total"] == total
    assert numbers["infinium_spans_delivered_total"] == total
    assert numbers["infinium_gateway_records_total"] == total
    requests = numbers["infinium_gateway_requests_total"]
    refused = numbers.get('infinium_gateway_requests_refused_total{status="429"}', 0)
    assert requests - refused == total / 20
    assert 0 < numbers["infinium_gateway_forwarded_total"] < total
    assert numbers["infinium_gateway_not_forwarded_total"] == 0
    assert of_workers(numbers, "infinium_gateway_worker_up") == [1, 1, 1]
    opened = of_workers(held, "infinium_gateway_worker_runs_open")
    assert all(count > RUNS / 6 for count in opened), opened
    assert health["status"] == "ok"
    assert health["stats"]["received"] == total


@pytest.mark.slow
def test_a_killed_worker_with_a_spool_loses_nothing(fake, tmp_path):
    """It is started again, logged once, and what it held is delivered.

    Reports of masters that do not start a worker again (Kludex/uvicorn#517), of counters
    that go backwards with a process (prometheus/client_python#566), and of gauges that
    stay when it is gone (prometheus/client_python#495).
    """
    settings = {
        **FAST,
        "INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db"),
        "INFINIUM_OTEL_LINGER_S": "0.2",
    }
    with running_gateway(fake, "--workers", "2", *LISTEN, **settings) as gateway:
        first = [tool_span(number, 1) for number in range(1, 41)]
        assert post(gateway, *first).status_code == 200
        wait_until(lambda: read_metrics(gateway)["infinium_runs_open"] == 40)
        lost = of_workers(read_metrics(gateway), "infinium_gateway_worker_runs_open")[0]
        assert 0 < lost < 40
        os.kill(get_pids(gateway.process)[0], signal.SIGKILL)
        wait_until(lambda: get_probe(gateway, "/readyz").status_code == 503)
        assert get_probe(gateway, "/readyz").text.startswith("worker 0: ")
        numbers = read_metrics(gateway)
        assert numbers["infinium_spans_received_total"] >= 40
        wait_until(lambda: get_probe(gateway, "/readyz").status_code == 200)
        assert fake.wait_for_tasks(int(lost))
        with httpx.Client() as client:
            runs = [agent_span(number) for number in range(101, 141)]
            send_until_accepted(gateway, runs, client)
        restarts = of_workers(
            read_metrics(gateway), "infinium_gateway_worker_restarts_total"
        )
        assert restarts == [1, 0]
        assert gateway.stop() == 0
    assert gateway.stderr.count("Worker 0 ended with exit code -9 (SIGKILL)") == 1
    names = {f"tool {1}"} | {f"run {number}" for number in range(101, 141)}
    assert {task["name"] for task in fake.tasks} == names
    assert len(fake.tasks) == len(set(fake.keys)) == 80


@pytest.mark.slow
def test_a_killed_worker_without_a_spool_is_counted(fake):
    """What it held is lost: reported as not delivered, and exit code 1."""
    with running_gateway(fake, "--workers", "2", *LISTEN, **FAST) as gateway:
        assert post(gateway, *(tool_span(n, 1) for n in range(1, 41))).is_success
        wait_until(lambda: read_metrics(gateway)["infinium_runs_open"] == 40)
        lost = of_workers(read_metrics(gateway), "infinium_gateway_worker_runs_open")[1]
        os.kill(get_pids(gateway.process)[1], signal.SIGKILL)
        left = 'infinium_spans_left_out_total{reason="worker ended"}'
        wait_until(lambda: read_metrics(gateway).get(left) == lost)
        # Connections that come while no worker runs wait for the next one:
        # emmett-framework/granian#567.
        for pid in get_pids(gateway.process):
            os.kill(pid, signal.SIGKILL)
        assert post(gateway, agent_span(41)).status_code == 200
        assert gateway.stop() == 1
    assert "Tasks not delivered: 40" in gateway.stderr
    assert [task["name"] for task in fake.tasks] == ["run 41"]


@pytest.mark.slow
def test_a_worker_at_its_bound_makes_the_sender_wait(fake):
    """429 with Retry-After, wherever the request came in; open runs are taken further."""
    bound = {
        "INFINIUM_OTEL_MAX_OPEN_TRACES": "8",
        "INFINIUM_OTEL_LINGER_S": "0.1",
    }
    with running_gateway(fake, "--workers", "2", **FAST, **bound) as gateway:
        begun = []
        for number in range(1, 100):
            reply = post(gateway, tool_span(number, 1))
            if reply.status_code == 429:
                assert 1 <= int(reply.headers["retry-after"]) <= 5
            else:
                begun.append(number)
        assert len(begun) == 8  # four a worker: the bound is divided
        for number in begun:
            assert post(gateway, agent_span(number)).status_code == 200
        with httpx.Client() as client:
            for number in range(101, 105):
                send_until_accepted(gateway, whole_run(number), client)
        assert fake.wait_for_tasks(12)
        assert gateway.stop() == 0
    assert len(fake.tasks) == 12


@pytest.mark.slow
def test_a_stop_during_load_loses_nothing_that_was_accepted(fake):
    """Every run whose request got 200 is delivered, whichever worker had the request.

    Reports of what was received and not sent at a graceful stop:
    open-telemetry/opentelemetry-collector#12647 and #13853.
    """
    accepted = []
    enough = threading.Event()

    def send(sender):
        with httpx.Client() as client:
            for number in range(sender * 1000 + 1, sender * 1000 + 1000, 5):
                numbers = range(number, number + 5)
                try:
                    reply = post(gateway, *map(agent_span, numbers), client=client)
                except httpx.TransportError:
                    return
                if reply.is_success:
                    accepted.extend(numbers)
                if len(accepted) > 100:
                    enough.set()

    with (
        running_gateway(fake, "--workers", "2", **FAST) as gateway,
        ThreadPoolExecutor(6) as senders,
    ):
        done = [senders.submit(send, sender) for sender in range(6)]
        assert enough.wait(30)
        assert gateway.stop() == 0, gateway.stderr
        for each in done:
            each.result()
    delivered = {task["name"] for task in fake.tasks}
    assert {f"run {number}" for number in accepted} <= delivered
    assert len(fake.keys) == len(set(fake.keys))


@pytest.mark.slow
def test_workers_end_with_their_parent(fake):
    """A parent that was killed cannot stop them, and they must not keep the port.

    Reports: ablative-io/aion#189, acassen/keepalived#475. While they ran, no other user
    could connect to the sockets that they forward over.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        running_gateway(fake, "--workers", "2", TMPDIR=folder) as gateway,
    ):
        (sockets,) = Path(folder).iterdir()
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert post(gateway, *map(agent_span, range(1, 9))).is_success
        pids = get_pids(gateway.process)
        assert len(pids) == 2
        gateway.process.kill()
        gateway.process.wait()
        wait_until(lambda: not any(map(is_alive, pids)))
        with pytest.raises(httpx.ConnectError):
            post(gateway, agent_span(9))
    assert len(fake.tasks) == 8  # delivered before they ended


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
