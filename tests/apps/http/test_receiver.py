"""OTLP over HTTP: what is accepted, what is rejected, and the error messages."""

from __future__ import annotations

import gzip
import json
import socket
import zlib

import httpx
import pytest

from infinium_otel.apps.http.body_limiter import BodyLimiter, BusyError
from infinium_otel.apps.http.receiver import RequestCounters, build, decode
from infinium_otel.errors import DecodingError, InfiniumError, MissingExtraError
from infinium_otel.otlp import from_json
from infinium_otel.records.bounds import MAX_RUNS
from support.corpus import recording
from support.otlp_requests import logs, protobuf, span, traces
from support.serving import serving
from support.waiting import wait_until

applications = pytest.importorskip("starlette.applications")
trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
)
logs_service = pytest.importorskip(
    "opentelemetry.proto.collector.logs.v1.logs_service_pb2"
)
status_pb2 = pytest.importorskip("google.rpc.status_pb2")

RECORDED = recording("genai-openai/tool_loop").spans
RECORDS = from_json(RECORDED).records
JSON, PROTOBUF = "application/json", "application/x-protobuf"
LIMIT = 200_000


class FakeSink:
    """Collects records, or raises `error`."""

    def __init__(self):
        self.records = []
        self.error = None

    def __call__(self, records):
        if self.error is not None:
            raise self.error
        self.records += records


@pytest.fixture(scope="module")
def server():
    sink, counters, limiter = (
        FakeSink(),
        RequestCounters(),
        BodyLimiter(LIMIT, 3 * LIMIT),
    )
    endpoint = build(sink, counters, limiter)
    app = applications.Starlette(routes=endpoint.routes(any_path=True))
    with serving(app) as url, httpx.Client(base_url=url) as client:
        client.sink, client.counters, client.limiter = sink, counters, limiter
        yield client


@pytest.fixture
def client(server):
    server.sink.__init__()
    yield server
    assert server.limiter.held_bytes == 0


def post(client, body, content_type=JSON, path="/v1/traces", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        path, content=body, headers={"content-type": content_type, **names}
    )


def decode_error(response):
    """Decode the `google.rpc.Status`: code and message."""
    if response.headers["content-type"] == JSON:
        return response.json()["code"], response.json()["message"]
    status = status_pb2.Status.FromString(response.content)
    return status.code, status.message


COMPRESSIONS = [
    pytest.param(lambda body: body, {}, id="plain"),
    pytest.param(lambda body: body, {"content_encoding": "identity"}, id="identity"),
    pytest.param(gzip.compress, {"content_encoding": "gzip"}, id="gzip"),
    pytest.param(zlib.compress, {"content_encoding": "Deflate"}, id="deflate"),
]


@pytest.mark.parametrize(("compress", "headers"), COMPRESSIONS)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(json.dumps(RECORDED).encode(), JSON, id="json"),
        pytest.param(
            json.dumps(RECORDED).encode(), f"{JSON}; charset=utf-8", id="charset"
        ),
        pytest.param(protobuf(RECORDED), PROTOBUF, id="protobuf"),
    ],
)
def test_a_request_is_accepted_in_every_encoding(
    client, body, content_type, compress, headers
):
    """Protobuf and JSON, plain and compressed; the response has the same encoding."""
    before = client.counters.records
    response = post(client, compress(body), content_type, **headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == content_type.partition(";")[0]
    assert response.content in (b"{}", b"")
    assert client.sink.records == RECORDS
    assert client.counters.records - before == len(RECORDS)


def test_logs_are_accepted_at_their_own_path(client):
    """Log records that belong to a span become log events."""
    request = logs({"traceId": "1" * 32, "spanId": "2" * 16, "eventName": "e"})
    assert post(client, json.dumps(request).encode(), path="/v1/logs").is_success
    assert post(client, protobuf(request), PROTOBUF, "/v1/logs").is_success
    assert [record.name for record in client.sink.records] == ["e", "e"]


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_an_empty_request_is_a_success(client, content_type):
    """An empty request is not an error, and is not passed on."""
    client.sink.error = AssertionError("must not be called")
    body = b"{}" if content_type == JSON else b""
    assert post(client, body, content_type).status_code == 200


def test_a_partial_success_in_json(client):
    """Valid spans are accepted; the response has how many were not, and why."""
    body = json.dumps(traces(span(), {"name": "no ids"}, {})).encode()
    before = client.counters.left_out
    response = post(client, body)
    assert response.status_code == 200
    assert response.json() == {
        "partialSuccess": {
            "rejectedSpans": "2",
            "errorMessage": "a span has no usable traceId and spanId",
        }
    }
    assert len(client.sink.records) == 1
    assert client.counters.left_out - before == 2


def test_a_partial_success_in_protobuf(client):
    """The protobuf library decodes the counts, for both signals."""
    body = protobuf(traces(*[{"name": "no ids"}] * 300))
    response = post(client, body, PROTOBUF)
    response = trace_service.ExportTraceServiceResponse.FromString(response.content)
    assert response.partial_success.rejected_spans == 300
    assert "trace_id" in response.partial_success.error_message
    bad = protobuf(logs({"traceId": "11", "spanId": "2" * 16}))
    response = post(client, bad, PROTOBUF, "/v1/logs")
    response = logs_service.ExportLogsServiceResponse.FromString(response.content)
    assert response.partial_success.rejected_log_records == 1


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "message"),
    [
        pytest.param(b"{ cut", JSON, {}, 400, "was cut", id="cut-json"),
        pytest.param(b"[" * 100_000, JSON, {}, 400, "too deep", id="deep-json"),
        pytest.param(b'{"a": 1}', JSON, {}, 400, "invalid OTLP", id="another-json"),
        pytest.param(b"\x0a\xff", PROTOBUF, {}, 400, "invalid OTLP", id="cut-protobuf"),
        pytest.param(
            gzip.compress(b"{}")[:-4],
            JSON,
            {"content_encoding": "gzip"},
            400,
            "cut",
            id="cut-gzip",
        ),
        pytest.param(
            b"{}", JSON, {"content_encoding": "gzip"}, 400, "damaged", id="no-gzip"
        ),
        pytest.param(
            b"{}", JSON, {"content_encoding": "br"}, 415, "Encoding", id="brotli"
        ),
        pytest.param(b"{}", "text/plain", {}, 415, "Content-Type", id="text"),
        pytest.param(b"{}", "", {}, 415, "Content-Type", id="no-type"),
        pytest.param(
            b"{" + b" " * LIMIT + b"}", JSON, {}, 413, "bytes", id="body-too-large"
        ),
        pytest.param(
            gzip.compress(bytes(100 * LIMIT)),
            PROTOBUF,
            {"content_encoding": "gzip"},
            413,
            "bytes",
            id="bomb",
        ),
    ],
)
def test_an_unusable_request_is_rejected(  # noqa: PLR0913, PLR0917 - one row of a table
    client, body, content_type, headers, status, message
):
    """The response has an OTLP error in the request's encoding; nothing is accepted."""
    before = client.counters.refused
    response = post(client, body, content_type, **headers)
    assert response.status_code == status
    code, text = decode_error(response)
    assert code == 3
    assert message in text
    assert client.sink.records == []
    assert client.counters.refused - before == 1


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
@pytest.mark.parametrize(
    ("error", "status", "code", "wait"),
    [
        pytest.param(BusyError(2.2), 429, 8, "3", id="busy"),
        pytest.param(InfiniumError("secret text"), 503, 14, "5", id="failing"),
    ],
)
def test_a_temporary_failure_makes_the_sender_retry(  # noqa: PLR0913, PLR0917 - one row
    client, content_type, error, status, code, wait
):
    """429 and 503 have Retry-After; the sender keeps its spans and sends them again."""
    client.sink.error = error
    body = json.dumps(RECORDED).encode()
    response = post(
        client, body if content_type == JSON else protobuf(RECORDED), content_type
    )
    assert response.status_code == status
    assert response.headers["retry-after"] == wait
    assert decode_error(response)[0] == code
    assert b"secret" not in response.content


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b" " * 100_000, {}, id="while-reading"),
        pytest.param(
            gzip.compress(bytes(100_000)), {"content_encoding": "gzip"}, id="inflating"
        ),
    ],
)
def test_all_bodies_together_are_bounded(client, body, headers):
    """Past the bound on all bodies the response is 429, however small the body."""
    client.limiter.add(3 * LIMIT - 50_000)
    try:
        response = post(client, body, **headers)
    finally:
        client.limiter.add(50_000 - 3 * LIMIT)
    assert response.status_code == 429
    assert "retry-after" in response.headers


def test_the_runs_of_a_request_are_bounded():
    """Each becomes a task, which costs far more than its spans."""
    wires = [
        {"traceId": f"{number + 1:032x}", "spanId": "1" * 16}
        for number in range(MAX_RUNS + 1)
    ]
    most = json.dumps(traces(*wires[1:])).encode()
    assert len(decode(most, JSON, "traces").records) == MAX_RUNS
    with pytest.raises(DecodingError, match="at most 10,000") as caught:
        decode(json.dumps(traces(*wires)).encode(), JSON, "traces")
    assert caught.value.status_code == 413


def test_a_huge_body_is_not_read_to_its_end(client):
    """A body far past the bound is rejected before all of it is received."""
    where = client.base_url
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: {where.host}\r\n"
        f"content-type: {JSON}\r\ncontent-length: {100 * LIMIT}\r\n\r\n"
    )
    with socket.create_connection((where.host, where.port), timeout=10) as sender:
        sender.sendall(head.encode())
        sender.sendall(b" " * (3 * LIMIT))
        assert sender.recv(100).startswith(b"HTTP/1.1 413")


def test_a_sender_that_disconnects_is_counted(client):
    """An incomplete request is counted as refused, and frees its memory."""
    before = client.counters.refused
    where = client.base_url
    with socket.create_connection((where.host, where.port), timeout=10) as sender:
        head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
        sender.sendall(head.encode())
    wait_until(lambda: client.counters.refused > before)
    assert client.counters.refused == before + 1
    assert client.sink.records == []


def test_without_the_extra_the_error_names_it(monkeypatch):
    """The error for a missing extra has the `pip install` command."""
    monkeypatch.setitem(__import__("sys").modules, "starlette.routing", None)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        build(print)


def test_all_but_the_sink_is_optional():
    """By default only paths below `/v1` are explained."""
    assert [route.path for route in build(print).routes()] == ["/v1/{rest:path}"]
