"""OTLP over gRPC, with OpenTelemetry's own exporter and gRPC's own client."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
import time

import httpx
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infinium_otel.apps import cli
from infinium_otel.apps import gateway as gateway_command
from infinium_otel.apps.http.access import Access
from infinium_otel.apps.http.receiver import LARGE_BYTES, RequestCounters
from infinium_otel.errors import MissingExtraError
from infinium_otel.testing import FakeInfinium
from support.gateway import running_gateway
from support.otlp_requests import agent_span, logs, protobuf, traces

grpc = pytest.importorskip("grpc")
pytest.importorskip("uvicorn")
error_details = pytest.importorskip("google.rpc.error_details_pb2")
status_pb2 = pytest.importorskip("google.rpc.status_pb2")
trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
)

TOKEN = "ein-geheimes-wort"
EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
TRACES = EXPORT.format("trace", "Trace")
LOGS = EXPORT.format("logs", "Logs")
METRICS = EXPORT.format("metrics", "Metrics")
QUICK = {"INFINIUM_OTEL_LINGER_S": "0.2"}


@pytest.fixture(scope="module")
def fake():
    with FakeInfinium() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(fake):
    with running_gateway(fake, "--grpc-port", "0", **QUICK) as running:
        yield running


def get_target(gateway):
    return re.search(r"[\d.]+:\d+", gateway.addresses["OTLP/gRPC"]).group()


def call(gateway, method, message, **options):
    """One call; returns the response."""
    limits = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(get_target(gateway), options=limits) as channel:
        return channel.unary_unary(method)(message, timeout=30, **options)


def fail(gateway, method, message, **options):
    """One call that fails; returns its error."""
    with pytest.raises(grpc.RpcError) as caught:
        call(gateway, method, message, **options)
    return caught.value


def run(number):
    return protobuf(traces(agent_span(number)))


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_pythons_own_exporter_delivers(compression, fake, gateway):
    """A run arrives as one task, plain and with gzip (mesaglio/otel-front#76)."""
    package = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
    exporting = pytest.importorskip(package)
    kinds = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}
    name = f"Ada {compression}"
    exporter = exporting.OTLPSpanExporter(
        endpoint=f"http://{get_target(gateway)}", compression=kinds[compression]
    )
    provider = TracerProvider(resource=Resource({"service.name": "app"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    facts = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    with provider.get_tracer("agent").start_as_current_span("run", attributes=facts):
        pass
    provider.shutdown()
    assert fake.wait_for(lambda fake: name in {task["name"] for task in fake.tasks}, 30)


def test_a_success_is_empty(gateway):
    """Traces, logs and metrics; the last are dropped."""
    assert call(gateway, TRACES, run(1)) == b""
    record = {"traceId": "1" * 32, "spanId": "2" * 16, "eventName": "e"}
    assert call(gateway, LOGS, protobuf(logs(record))) == b""
    assert call(gateway, METRICS, b"anything") == b""
    health = httpx.get(f"{gateway.url}/healthz").json()
    assert health["requests"]["metrics"] == health["mistakes"]["metrics"] == 1


def test_a_partial_success(gateway):
    """How many spans were not usable, and why."""
    reply = call(gateway, TRACES, protobuf(traces(agent_span(2), {"name": "no ids"})))
    response = trace_service.ExportTraceServiceResponse.FromString(reply)
    assert response.partial_success.rejected_spans == 1
    assert "trace_id" in response.partial_success.error_message


def test_what_is_not_otlp_is_refused_for_good(gateway):
    """INVALID_ARGUMENT is not retried."""
    error = fail(gateway, TRACES, b"\x0a\xff")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "invalid OTLP" in error.details()


def test_another_method_is_explained(gateway):
    """UNIMPLEMENTED is what a client understands; the message names what there is."""
    error = fail(gateway, EXPORT.format("profiles", "Profiles"), b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "traces, logs and metrics are accepted" in error.details()


@pytest.mark.parametrize(
    "compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip]
)
def test_a_message_that_is_too_large_is_refused(gateway, compression):
    """Compressed or not: a bomb is not inflated beyond the bound."""
    error = fail(gateway, TRACES, bytes(20 << 20), compression=compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert call(gateway, TRACES, run(3)) == b""


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (f"Bearer {TOKEN}", None),
        (f"bearer  {TOKEN}", None),
        ("Bearer wrong", "UNAUTHENTICATED"),
        (f"Basic {TOKEN}", "UNAUTHENTICATED"),
        ("", "UNAUTHENTICATED"),
    ],
)
def test_the_token_is_required(with_token, authorization, code):
    """As over HTTP, in the metadata; it is checked before the message is read."""
    metadata = [("authorization", authorization)] if authorization else []
    if code is None:
        assert call(with_token, TRACES, run(4), metadata=metadata) == b""
    else:
        error = fail(with_token, TRACES, run(4), metadata=metadata)
        assert error.code().name == code
        assert error.details() == "a bearer token is required"


@pytest.fixture(scope="module")
def with_token(fake):
    token = {"INFINIUM_OTEL_GATEWAY_TOKEN": TOKEN}
    with running_gateway(fake, "--grpc-port", "0", **QUICK, **token) as running:
        yield running


def test_a_full_gateway_makes_the_sender_retry():
    """RESOURCE_EXHAUSTED with RetryInfo, which makes it retryable; then it is accepted."""
    full = {**QUICK, "INFINIUM_OTEL_MAX_QUEUED_TASKS": "1"}
    with (
        FakeInfinium() as fake,
        running_gateway(fake, "--grpc-port", "0", **full) as gateway,
    ):
        fake.always(503)
        assert call(gateway, TRACES, run(1)) == b""
        assert fake.wait_for(lambda fake: fake.requests, 30)
        error = fail(gateway, TRACES, run(2))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        metadata = dict(error.trailing_metadata())
        wait = error_details.RetryInfo.FromString(metadata["google.rpc.retryinfo-bin"])
        assert 1 <= wait.retry_delay.seconds <= 5
        status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
        assert (status.code, status.message) == (8, error.details())
        inside = error_details.RetryInfo()
        assert status.details[0].Unpack(inside)
        assert inside == wait
        fake.always(None)
        assert fake.wait_for_tasks(1, 30)
        assert gateway.stop() == 0


class Call:
    """A call of which every message comes when *sent* is set.

    Args:
        message: what it sends.
        read: counts the messages that are awaited.
    """

    def __init__(self, message, read, sent):
        self.message, self.waiting, self.sent = message, read, sent

    def invocation_metadata(self):
        return ()

    def peer(self):
        return "ipv4:127.0.0.1:1"

    async def read(self):
        self.waiting.append(self)
        await self.sent.wait()
        return self.message


def test_messages_are_read_sixteen_at_a_time_and_large_ones_decoded_one_by_one():
    """So the memory of a process is bounded, however many calls there are."""
    receivers = importlib.import_module("infinium_otel.apps.gateway.grpc_receiver")
    decoding, most = [], []

    def accept(records):
        decoding.append(records)
        most.append(len(decoding))
        time.sleep(0.02)
        decoding.pop()

    async def send(message, calls):
        read, sent = [], asyncio.Event()
        receiver = receivers.GrpcReceiver(
            accept, RequestCounters(), Access(frozenset())
        )
        given = [
            asyncio.ensure_future(
                receiver.export("traces", None, Call(message, read, sent))
            )
            for _ in range(calls)
        ]
        for _ in range(20):
            await asyncio.sleep(0)
        waiting = len(read)
        sent.set()
        assert await asyncio.gather(*given) == [b""] * calls
        return waiting

    large = agent_span(1)
    large["name"] = "x" * LARGE_BYTES
    assert asyncio.run(send(protobuf(traces(large)), 20)) == 16
    assert max(most) == 1
    assert len(most) == 20


def test_a_stop_finishes_what_was_accepted():
    """Spans accepted over gRPC are delivered before the process exits."""
    with (
        FakeInfinium() as fake,
        running_gateway(fake, "--grpc-port", "0") as gateway,
    ):
        assert call(gateway, TRACES, run(7)) == b""
        assert gateway.stop() == 0
        assert gateway.stderr == ""
        assert [task["name"] for task in fake.tasks] == ["run 7"]


def test_the_hint_on_the_http_port_names_the_port_of_grpc(gateway):
    """A gRPC sender on the HTTP port learns where to send."""
    target = gateway.url.removeprefix("http://")
    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(TRACES)(run(8), timeout=2)
    mistakes = httpx.get(f"{gateway.url}/healthz").json()["mistakes"]
    assert mistakes["grpc on the http port"] >= 1


def test_a_port_in_use_is_an_error_in_one_line(gateway, fake):
    """The exit code is 2, as for the port of HTTP."""
    port = get_target(gateway).rpartition(":")[2]
    with (
        pytest.raises(AssertionError, match=r"cannot listen on .* for gRPC"),
        running_gateway(fake, "--grpc-port", port),
    ):
        pass


def test_without_the_extra_the_error_names_it(monkeypatch):
    """The error for a missing extra has the `pip install` command."""
    monkeypatch.setenv("INFINIUM_AGENT_ID", "11111111-2222-4333-8444-555555555555")
    monkeypatch.setenv("INFINIUM_AGENT_SECRET", "streng-geheim")
    name = "infinium_otel.apps.gateway.grpc_receiver"
    monkeypatch.setitem(sys.modules, name, None)
    arguments = ["gateway", "--port", "0", "--grpc-port", "0"]
    parsed = cli.build_parser("gateway").parse_args(arguments)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[grpc\]"):
        gateway_command.run(parsed)
