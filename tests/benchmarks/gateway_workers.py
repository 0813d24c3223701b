"""What several workers of a gateway cost: CPU a span with 1, 2 and 4 of them.

    pip install -e '.[all]' --group tests
    PYTHONPATH=tests python tests/benchmarks/gateway_workers.py

Runs of ten spans in requests of 500 spans each, mixed, over eight connections. Prints a line
for each number of workers. Needs Linux, as it reads /proc.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.consume import FAST, read_cpu_s
from infinium_otel.testing import FakeInfinium
from support.gateway import running_gateway
from support.gateway_workers import get_pids
from support.otlp_requests import agent_span, protobuf, traces

RUNS, SPANS, BATCH, CONNECTIONS = 2_000, 10, 500, 8
TYPE = {"content-type": "application/x-protobuf"}
CHAT = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}


def make_call(run, number):
    ids = {"spanId": f"{(run << 16) + number:016x}", "parentSpanId": f"{run:016x}"}
    return agent_span(run, attributes=[CHAT], **ids)


def make_requests(first):
    """Runs in random order: each request holds spans of many of them."""
    spans = []
    for run in range(first, first + RUNS):
        spans += [agent_span(run), *(make_call(run, each) for each in range(1, SPANS))]
    random.Random(first).shuffle(spans)
    return [
        protobuf(traces(*spans[at : at + BATCH])) for at in range(0, len(spans), BATCH)
    ]


def send(gateway, requests):
    """Send over several connections at once, again where there is no room."""

    def send_some(number):
        with httpx.Client(base_url=gateway.url, headers=TYPE, timeout=60) as client:
            for body in requests[number::CONNECTIONS]:
                while client.post("/v1/traces", content=body).status_code == 429:
                    pass

    with ThreadPoolExecutor(CONNECTIONS) as senders:
        list(senders.map(send_some, range(CONNECTIONS)))


def measure(workers):
    """CPU from a request to the response, of all processes of a gateway."""
    settings = {**FAST, "INFINIUM_OTEL_MAX_QUEUED_TASKS": "100000"}
    arguments = ("--workers", str(workers))
    with (
        FakeInfinium() as fake,
        running_gateway(fake, *arguments, **settings) as gateway,
    ):
        pids = [gateway.process.pid, *get_pids(gateway.process)]
        send(gateway, make_requests(1))  # imports, and what is made once
        assert fake.wait_for_tasks(RUNS, 300)
        before_s = sum(map(read_cpu_s, pids))
        requests = make_requests(1 + RUNS)
        send(gateway, requests)
        assert fake.wait_for_tasks(2 * RUNS, 300)
        used_s = sum(map(read_cpu_s, pids)) - before_s
        gateway.stop()
    return used_s / (RUNS * SPANS) * 1e6


def main():
    for workers in (1, 2, 4):
        print(f"{workers} workers: {measure(workers):.0f} µs of CPU a span")


if __name__ == "__main__":
    main()
