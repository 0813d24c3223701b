"""A collector as a process: Rotel, which is on the package index, stands in for OpenTelemetry's.

It sends spans on to Kafka, in the same format, but without a key: unlike OpenTelemetry's
Collector with `partition_traces_by_id`, it keeps a trace in one partition only if all of its
spans are in one batch.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infinium_otel.apps.http.bind import listen
from support.kafka import TOPIC
from support.waiting import wait_until

rotel = pytest.importorskip("rotel", reason="no collector is installed")

BINARY = Path(rotel.__file__).parent / "rotel-agent"
START_S = 120


def find_address():
    with listen("127.0.0.1", 0) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def running_collector(broker):
    """A collector that writes spans to *broker*; yields where it receives OTLP."""
    http = find_address()
    command = [
        BINARY,
        "start",
        "--exporter",
        "kafka",
        "--traces-batch-timeout",
        "100ms",
    ]
    command += ["--otlp-http-endpoint", http, "--otlp-grpc-endpoint", find_address()]
    command += ["--kafka-exporter-brokers", broker.address]
    command += ["--kafka-exporter-traces-topic", TOPIC]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: is_listening(http), START_S)
        yield f"http://{http}"
    finally:
        process.terminate()
        process.wait()


def is_listening(address):
    try:
        httpx.get(f"http://{address}/")
    except httpx.TransportError:
        return False
    return True
