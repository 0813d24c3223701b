"""Fixtures of all fault tests."""

from __future__ import annotations

import pytest


@pytest.fixture
def spool(tmp_path):
    """A path for a spool."""
    return str(tmp_path / "spool" / "tasks.db")
