"""What all fault tests share: a server to break."""

from __future__ import annotations

import pytest

from infinium_otel.testing import FakeInfinium


@pytest.fixture
def fake():
    """The stand-in for the service, on loopback."""
    with FakeInfinium(require_key=True) as server:
        yield server


@pytest.fixture
def spool(tmp_path):
    """A path for a spool."""
    return str(tmp_path / "spool" / "tasks.db")
