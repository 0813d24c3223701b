"""What senders do wrong at the local server: explained as by the gateway."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn")

from support.local_server import serving
from support.otlp_requests import agent_span, traces

ORIGIN = "http://localhost:3000"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    db = tmp_path_factory.mktemp("db") / "tasks.db"
    with serving(db, "--cors-origin", ORIGIN) as running:
        yield running


def post(served, path, **headers):
    # As a whole address: the client would take `//v1` for a host.
    return served.http.post(
        served.url + path, json=traces(agent_span(1)), headers=headers
    )


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        pytest.param("/", "add /v1/traces", id="no-path"),  # vespa-engine/vespa#37283
        pytest.param("/v1/traces/v1/traces", "without a path", id="appended-twice"),
        pytest.param("/otlp/v1/traces", "before /v1", id="prefix"),
    ],
)
def test_a_wrong_path_is_explained(served, path, advice):
    """404 that names the right paths: not the page, and not 405."""
    reply = post(served, path)
    assert reply.status_code == 404
    assert "spans go to /v1/traces" in reply.json()["message"]
    assert advice in reply.json()["message"]


def test_other_requests_have_the_errors_of_the_api(served):
    """Only what could be OTLP is explained so."""
    for reply in (served.http.get("/nowhere"), post(served, "/api/v1/nowhere")):
        assert reply.status_code == 404
        assert reply.json()["success"] is False
    assert served.http.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/v1/traces/", "//v1/traces"])
def test_slashes_too_many_do_no_harm(served, path):
    """open-telemetry/opentelemetry-js#3269."""
    assert post(served, path).json() == {}


def test_metrics_are_accepted_and_dropped(served):
    """Many SDKs send them by default."""
    assert post(served, "/v1/metrics").json() == {}


def test_a_method_that_is_not_allowed(served):
    """With what is."""
    reply = served.http.get("/v1/traces")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


def test_pages_may_send_spans_and_nothing_else(served):
    """The listed origin, and only to the paths of OTLP."""
    preflight = {"origin": ORIGIN, "access-control-request-method": "POST"}
    allowed = served.http.options("/v1/traces", headers=preflight)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert (
        "access-control-allow-origin"
        in post(served, "/v1/traces", origin=ORIGIN).headers
    )
    for path in ("/api/tasks", "/"):
        reply = served.http.get(path, headers={"origin": ORIGIN})
        assert "access-control-allow-origin" not in reply.headers
    other = served.http.options(
        "/v1/traces", headers={**preflight, "origin": "http://a"}
    )
    assert "access-control-allow-origin" not in other.headers
