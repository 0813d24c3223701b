"""Senders that do it wrong, as public reports have them, against a real gateway.

Each test names its report. What arrives is checked; what does not arrive is explained to
the sender in the response, counted, and logged once.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import zlib
from urllib.parse import urlsplit

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infinium_otel.apps.http import content_encoding
from infinium_otel.testing import FakeInfinium
from support.gateway import running_gateway
from support.otlp_requests import agent_span, protobuf, traces

pytest.importorskip("uvicorn")

JSON, PROTOBUF = "application/json", "application/x-protobuf"
RUN = json.dumps(traces(agent_span(1))).encode()
ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def gateway():
    """One gateway for all: mistakes of one sender do not disturb the others."""
    with (
        FakeInfinium() as fake,
        running_gateway(fake, "--cors-origin", ORIGIN) as running,
    ):
        yield running


def post(gateway, path="/v1/traces", content=RUN, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    headers = {"content-type": JSON, **names}
    return httpx.post(gateway.url + path, content=content, headers=headers)


def count(gateway, kind):
    return httpx.get(f"{gateway.url}/healthz").json()["mistakes"].get(kind, 0)


def exchange(gateway, data):
    """Send bytes on a connection of their own; returns all that comes back."""
    target = urlsplit(gateway.url)
    with socket.create_connection((target.hostname, target.port), timeout=20) as peer:
        peer.sendall(data)
        return b"".join(iter(lambda: peer.recv(4096), b""))


# -- paths -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        # vespa-engine/vespa#37283, cBioPortal/cbioportal-mcp#64: the address in code is
        # used as it is.
        pytest.param("/", "add /v1/traces", id="vespa-37283"),
        # open-telemetry/opentelemetry.io#2406, SigNoz/signoz.io#1936: appended twice.
        pytest.param("/v1/traces/v1/traces", "without a path", id="otel-io-2406"),
        # open-telemetry/opentelemetry.io#3627: by the Ruby exporter.
        pytest.param("/v1/v1/traces", "without a path", id="otel-io-3627"),
        # langwatch/langwatch#6822: a vendor's path before it.
        pytest.param("/api/otel/v1/traces", "before /v1", id="langwatch-6822"),
    ],
)
def test_a_wrong_path_is_explained_in_json(gateway, path, advice):
    """404 with the right paths and the likely cause; never 200, which loses silently."""
    before = count(gateway, "wrong path")
    reply = post(gateway, path)
    assert reply.status_code == 404
    assert reply.headers["content-type"] == JSON
    assert "spans go to /v1/traces and logs to /v1/logs" in reply.json()["message"]
    assert advice in reply.json()["message"]
    assert count(gateway, "wrong path") == before + 1


@pytest.mark.parametrize("path", ["/v1/traces/", "//v1/traces", "/v1/logs/"])
def test_slashes_too_many_do_no_harm(gateway, path):
    """open-telemetry/opentelemetry-js#3269: a slash was appended to the address."""
    reply = post(gateway, path, b"{}")
    assert (reply.status_code, reply.json()) == (200, {})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_with_allow(gateway, method):
    """A browser that opens the address learns what it is for."""
    reply = httpx.request(method, f"{gateway.url}/v1/traces")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert "send with POST" in reply.json()["message"]


# -- metrics ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/metrics/"])
@pytest.mark.parametrize(("encoding", "expected"), [(JSON, b"{}"), (PROTOBUF, b"")])
def test_metrics_are_accepted_and_dropped(gateway, path, encoding, expected):
    """Many SDKs send them by default: an error would fill their logs."""
    reply = post(gateway, path, b"\x00" * 100_000, content_type=encoding)
    assert (reply.status_code, reply.content) == (200, expected)
    assert reply.headers["content-type"] == encoding


def test_pythons_metric_exporter_succeeds(gateway):
    """OpenTelemetry's own: its export is a success, and counted here."""
    package = "opentelemetry.exporter.otlp.proto.http.metric_exporter"
    exporting = pytest.importorskip(package)
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415
        PeriodicExportingMetricReader,
    )

    before = httpx.get(f"{gateway.url}/healthz").json()["requests"]["metrics"]
    endpoint = f"{gateway.url}/v1/metrics"
    exporter = exporting.OTLPMetricExporter(endpoint=endpoint)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
    provider.get_meter("app").create_counter("calls").add(1)
    assert provider.force_flush()
    provider.shutdown()
    after = httpx.get(f"{gateway.url}/healthz").json()["requests"]["metrics"]
    assert after > before


# -- encodings -------------------------------------------------------------------------


def raw_deflate(body):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        # NOFireAI/ravel#216: the alias of RFC 9110, and gzip of several members.
        pytest.param("x-gzip", gzip.compress, id="ravel-216-alias"),
        pytest.param(
            "gzip",
            lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]),
            id="ravel-216-members",
        ),
        # mlflow/mlflow#19024: deflate as defined, and without zlib's header.
        pytest.param("deflate", zlib.compress, id="mlflow-19024"),
        pytest.param("deflate", raw_deflate, id="mlflow-19024-raw"),
    ],
)
def test_compressed_requests_arrive(gateway, encoding, compress):
    """The span inside is accepted."""
    before = httpx.get(f"{gateway.url}/healthz").json()["requests"]["records"]
    assert post(gateway, content=compress(RUN), content_encoding=encoding).is_success
    after = httpx.get(f"{gateway.url}/healthz").json()["requests"]["records"]
    assert after == before + 1


def test_zstd_arrives_or_is_refused_with_what_is_accepted(gateway):
    """openobserve/openobserve#13726: 415 without a reason was all the sender got."""
    zstd = content_encoding._load_zstd()
    body = b"(\xb5/\xfd" if zstd is None else zstd.compress(RUN)
    reply = post(gateway, content=body, content_encoding="zstd")
    assert reply.status_code == (415 if zstd is None else 200)
    reply = post(gateway, content=b"", content_encoding="br")
    accepted = "gzip, deflate" if zstd is None else "gzip, deflate, zstd"
    assert (reply.status_code, reply.headers["accept-encoding"]) == (415, accepted)
    assert f"use {accepted} or none" in reply.json()["message"]


# -- HTTP/1.0 --------------------------------------------------------------------------


def test_http_1_0_without_a_host_arrives(gateway):
    """Proxies speak it to what is behind them; it has no Host header of its own."""
    head = (
        f"POST /v1/traces HTTP/1.0\r\nContent-Type: {JSON}\r\n"
        f"Content-Length: {len(RUN)}\r\n\r\n"
    )
    reply = exchange(gateway, head.encode() + RUN)
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert reply.endswith(b"\r\n\r\n{}")


def test_http_1_0_without_a_length_is_refused(gateway):
    """Its body would be taken for empty, and the spans for delivered."""
    head = f"POST /v1/traces HTTP/1.0\r\nContent-Type: {JSON}\r\n\r\n"
    reply = exchange(gateway, head.encode() + RUN)
    assert reply.startswith(b"HTTP/1.1 411 ")
    assert b"HTTP/1.0 needs a Content-Length" in reply


def test_http_1_1_without_a_host_is_still_refused(gateway):
    """Only HTTP/1.0 may be without: every browser sends one."""
    head = f"POST /v1/traces HTTP/1.1\r\nContent-Type: {JSON}\r\n\r\n"
    assert exchange(gateway, head.encode()).startswith(b"HTTP/1.1 400 ")


# -- browsers --------------------------------------------------------------------------


def preflight(gateway, origin, headers="content-type"):
    return httpx.options(
        f"{gateway.url}/v1/traces",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": headers,
        },
    )


def test_a_preflight_allows_what_exporters_send(gateway):
    """open-telemetry/opentelemetry-collector#7681: content-type was not allowed."""
    asked = "authorization,content-type,traceparent,x-opentelemetry-outgoing-request"
    reply = preflight(gateway, ORIGIN, asked)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in reply.headers["access-control-allow-methods"]
    allowed = reply.headers["access-control-allow-headers"].lower().split(",")
    assert set(asked.split(",")) <= {name.strip() for name in allowed}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/v1/traces", RUN, 200), ("/v1/metrics", b"{}", 200), ("/v1/traces", b"{", 400)],
)
def test_responses_can_be_read_by_the_page(gateway, path, body, status):
    """open-telemetry/opentelemetry-collector#13402: only the preflight had the header."""
    reply = post(gateway, path, body, origin=ORIGIN)
    assert reply.status_code == status
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "origin" in reply.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example", "null", f"{ORIGIN}.evil"]
)
def test_other_origins_are_refused(gateway, origin):
    """Only those that were listed, exactly."""
    reply = preflight(gateway, origin)
    assert reply.status_code == 400
    assert "access-control-allow-origin" not in reply.headers
    assert "access-control-allow-origin" not in post(gateway, origin=origin).headers


def test_only_paths_of_otlp_are_opened(gateway):
    """The counts are not for web pages."""
    reply = httpx.get(f"{gateway.url}/healthz", headers={"origin": ORIGIN})
    assert "access-control-allow-origin" not in reply.headers


# -- another protocol ------------------------------------------------------------------


def test_a_grpc_sender_learns_what_to_do(capfd):
    """grafana/alloy#4093, emit-rs/emit#87: gRPC to 4318 fails without a usable reason.

    The sender's own gRPC library logs what the gateway responds.
    """
    package = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
    exporting = pytest.importorskip(package)
    with FakeInfinium() as fake, running_gateway(fake) as gateway:
        exporter = exporting.OTLPSpanExporter(
            endpoint=gateway.url, insecure=True, timeout=2
        )
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("app").start_span("run").end()
        provider.shutdown()
        assert count(gateway, "grpc on the http port") >= 1
        gateway.stop()
        lines = [line for line in gateway.stderr.splitlines() if "OTLP/gRPC" in line]
    assert len(lines) == 1
    assert "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in lines[0]
    assert "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in capfd.readouterr().err


def test_tls_on_the_plain_port_is_explained(gateway):
    """An https:// address where http:// is meant."""
    with pytest.raises(httpx.ConnectError):
        httpx.post(gateway.url.replace("http:", "https:") + "/v1/traces", content=RUN)
    assert count(gateway, "tls on the http port") == 1


# -- the log ---------------------------------------------------------------------------


def test_each_mistake_is_logged_once_for_each_sender(fake):
    """With what to do, and with the sender's User-Agent; never with credentials."""
    exporting = pytest.importorskip(
        "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    )
    token = {"INFINIUM_OTEL_GATEWAY_TOKEN": "geheimes-wort"}
    with running_gateway(fake, **token) as gateway:
        for _ in range(3):
            post(gateway, authorization="Bearer falsches-wort")
            post(gateway, "/spans", authorization="Bearer geheimes-wort")
            post(gateway, "/v1/metrics", authorization="Bearer geheimes-wort")
            post(gateway, host="evil.example")
            preflight(gateway, "https://evil.example")
            httpx.options(
                f"{gateway.url}/v1/traces",
                headers={
                    "origin": "https://b.example",
                    "authorization": "Bearer geheimes-wort",
                },
            )
        exporter = exporting.OTLPSpanExporter(
            endpoint=gateway.url, headers={"authorization": "Bearer geheimes-wort"}
        )
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("app").start_span("run").end()
        provider.shutdown()
        gateway.stop()
        log = gateway.stderr
    for text in (
        r"127\.0\.0\.1: presents no token, or a wrong one",
        r"127\.0\.0\.1: no such path: /spans; .* \(User-Agent: python-httpx/",
        r"127\.0\.0\.1: sends metrics, .* OTEL_METRICS_EXPORTER=none",
        r"127\.0\.0\.1: uses the host name 'evil.example': .*--allow-host",
        r"127\.0\.0\.1: pages of https://b.example may not send here",
    ):
        assert len(re.findall(text, log)) == 1, (text, log)
    assert "geheimes-wort" not in log
    assert "falsches-wort" not in log


def test_protobuf_senders_get_their_errors_in_protobuf(gateway):
    """A path that is wrong is wrong in every encoding."""
    status_pb2 = pytest.importorskip("google.rpc.status_pb2")
    body = protobuf(traces(agent_span(1)))
    reply = post(gateway, "/v1/trace", body, content_type=PROTOBUF)
    assert reply.status_code == 404
    status = status_pb2.Status.FromString(reply.content)
    assert "spans go to /v1/traces" in status.message
