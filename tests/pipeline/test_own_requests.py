"""Which spans report requests to Infinium itself."""

from __future__ import annotations

import pytest

from infinium_otel.pipeline.own_requests import OwnRequests
from support.spans import sid, span

BASE = "https://Infinium.test/api/v1"

TOLD = [
    pytest.param({"url.full": f"{BASE}/agents/a/trace"}, True, id="url"),
    pytest.param({"http.url": f"{BASE}/agents/a/trace"}, True, id="url-before-1.23"),
    pytest.param({"url.full": "https://infinium.test:443/api/v1"}, True, id="port"),
    pytest.param({"url.full": "https://infinium.test:8443/api/v1"}, False, id="other"),
    pytest.param({"url.full": "https://infinium.test/api/v10/x"}, False, id="path"),
    pytest.param({"url.full": "https://x.test/?u=infinium.test"}, False, id="query"),
    pytest.param({"url.full": "https://infinium.test:x/api/v1"}, False, id="no-port"),
    pytest.param({"url.full": "ftp://infinium.test/api/v1"}, False, id="not-http"),
    pytest.param({"url.full": [f"{BASE}/agents"]}, False, id="wrong-type"),
    pytest.param(
        {
            "http.request.method": "POST",
            "server.address": "infinium.test",
            "server.port": 443,
            "url.path": "/api/v1/agents/a/trace",
        },
        True,
        id="peer",
    ),
    pytest.param(
        {
            "http.method": "POST",
            "net.peer.name": "infinium.test",
            "http.target": "/api/v1/x?y=1",
        },
        True,
        id="peer-before-1.23",
    ),
    pytest.param(
        {"http.method": "POST", "net.peer.name": "infinium.test"}, True, id="host"
    ),
    pytest.param(
        {
            "http.request.method": "GET",
            "server.address": "infinium.test",
            "server.port": "8443",
        },
        False,
        id="peer-other-port",
    ),
    pytest.param(
        {
            "http.request.method": "GET",
            "server.address": "infinium.test",
            "url.path": "/v1/chat",
        },
        False,
        id="peer-other-path",
    ),
    pytest.param(
        {"http.request.method": "GET", "server.address": object()}, False, id="object"
    ),
    pytest.param(
        {"gen_ai.operation.name": "chat", "server.address": "infinium.test"},
        False,
        id="no-http",
    ),
    pytest.param({}, False, id="nothing"),
]


@pytest.mark.parametrize(("attributes", "own"), TOLD)
def test_named_by_its_attributes(attributes, own):
    """A request to the API is recognized by its URL, else by host, port and path."""
    found = OwnRequests(BASE).find([span("x", attributes=attributes)])
    assert found == ((sid("x"),) if own else ())


def test_a_missing_port_is_the_default_one():
    """If the API has a non-default port, a span without port is another server's."""
    elsewhere = {"http.method": "GET", "net.peer.name": "localhost"}
    own = OwnRequests("http://localhost:4318/api/v1")
    assert own.find([span("x", attributes=elsewhere)]) == ()


def test_spans_below_a_request_are_filtered_with_it():
    """Connecting, TLS and the rest are part of the request; its neighbours are not."""
    records = [
        span("run"),
        span("post", "run", attributes={"url.full": f"{BASE}/agents/a/trace"}),
        span("connect", "post"),
        span("tls", "connect"),
        span("tool", "run"),
    ]
    found = OwnRequests(BASE).find(records)
    assert found == (sid("post"), sid("connect"), sid("tls"))
