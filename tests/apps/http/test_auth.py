"""Access to a local server."""

from __future__ import annotations

import httpx
import pytest

from infinium_otel.apps.http.auth import (
    LOOPBACK_NAMES,
    AuthMiddleware,
    get_allowed_hosts,
    is_loopback,
)
from support.serving import serving

applications = pytest.importorskip("starlette.applications")
responses = pytest.importorskip("starlette.responses")
routing = pytest.importorskip("starlette.routing")


async def respond(_request):
    return responses.PlainTextResponse("behind")


def serve_with_auth(**settings):
    paths = [routing.Route(path, respond) for path in ("/healthz", "/v1/traces")]
    return serving(AuthMiddleware(applications.Starlette(routes=paths), **settings))


@pytest.fixture(scope="module")
def local():
    with serve_with_auth() as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def tokened():
    with (
        serve_with_auth(hosts=frozenset(), token="geheim") as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("localhost", 200, id="name"),
        pytest.param("LOCALHOST:4318", 200, id="name-and-port"),
        pytest.param("localhost.:4318", 200, id="absolute-name"),
        pytest.param("127.0.0.1:1", 200, id="address"),
        pytest.param("[::1]:4318", 200, id="ipv6-and-port"),
        pytest.param("[::1]", 200, id="ipv6"),
        pytest.param("evil.example", 421, id="rebound-name"),
        pytest.param("localhost.evil.example:4318", 421, id="name-that-begins-so"),
        pytest.param("127.0.0.1.nip.io", 421, id="address-that-begins-so"),
        pytest.param("::1", 421, id="no-brackets"),
        pytest.param("", 421, id="empty"),
        pytest.param("\xff\xfe", 421, id="no-text"),
    ],
)
def test_a_server_on_loopback_accepts_only_loopback_names(local, host, status):
    """Another Host header is rejected: this stops DNS rebinding."""
    reply = local.get("/v1/traces", headers={"host": host.encode("latin-1")})
    assert reply.status_code == status
    assert (reply.text == "behind") == (status == 200)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param("http://localhost:3000", 200, id="page-of-this-machine"),
        pytest.param("http://127.0.0.1:4318", 200, id="own-page"),
        pytest.param("https://evil.example", 403, id="other-site"),
        pytest.param("http://localhost.evil.example", 403, id="name-that-begins-so"),
        pytest.param("null", 403, id="sandboxed-frame-or-file"),
        pytest.param("chrome-extension://localhost", 403, id="extension"),
    ],
)
def test_a_server_on_loopback_rejects_pages_of_other_sites(local, origin, status):
    """A page may send requests to 127.0.0.1 without reading the response (CSRF)."""
    headers = {"origin": origin}
    assert local.get("/v1/traces", headers=headers).status_code == status
    assert local.get("/healthz", headers=headers).status_code == status


def test_a_server_with_a_token_accepts_any_page(tokened):
    """A token protects it, which no browser sends by itself."""
    headers = {"origin": "https://app.example", "authorization": "Bearer geheim"}
    assert tokened.get("/v1/traces", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        pytest.param("/v1/traces", "Bearer geheim", 200, id="token"),
        pytest.param("/v1/traces", "bearer  geheim", 200, id="scheme-in-lower-case"),
        pytest.param("/v1/traces", "Bearer geheimer", 401, id="wrong-token"),
        pytest.param("/v1/traces", "Basic geheim", 401, id="wrong-scheme"),
        pytest.param("/v1/traces", "Bearer \xff", 401, id="no-ascii"),
        pytest.param("/v1/traces", "", 401, id="none"),
        pytest.param("/healthz", "", 200, id="health-is-open"),
    ],
)
def test_a_token_is_required_if_one_is_set(tokened, path, authorization, status):
    """Without the right bearer token only the health check is served."""
    headers = {"authorization": authorization.encode("latin-1"), "host": "any.example"}
    reply = tokened.get(path, headers=headers)
    assert reply.status_code == status
    if status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
        assert "geheim" not in reply.text


def test_a_rejection_has_the_encoding_of_the_request(tokened):
    """An OTLP sender gets a `google.rpc.Status` that it can read."""
    status_pb2 = pytest.importorskip("google.rpc.status_pb2")
    headers = {"content-type": "application/x-protobuf"}
    reply = tokened.post("/v1/traces", headers=headers)
    assert reply.headers["content-type"] == "application/x-protobuf"
    status = status_pb2.Status.FromString(reply.content)
    assert (status.code, status.message) == (16, "a bearer token is required")
    assert tokened.get("/v1/traces").json()["code"] == 16


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_is_loopback(host, expected):
    """Only addresses that other machines cannot reach; an unknown name is not one."""
    assert is_loopback(host) is expected


def test_names_of_loopback():
    """IPv6 is in brackets, as in a Host header."""
    assert {"localhost", "127.0.0.1", "[::1]"} == LOOPBACK_NAMES


@pytest.mark.parametrize(
    ("host", "allowed", "name"),
    [
        pytest.param("127.0.0.1", [], "localhost", id="loopback"),
        pytest.param("10.0.0.7", [], "10.0.0.7", id="the-address"),
        pytest.param("fd00::7", [], "[fd00::7]", id="ipv6"),
        pytest.param("0.0.0.0", ["Build-Box"], "build-box", id="any-case"),
    ],
)
def test_allowed_hosts(host, allowed, name):
    """As a Host header has them: IPv6 in brackets, and in lower case."""
    assert name in get_allowed_hosts(host, allowed)
