"""From an SDK's request to the service, by a collector, Kafka and two consumers."""

from __future__ import annotations

from contextlib import ExitStack

import httpx

from support.collector import running_collector
from support.gateway_workers import whole_run
from support.kafka import consuming, running_broker, stop
from support.otlp_requests import protobuf, traces

TYPE = {"content-type": "application/x-protobuf"}
FAST = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
    "INFINIUM_OTEL_BURST": "1000",
}
RUNS, BATCH, CONSUMERS = 60, 5, 2


def send(url, numbers):
    """The runs of *numbers* in one request, as an SDK sends them."""
    spans = [span for number in numbers for span in whole_run(number)]
    body = protobuf(traces(*spans))
    reply = httpx.post(f"{url}/v1/traces", content=body, headers=TYPE, timeout=30)
    assert reply.status_code == 200, reply.text


def test_from_a_collector_through_kafka(fake):
    """Every run arrives once, and whole, whichever consumer has its partition."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker())
        broker.make_topic(4)
        url = stack.enter_context(running_collector(broker))
        consumers = [
            stack.enter_context(consuming(broker, fake, **FAST))
            for _ in range(CONSUMERS)
        ]
        for first in range(1, RUNS + 1, BATCH):
            send(url, range(first, first + BATCH))
        assert fake.wait_for_tasks(RUNS, 60)
        for consumer in consumers:
            assert stop(consumer) == (0, "")
    assert len(fake.tasks) == len(set(fake.keys)) == RUNS
    assert {len(task["steps"]) for task in fake.tasks} == {2}
