"""OTLP over HTTP: what is taken, what is refused, and in which words."""

from __future__ import annotations

import gzip
import json
import socket
import zlib

import httpx
import pytest

from infinium_otel.apps.bodies import Bodies, BusyError
from infinium_otel.apps.receiver import Receipts, routes
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.otlp import from_json
from support.corpus import recording
from support.otlp_requests import logs, protobuf, span, traces
from support.serving import serving

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


class Taker:
    """Takes records, or raises what it is told to."""

    def __init__(self):
        self.records = []
        self.error = None

    def __call__(self, records):
        if self.error is not None:
            raise self.error
        self.records += records


@pytest.fixture(scope="module")
def server():
    taker, receipts, bodies = Taker(), Receipts(), Bodies(LIMIT, 3 * LIMIT)
    app = applications.Starlette(routes=routes(taker, receipts, bodies))
    with serving(app) as url, httpx.Client(base_url=url) as client:
        client.taker, client.receipts, client.bodies = taker, receipts, bodies
        yield client


@pytest.fixture
def client(server):
    server.taker.__init__()
    yield server
    assert server.bodies.held_bytes == 0


def post(client, body, content_type=JSON, path="/v1/traces", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        path, content=body, headers={"content-type": content_type, **names}
    )


def error_of(reply):
    """Code and message of the `google.rpc.Status`, in the encoding of the reply."""
    if reply.headers["content-type"] == JSON:
        return reply.json()["code"], reply.json()["message"]
    status = status_pb2.Status.FromString(reply.content)
    return status.code, status.message


PACKINGS = [
    pytest.param(lambda body: body, {}, id="plain"),
    pytest.param(lambda body: body, {"content_encoding": "identity"}, id="identity"),
    pytest.param(gzip.compress, {"content_encoding": "gzip"}, id="gzip"),
    pytest.param(zlib.compress, {"content_encoding": "Deflate"}, id="deflate"),
]


@pytest.mark.parametrize(("pack", "headers"), PACKINGS)
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
def test_a_request_is_taken_in_every_form(client, body, content_type, pack, headers):
    """Protobuf and JSON, plain and compressed; the reply speaks the same encoding."""
    before = client.receipts.records
    reply = post(client, pack(body), content_type, **headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == content_type.partition(";")[0]
    assert reply.content in (b"{}", b"")
    assert client.taker.records == RECORDS
    assert client.receipts.records - before == len(RECORDS)


def test_logs_are_taken_at_their_own_address(client):
    """Log records that belong to a span become log events."""
    request = logs({"traceId": "1" * 32, "spanId": "2" * 16, "eventName": "e"})
    assert post(client, json.dumps(request).encode(), path="/v1/logs").is_success
    assert post(client, protobuf(request), PROTOBUF, "/v1/logs").is_success
    assert [record.name for record in client.taker.records] == ["e", "e"]


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_an_empty_request_is_a_success(client, content_type):
    """Nothing to take is nothing to complain of, and nobody is bothered with it."""
    client.taker.error = AssertionError("must not be called")
    body = b"{}" if content_type == JSON else b""
    assert post(client, body, content_type).status_code == 200


def test_a_partial_success_is_told_in_json(client):
    """The good spans are taken; how many were not, and why, stands in the reply."""
    body = json.dumps(traces(span(), {"name": "no ids"}, {})).encode()
    before = client.receipts.left_out
    reply = post(client, body)
    assert reply.status_code == 200
    assert reply.json() == {
        "partialSuccess": {
            "rejectedSpans": "2",
            "errorMessage": "a span has no usable traceId and spanId",
        }
    }
    assert len(client.taker.records) == 1
    assert client.receipts.left_out - before == 2


def test_a_partial_success_is_told_in_protobuf(client):
    """The protobuf library reads the counts from the reply, for both signals."""
    body = protobuf(traces(*[{"name": "no ids"}] * 300))
    reply = post(client, body, PROTOBUF)
    response = trace_service.ExportTraceServiceResponse.FromString(reply.content)
    assert response.partial_success.rejected_spans == 300
    assert "trace_id" in response.partial_success.error_message
    bad = protobuf(logs({"traceId": "11", "spanId": "2" * 16}))
    reply = post(client, bad, PROTOBUF, "/v1/logs")
    response = logs_service.ExportLogsServiceResponse.FromString(reply.content)
    assert response.partial_success.rejected_log_records == 1


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "message"),
    [
        pytest.param(b"{ cut", JSON, {}, 400, "no JSON", id="cut-json"),
        pytest.param(b"[" * 100_000, JSON, {}, 400, "no JSON", id="deep-json"),
        pytest.param(b'{"a": 1}', JSON, {}, 400, "not OTLP", id="another-json"),
        pytest.param(b"\x0a\xff", PROTOBUF, {}, 400, "not OTLP", id="cut-protobuf"),
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
def test_what_cannot_be_taken_is_refused_clearly(  # noqa: PLR0913, PLR0917 - one row of a table
    client, body, content_type, headers, status, message
):
    """An OTLP error body in the request's encoding says why; nothing is taken."""
    before = client.receipts.refused
    reply = post(client, body, content_type, **headers)
    assert reply.status_code == status
    code, said = error_of(reply)
    assert code == 3
    assert message in said
    assert client.taker.records == []
    assert client.receipts.refused - before == 1


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
@pytest.mark.parametrize(
    ("error", "status", "code", "wait"),
    [
        pytest.param(BusyError(2.2), 429, 8, "3", id="busy"),
        pytest.param(InfiniumError("secret text"), 503, 14, "5", id="failing"),
    ],
)
def test_who_cannot_be_served_now_is_asked_to_come_again(  # noqa: PLR0913, PLR0917 - one row
    client, content_type, error, status, code, wait
):
    """429 and 503 carry Retry-After; the sender keeps its spans and sends them again."""
    client.taker.error = error
    body = json.dumps(RECORDED).encode()
    reply = post(
        client, body if content_type == JSON else protobuf(RECORDED), content_type
    )
    assert reply.status_code == status
    assert reply.headers["retry-after"] == wait
    assert error_of(reply)[0] == code
    assert b"secret" not in reply.content


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
    """Past what may be held at once the answer is 429, however small the body."""
    client.bodies.change(3 * LIMIT - 50_000)
    try:
        reply = post(client, body, **headers)
    finally:
        client.bodies.change(50_000 - 3 * LIMIT)
    assert reply.status_code == 429
    assert "retry-after" in reply.headers


def test_a_huge_body_is_not_read_to_its_end(client):
    """What is far past the bound is answered before it has come in whole."""
    where = client.base_url
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: {where.host}\r\n"
        f"content-type: {JSON}\r\ncontent-length: {100 * LIMIT}\r\n\r\n"
    )
    with socket.create_connection((where.host, where.port), timeout=10) as sender:
        sender.sendall(head.encode())
        sender.sendall(b" " * (3 * LIMIT))
        assert sender.recv(100).startswith(b"HTTP/1.1 413")


def test_a_sender_that_goes_away_is_counted(client):
    """A request that never ended leaves nothing behind."""
    before = client.receipts.refused
    where = client.base_url
    with socket.create_connection((where.host, where.port), timeout=10) as sender:
        head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
        sender.sendall(head.encode())
    for _ in range(100):
        if client.receipts.refused > before:
            break
        client.get("/v1/traces")
    assert client.receipts.refused == before + 1
    assert client.taker.records == []


def test_only_post_is_allowed(client):
    """A browser that looks at the address is told so."""
    assert client.get("/v1/traces").status_code == 405


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    """A missing extra says which `pip install` mends it."""
    monkeypatch.setitem(__import__("sys").modules, "starlette.routing", None)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        routes(print)


def test_receipts_are_optional():
    """Nobody need count."""
    assert [route.path for route in routes(print)] == ["/v1/traces", "/v1/logs"]
