"""What public reports say of attacks on receivers of telemetry, rebuilt against ours."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
import zlib

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from infinium_otel.apps.http.auth import AuthMiddleware
from infinium_otel.apps.http.receiver import build
from support.cpu import little_cpu
from support.otlp_requests import agent_span, traces

applications = pytest.importorskip("starlette.applications")

GOOD = json.dumps(traces(agent_span(1))).encode()
MIB = 1 << 20


@pytest.fixture(scope="module")
def client():
    received = []
    app = applications.Starlette(routes=build(received.extend).routes())
    with TestClient(AuthMiddleware(app), base_url="http://localhost") as found:
        found.received = received
        yield found


def send(client, body, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/v1/traces",
        content=body,
        headers={"content-type": "application/json", **names},
    )


def test_a_forged_size_allocates_nothing(client):
    """open-policy-agent/opa#8132: the size in the trailer of gzip is the sender's word."""
    body = gzip.compress(GOOD)
    forged = body[:-4] + struct.pack("<I", 0xFFFFFFF0)
    tracemalloc.start()
    answer = send(client, forged, content_encoding="gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 400
    assert peak < 16 * MIB


@pytest.mark.parametrize("encoding", ["br", "snappy", "lz4", "x-unknown"])
def test_other_compressions_are_not_read(client, encoding):
    """netty/netty#14004, maximhq/bifrost#5782: a bound for one encoding holds for all."""
    assert (
        send(client, b"\x28\xb5\x2f\xfd" * 9, content_encoding=encoding).status_code
        == 415
    )


@pytest.mark.parametrize("size", [65 * MIB, 200 * MIB])
def test_a_bomb_is_cut_off_while_it_is_decompressed(client, size):
    """superloglabs/superlog#160, cortexproject/cortex#7515, headroomlabs-ai/headroom#3284."""
    bomb = gzip.compress(bytes(size), 1)
    tracemalloc.start()
    answer = send(client, bomb, content_encoding="gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 200 * MIB


def test_many_empty_members_take_little_time(client):
    """A gzip file may have any number of members; each costs a decompressor."""
    body = gzip.compress(b"") * 20_000 + gzip.compress(GOOD)
    with little_cpu():
        answer = send(client, body, content_encoding="gzip")
    assert answer.status_code in (200, 400, 413)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"host": "evil.example:4318"}, 421, id="mark3labs/mcp-go#921"),
        pytest.param(
            {"host": "localhost:4318", "origin": "https://evil.example"},
            403,
            id="modelcontextprotocol/conformance#103",
        ),
        pytest.param(
            {"content-type": "text/plain"}, 415, id="tig/mcec#179-simple-request"
        ),
        pytest.param(
            {"host": "localhost.evil.example"}, 421, id="googleapis/mcp-toolbox#3113"
        ),
        pytest.param(
            {"host": "127.evil.example:4318"}, 421, id="open-mercato/cezar#467-prefix"
        ),
        pytest.param({"host": ""}, 421, id="open-mercato/cezar#467-no-host"),
        pytest.param(
            {"host": "localhost:4318", "origin": "null"},
            403,
            id="bacnh85/pi-extensions#7-origin-of-a-sandbox",
        ),
        pytest.param(
            {"host": "localhost:4318@evil.example"}, 421, id="vercel/vercel#16340-at"
        ),
    ],
)
def test_a_page_cannot_drive_a_local_server(client, headers, status):
    """Neither by a name bound to loopback, nor by a request without a preflight."""
    before = len(client.received)
    names = {"content-type": "application/json", **headers}
    answer = client.post("/v1/traces", content=GOOD, headers=names)
    assert answer.status_code == status
    assert len(client.received) == before


def test_a_rebound_page_reads_nothing(client):
    """bytedance/UI-TARS-desktop#1975: a GET of its own site has no Origin to check."""
    answer = client.get("/v1/traces", headers={"host": "rebound.evil.example:4318"})
    assert answer.status_code == 421
    assert "access-control-allow-origin" not in answer.headers


def test_all_members_together_are_bounded(client):
    """NOFireAI/ravel#1663: a bound for each part is none for the sum of many."""
    body = gzip.compress(bytes(8 * MIB), 1) * 9
    assert send(client, body, content_encoding="gzip").status_code == 413


@pytest.mark.parametrize("wbits", [15, -15])
def test_deflate_is_bounded_as_gzip_is(client, wbits):
    """GreptimeTeam/greptimedb#9264: the bound is on what comes out, for each encoding."""
    packer = zlib.compressobj(1, wbits=wbits)
    bomb = packer.compress(bytes(65 * MIB)) + packer.flush()
    assert send(client, bomb, content_encoding="deflate").status_code == 413
