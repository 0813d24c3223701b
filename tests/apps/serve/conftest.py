"""What several tests of the local server need."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.store import Store


@pytest.fixture
def store(tmp_path):
    """A store with nothing in it."""
    opened = Store(str(tmp_path / "tasks.db"))
    yield opened
    opened.close()
