"""A server for the tests that send."""

from __future__ import annotations

import pytest

from infinium_otel.testing import FakeInfinium


@pytest.fixture
def fake():
    """The stand-in for the service, on loopback."""
    with FakeInfinium() as server:
        yield server
