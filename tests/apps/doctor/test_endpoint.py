"""What the doctor finds at the endpoint."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from infinium_otel.apps.doctor import (
    endpoint,
)
from infinium_otel.config import Config
from infinium_otel.testing import Fault


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
    assert "ConnectError" in finding.message
    assert fake.agent_secret not in str(finding)
