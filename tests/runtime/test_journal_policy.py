"""Whether spans are on disk as they were recorded is a setting that follows content."""

from __future__ import annotations

import pytest

from infinium_otel.config import Config
from infinium_otel.runtime import registry


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"capture_content": False}, False),
        ({"capture_content": False, "journal": "on"}, True),
        ({"journal": "off"}, False),
    ],
)
def test_the_journal_follows_content(settings, expected, tmp_path):
    """`auto` keeps spans on disk only if their content may be sent; `on`, `off` decide."""
    config = Config(
        agent_id="00000000-0000-0000-0000-000000000001",
        agent_secret="s" * 20,
        spool=str(tmp_path / "spool.db"),
        **settings,
    )
    runner = registry._create(config, None, None, tuple, None)
    try:
        assert runner._journal.has_journal is expected
    finally:
        runner.shutdown(1.0)
    assert list(tmp_path.glob("*.journal/*")) == []
