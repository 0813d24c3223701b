"""What the doctor finds at the endpoint."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from infinium_otel.apps.doctor import (
    endpoint,
)
from infinium_otel.config import Config
from infinium_otel.testing import FakeInfinium, Fault
from support.loopback import CERTIFICATE, server_context


def check(fake, *faults, now=time.time, **changes):
    fake.script(*faults)
    return endpoint.check_endpoint(Config(**{**fake.settings, **changes}), now)


def test_a_working_endpoint(fake):
    """It is reachable, accepts the credentials, and the clocks agree; nothing is stored."""
    found = check(fake)
    assert {finding.level for finding in found} == {"ok"}
    assert (
        "accepts the credentials (404: no such trace, as expected)" in found[1].message
    )
    assert "clock agrees" in found[2].message
    assert fake.tasks == []


@pytest.mark.parametrize(
    ("fault", "level", "message"),
    [
        pytest.param(401, "error", "rejects the credentials (401)", id="401"),
        pytest.param(403, "error", "rejects the credentials (403)", id="403"),
        pytest.param(503, "warning", "failing now (503)", id="503"),
        pytest.param(429, "warning", "failing now (429)", id="429"),
        pytest.param(307, "error", "redirects (307)", id="redirect"),
        pytest.param(200, "ok", "accepts the credentials (200)", id="200"),
    ],
)
def test_what_the_status_means(fake, fault, level, message):
    """As for a delivery: 401 and 403 concern the credentials; 429 and 5xx are temporary."""
    finding = check(fake, fault)[1]
    assert finding.level == level
    assert message in finding.message


def response_dated(date):
    head = f"HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
    return Fault(breaks="raw", body=head.encode())


@pytest.mark.parametrize(
    ("skew_s", "level", "message"),
    [
        pytest.param(0, "ok", "agrees", id="right"),
        pytest.param(600, "warning", "600 s ahead", id="ahead"),
        pytest.param(-600, "warning", "600 s behind", id="behind"),
    ],
)
def test_a_wrong_clock_is_found(fake, skew_s, level, message):
    """Runs are shown at this machine's time, so it must be right."""
    dated = response_dated(formatdate(1_700_000_000, usegmt=True))
    finding = check(fake, dated, now=lambda: 1_700_000_000.0 + skew_s)[2]
    assert finding.level == level
    assert message in finding.message


def test_an_invalid_date_is_ignored(fake):
    """A response without a readable date gives no finding about the clock."""
    assert len(check(fake, response_dated("yesterday"))) == 2


def test_an_unreachable_endpoint_is_an_error(fake):
    """The finding has the address and the failure, and no secret."""
    fake.close()
    (finding,) = check(fake)
    assert finding.level == "error"
    assert finding.fix == f"curl -sv {fake.base_url}"
    assert "Connection refused" in finding.message
    assert fake.agent_secret not in str(finding)


@pytest.mark.parametrize("path", ["", "/", "/v1/traces", "/api"])
def test_an_address_without_the_path_of_the_api(fake, path):
    """A 404 says that the address is right only where its path is that of the API.

    Source: cBioPortal/cbioportal-mcp#64, open-telemetry/opentelemetry-python#5628: the path
    is forgotten, and every request is answered by a 404.
    """
    origin = fake.base_url.removesuffix("/api/v1")
    reached, finding = check(fake, base_url=f"{origin}{path}")[:2]
    assert (reached.level, finding.level) == ("ok", "warning")
    assert "the API is under /api/v1" in finding.message
    assert finding.fix == f"export INFINIUM_BASE_URL={fake.base_url}"


def test_https_to_a_server_without_tls(fake):
    """The scheme is the mistake, and the fix changes it."""
    (finding,) = check(fake, base_url=fake.base_url.replace("http:", "https:"))
    assert finding.level == "error"
    assert finding.fix == f"export INFINIUM_BASE_URL={fake.base_url}"


def test_a_certificate_of_the_own_network(monkeypatch):
    """The fix names the variable that a delivery reads too.

    Source: langfuse/langfuse#7485, langfuse/claude-observability-plugin#18.
    """
    with FakeInfinium(ssl_context=server_context()) as fake:
        (finding,) = check(fake)
        assert finding.level == "error"
        assert "certificate refused" in finding.message
        assert finding.fix.startswith("export SSL_CERT_FILE=")
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert {finding.level for finding in check(fake)} == {"ok"}
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
        (finding,) = check(fake)
        assert finding.message.endswith("SSL_CERT_FILE is no file: /nowhere.pem")
        assert finding.fix == "unset SSL_CERT_FILE"


def test_the_proxy_of_the_environment_is_named(fake, monkeypatch):
    """Requests take the way of the tasks: through the proxy, but not to this machine.

    Source: langfuse/langfuse#15394, where `NO_PROXY` had no effect.
    """
    monkeypatch.setenv("HTTP_PROXY", "http://ada:secret@127.0.0.1:1")
    assert "proxy" not in str(check(fake))
    named, finding = check(fake, base_url="http://infinium.example/api/v1")
    assert named.message == "requests go through the proxy 127.0.0.1:1"
    assert finding.level == "error"
    monkeypatch.setenv("NO_PROXY", "infinium.example")
    assert "proxy" not in str(check(fake, base_url="http://infinium.example/api/v1"))


def test_a_test_run(fake):
    """It is a task as any other; what the service says against it is reported."""
    (finding,) = endpoint.send_test_run(Config(**fake.settings))
    assert finding.level == "ok"
    (task,) = fake.tasks
    assert task["name"] == "infinium-otel doctor"
    fake.script(422)
    (finding,) = endpoint.send_test_run(Config(**fake.settings))
    assert finding.level == "error"
    assert len(fake.tasks) == 1
