"""The numbers on the pages are those of the code."""

from __future__ import annotations

from importlib import import_module

import pytest

from infinium_otel.config import Config
from support.pages import read_plain

MIB = 1024 * 1024
EXPLANATION = "docs/explanation/"
LIMITS = [
    ("threat-model.md", "300 levels", "records.bounds", "MAX_DEPTH", 300),
    ("threat-model.md", "one attribute's value, 64", "otlp._decoded", "MAX_DEPTH", 64),
    ("threat-model.md", "| 1,000,000, of", "records.bounds", "MAX_ITEMS", 1_000_000),
    ("threat-model.md", "counts as 20", "records.bounds", "ITEMS_PER_RECORD", 20),
    ("threat-model.md", "in a request | 10,000;", "records.bounds", "MAX_RUNS", 10_000),
    ("threat-model.md", "64 MiB once decoded", "dialects.lenient_json", "MAX_DECODED_BYTES", 64 * MIB),
    ("threat-model.md", "32 KiB more for each span",
     "dialects.lenient_json", "DECODED_BYTES_PER_SPAN", 32 * 1024),
    ("threat-model.md", "64 pages of `serve`", "apps.serve.event_stream", "MAX_STREAMS", 64),
    ("threat-model.md", "| 16 MiB |", "records.bounds", "MAX_RECORD_BYTES", 16 * MIB),
    ("threat-model.md", "a request's body, decompressed | 64 MiB",
     "apps.http.body_limiter", "MAX_BODY_BYTES", 64 * MIB),
    ("threat-model.md", "hold 256 MiB", "apps.http.body_limiter", "MAX_HELD_BYTES", 256 * MIB),
    ("threat-model.md", "over 1 MiB", "apps.http.body_limiter", "SMALL_BYTES", MIB),
    ("threat-model.md", "JSON value in a file | 64 MiB",
     "otlp.files.large", "MAX_VALUE_BYTES", 64 * MIB),
    ("threat-model.md", "protobuf request in a file 512 MiB",
     "otlp.files", "MAX_MESSAGE_BYTES", 512 * MIB),
    ("threat-model.md", "| 512, half of them", "apps.http.connections", "MAX_CONNECTIONS", 512),
    ("threat-model.md", "64 to `--listen`", "apps.observe.probe_server", "MAX_CONNECTIONS", 64),
    ("threat-model.md", "100 log lines in all", "apps.http.mistakes", "MAX_LINES", 100),
    ("threat-model.md", "8 MiB of window", "apps.http.content_encoding", "MAX_WINDOW_LOG", 23),
    ("delivery.md", "two seconds after", "delivery.workers", "IDLE_S", 2),
    ("delivery.md", "every 30 seconds", "delivery.circuit_breaker", "PROBE_S", 30),
    ("delivery.md", "at most a minute", "delivery.protocol.attempts", "MAX_DELAY_S", 60),
    ("delivery.md", "up to 15 minutes", "delivery.protocol.responses", "MAX_RETRY_AFTER_S", 900),
    ("delivery.md", "half a second", "delivery.storage.fsync", "SYNC_S", 0.5),
    ("fitting.md", "1,048,576 bytes", "taskdata.limits", "MAX_BODY_BYTES", 1_048_576),
    ("fitting.md", "names of 500", "taskdata.limits", "MAX_NAME_LENGTH", 500),
    ("fitting.md", "descriptions of 10,000", "taskdata.limits", "MAX_DESCRIPTION_LENGTH", 10_000),
    ("fitting.md", "0 to 86,400", "taskdata.limits", "MAX_DURATION_S", 86_400),
    ("fitting.md", "the first three", "taskdata.limits.shrinking", "FIRST_KEPT", 3),
    ("fitting.md", "the last five", "taskdata.limits.shrinking", "LAST_KEPT", 5),
    ("how-spans-become-a-task.md", "at most twenty", "mapping.environment", "MAX_METADATA", 20),
    ("how-spans-become-a-task.md", "300 characters", "mapping.step_metadata", "MAX_VALUE_LENGTH", 300),
    ("what-data-is-sent.md", "over 1 MiB", "delivery.storage.journal.journal", "TIDY_BYTES", MIB),
    ("what-may-be-lost.md", "at most two seconds", "delivery.sender", "SPOOLED_EXIT_S", 2),
    ("what-may-be-lost.md", "thirty seconds", "runtime.registry", "EXIT_S", 30),
    ("what-may-be-lost.md", "after five seconds", "runtime.last_delivery", "STALLED_S", 5),
    ("what-may-be-lost.md", "four seconds at most", "runtime.runner", "ATTEMPT_S", 4),
    (
        "what-may-be-lost.md",
        "does not respond for five seconds",
        "apps.gateway.workers.links",
        "FORWARD_S",
        5,
    ),
]  # fmt: skip

CONNECTIONS = [
    ("headers_s", 15, "complete within 15 s"),
    ("body_silence_s", 10, "10 s without a byte"),
    ("body_s", 30, "30 s in all"),
    ("body_rate", 16 * 1024, "1 s more for each 16 KiB"),
    ("response_silence_s", 30, "30 s in which the client accepts nothing"),
    ("per_client", 256, "half of them from one address"),
]

GRPC = [
    ("MAX_MESSAGE_BYTES", 16 * MIB, "over 16 MiB"),
    ("READ_S", 30, "30 s for a message"),
    ("MAX_MESSAGES", 16, "16 at a time"),
    ("MAX_CALLS", 512, "512 calls"),
    ("MAX_CONNECTIONS", 1536, "1,536 over gRPC"),
    ("HANDSHAKE_S", 5, "5 s to speak HTTP/2"),
    ("IDLE_S", 60, "60 s without a call"),
]


@pytest.mark.parametrize(("page", "words", "module", "name", "value"), LIMITS)
def test_a_limit_is_the_one_on_its_page(page, words, module, name, value):
    """A limit that changes, changes on its page too."""
    assert words in read_plain(EXPLANATION + page)
    if module.startswith("apps.http"):
        pytest.importorskip("starlette")
    assert getattr(import_module(f"infinium_otel.{module}"), name) == value


@pytest.mark.parametrize(("name", "value", "words"), CONNECTIONS)
def test_limits_of_connections(name, value, words):
    """Of the gateway's and serve's HTTP."""
    connections = pytest.importorskip("infinium_otel.apps.http.connections")
    assert getattr(connections.ConnectionLimits(), name) == value
    assert words in read_plain(f"{EXPLANATION}threat-model.md")


@pytest.mark.parametrize(("name", "value", "words"), GRPC)
def test_limits_of_grpc(name, value, words):
    """Of the gateway's gRPC."""
    pytest.importorskip("grpc")
    receiver = import_module("infinium_otel.apps.gateway.grpc_receiver")
    assert getattr(receiver, name) == value
    assert words in read_plain(f"{EXPLANATION}threat-model.md")


def test_limits_that_are_settings():
    """The defaults that the pages name."""
    config = Config()
    assert "10 requests per second, 20 at once" in read_plain(
        f"{EXPLANATION}delivery.md"
    )
    assert (config.requests_per_second, config.burst) == (10, 20)
