"""Consumers are killed, stopped and frozen, and the service fails: no run is lost.

A seed decides what happens when. `INFINIUM_OTEL_CHAOS_SEEDS=20` tries twenty seeds for
longer: `tox run -e chaos`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from infinium_otel.testing import FakeInfinium, Fault
from support.kafka import (
    TOPIC,
    confluent_kafka,
    consuming,
    running_broker,
    running_mock_cluster,
)
from support.otlp_requests import agent_span, protobuf, traces

SEEDS = int(os.environ.get("INFINIUM_OTEL_CHAOS_SEEDS", "0"))
STEPS = 30 if SEEDS else 10
PARTITIONS = 4  # as many as a topic of the mock cluster has
RUNS_PER_STEP = 20
CALLS = 2
FREEZE_S = 8  # longer than the session timeout: a frozen consumer is a zombie then
CHAT = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
SETTINGS = {"INFINIUM_OTEL_TIMEOUT_S": "3", "INFINIUM_OTEL_REQUESTS_PER_SECOND": "40"}
SETTINGS["INFINIUM_OTEL_LINGER_S"] = "2"  # as long as the runs of a step take to write


@dataclass
class Fleet:
    """Consumers of one group, what was written for them, and what they delivered."""

    broker: object
    fake: FakeInfinium
    stack: ExitStack
    draw: random.Random
    consumers: list = field(default_factory=list)
    frozen: list = field(default_factory=list)
    spans_at: dict = field(default_factory=dict)
    written: int = 0

    def __post_init__(self):
        self.producer = confluent_kafka.Producer(self.broker.properties)

    def write(self):
        """Write some runs, the messages of all of them in any order."""
        numbers = range(self.written + 1, self.written + RUNS_PER_STEP + 1)
        self.written += RUNS_PER_STEP
        spans = [(n, "root", agent_span(n)) for n in numbers]
        for call in range(1, CALLS + 1):
            for number in numbers:
                span_id = f"{number * 100 + call + (1 << 40):016x}"
                ids = {"spanId": span_id, "parentSpanId": f"{number:016x}"}
                span = agent_span(number, attributes=[CHAT], **ids)
                spans.append((number, span_id, span))
        self.draw.shuffle(spans)
        for number, span_id, span in spans:
            partition = number % PARTITIONS
            self.spans_at.setdefault(partition, []).append((number, span_id))
            self.producer.produce(TOPIC, protobuf(traces(span)), partition=partition)
        assert self.producer.flush(60) == 0

    def is_done(self):
        """Whether every span was delivered."""
        written = {each for spans in self.spans_at.values() for each in spans}
        return self.find_delivered() == written

    def start(self):
        """Start a consumer, if there are few."""
        self.consumers = [each for each in self.consumers if each.poll() is None]
        if len(self.consumers) + len(self.frozen) < 3:
            consumer = consuming(self.broker, self.fake, "--drain-s", "2", **SETTINGS)
            self.consumers.append(self.stack.enter_context(consumer))

    def kill(self):
        """End one at once."""
        if self.consumers:
            self.consumers.pop(0).kill()

    def stop(self):
        """End one as a deployment does."""
        if self.consumers:
            self.consumers.pop(0).terminate()

    def freeze(self):
        """Stop one for so long that the group gives its partitions to others."""
        if self.consumers:
            consumer = self.consumers.pop(0)
            consumer.send_signal(signal.SIGSTOP)
            self.frozen.append((time.monotonic() + FREEZE_S, consumer))

    def thaw(self, now_s):
        """Let those go on that were frozen long enough."""
        for entry in [each for each in self.frozen if each[0] <= now_s]:
            self.frozen.remove(entry)
            entry[1].send_signal(signal.SIGCONT)
            self.consumers.append(entry[1])

    def break_service(self):
        """Let the service fail in some way."""
        self.fake.always(
            self.draw.choice([503, 429, 500, Fault(breaks="after"), Fault(delay_s=1.0)])
        )

    def mend_service(self):
        self.fake.always(None)

    def find_delivered(self):
        """The spans that were delivered, by run and id; that of a root is "root"."""
        spans: set[tuple[int, str]] = set()
        for task in self.fake.tasks:
            number = int(task["environment"]["custom_tags"]["otel.trace_id"], 16)
            for step in task.get("steps", ()):
                spans.add((number, step["metadata"]["otel.span_id"]))
            if task["name"].startswith("run "):
                spans.add((number, "root"))
        return spans

    def check_commits(self):
        """Whatever is committed was delivered before."""
        committed = find_committed(self.broker)
        delivered = self.find_delivered()
        for partition, offset in committed.items():
            spans = self.spans_at.get(partition, [])[:offset]
            assert set(spans) <= delivered, f"too early: {set(spans) - delivered}"


def find_committed(broker):
    properties = broker.properties | {"group.id": "infinium-otel"}
    consumer = confluent_kafka.Consumer(properties)
    places = [confluent_kafka.TopicPartition(TOPIC, n) for n in range(PARTITIONS)]
    found = consumer.committed(places, timeout=30)
    consumer.close()
    return {each.partition: each.offset for each in found if each.offset > 0}


ACTIONS = "start start start kill stop freeze break_service mend_service".split()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
@pytest.mark.parametrize("cluster", ["tansu", "librdkafka"])
@pytest.mark.parametrize("seed", range(1, (SEEDS or 2) + 1))
def test_no_run_is_lost_and_none_committed_early(seed, cluster):
    """Every run arrives whole, and no offset is committed before its runs arrived."""
    with ExitStack() as stack:
        fake = stack.enter_context(FakeInfinium(require_key=True))
        if cluster == "tansu":
            broker = stack.enter_context(running_broker())
            broker.make_topic(PARTITIONS)
        else:
            broker = stack.enter_context(running_mock_cluster())
        fleet = Fleet(broker, fake, stack, random.Random(seed))
        fleet.write()
        fleet.start()
        for _ in range(STEPS):
            fleet.write()
            getattr(fleet, fleet.draw.choice(ACTIONS))()
            time.sleep(fleet.draw.random() * 2)
            fleet.thaw(time.monotonic())
            fleet.check_commits()
        fleet.mend_service()
        fleet.start()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            fleet.thaw(time.monotonic())
            fleet.start()
            if fleet.is_done():
                break
            time.sleep(0.5)
        assert fleet.is_done()
        fleet.check_commits()
        assert fake.complaints == []
