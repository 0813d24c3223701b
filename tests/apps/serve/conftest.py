"""Fixtures of the local server's tests."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.store import Store


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    opened = Store(str(tmp_path / "tasks.db"))
    yield opened
    opened.close()
